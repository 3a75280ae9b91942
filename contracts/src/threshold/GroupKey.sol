// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Owned} from "../access/Owned.sol";
import {IGroupKey} from "../interfaces/IGroupKey.sol";
import {GENERATION_MAX, Latest, OWN_BITS} from "./Latest.sol";
import {Schnorr} from "./Schnorr.sol";

/// @title Keeps the group key, changes it, and tells what is signed by it
/// @dev The key's x takes a word; its parity and generation are in the word that every update reads anyway. So an update
/// pays for two words, however many oracles there are.
abstract contract GroupKey is IGroupKey, Owned {
    bytes32 private constant ROTATION = keccak256("dodona threshold rotation v1");
    bytes32 private constant PROOF = keccak256("dodona threshold proof of possession v1");

    /// @dev No key has it, since the first one's is 1.
    uint32 private constant ANY_GENERATION = 0;

    bool public immutable override attribution;

    Latest internal s_latest;
    uint256 internal s_x;

    constructor(bool attribution_) {
        attribution = attribution_;
    }

    // -- what is signed by the group

    /// @dev What a report must fulfil before its signature is looked at.
    function _requireNext(Latest latest, uint256 report, uint256 contributors) internal view {
        if (report & OWN_BITS != 0) revert MalformedReport(report);
        uint40 got = Latest.wrap(report).epochAndRound();
        if (got <= latest.epochAndRound()) revert StaleReport(got, latest.epochAndRound());
        if ((contributors != 0) != attribution) revert ContributorsMismatch(contributors, attribution);
    }

    /// @dev Before the first key x is zero, and no signature is valid.
    function _requireSigned(Latest latest, bytes32 message, Schnorr.Signature calldata signature) internal view {
        if (!Schnorr.isValid(s_x, latest.parity(), message, signature)) revert InvalidSignature(message);
    }

    // -- the key

    /// @inheritdoc IGroupKey
    function setGroupKey(uint256 x, uint8 parity, Schnorr.Signature calldata proof) external override onlyOwner {
        _setGroupKey(x, parity, proof, false);
    }

    /// @inheritdoc IGroupKey
    function rotateGroupKey(
        uint256 x,
        uint8 parity,
        Schnorr.Signature calldata proof,
        Schnorr.Signature calldata consent
    ) external override {
        Latest latest = s_latest;
        bytes32 message = rotationMessage(x, parity);
        if (!Schnorr.isValid(s_x, latest.parity(), message, consent)) {
            revert NoConsentOfGroup(latest.generation(), message);
        }
        _setGroupKey(x, parity, proof, true);
    }

    function _setGroupKey(uint256 x, uint8 parity, Schnorr.Signature calldata proof, bool byGroup) private {
        if (!Schnorr.isKey(x, parity)) revert InvalidGroupKey(x, parity);
        bytes32 message = proofMessage(x, parity);
        if (!Schnorr.isValid(x, parity, message, proof)) {
            // From the owner a proof for whatever generation will do: else a group that is to be put out of office could hand
            // over to itself just before, again and again, and no proof would ever be for the generation that is next.
            bool lasting = !byGroup && Schnorr.isValid(x, parity, _proofMessage(ANY_GENERATION, x, parity), proof);
            if (!lasting) revert NoProofOfPossession(x, parity, message);
        }
        Latest latest = s_latest;
        // The last one is for the owner, whom a group could lock out otherwise by using up all of them.
        if (latest.generation() >= (byGroup ? GENERATION_MAX - 1 : GENERATION_MAX)) revert GenerationsExhausted();
        latest = latest.afterKey(parity);
        (s_latest, s_x) = (latest, x);
        emit GroupKeySet(latest.generation(), x, parity, byGroup);
    }

    /// @inheritdoc IGroupKey
    function groupKey() external view override returns (uint256 x, uint8 parity, uint32 generation) {
        return (s_x, s_latest.parity(), s_latest.generation());
    }

    /// @inheritdoc IGroupKey
    function latestUpdate()
        external
        view
        override
        returns (uint32 generation, uint32 epoch, uint8 round, uint32 roundId)
    {
        Latest latest = s_latest;
        uint40 epochAndRound = latest.epochAndRound();
        return (latest.generation(), uint32(epochAndRound >> 8), uint8(epochAndRound), latest.roundId());
    }

    /// @inheritdoc IGroupKey
    function proofMessage(uint256 x, uint8 parity) public view override returns (bytes32) {
        return _proofMessage(s_latest.generation() + 1, x, parity);
    }

    function _proofMessage(uint32 generation, uint256 x, uint8 parity) private view returns (bytes32) {
        return keccak256(abi.encode(PROOF, block.chainid, address(this), generation, x, parity));
    }

    /// @inheritdoc IGroupKey
    function rotationMessage(uint256 x, uint8 parity) public view override returns (bytes32) {
        return keccak256(abi.encode(ROTATION, block.chainid, address(this), s_latest.generation(), x, parity));
    }
}
