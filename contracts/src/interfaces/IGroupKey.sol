// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Schnorr} from "../threshold/Schnorr.sol";
import {IOwned} from "./IOwned.sol";
import {ITypeAndVersion} from "./ITypeAndVersion.sol";

/// @title A contract that obeys the signature of one group key
/// @notice A committee holds the key in shares; a quorum of it makes one Schnorr signature (see Schnorr), which looks the
/// same whoever was in the quorum. What that loses against the f+1 separate signatures of OCR2, a reader should know:
///
/// - **Who signed is not on chain.** `contributors` of a report says whose observations went into it, in the words of those
///   who signed. If they lie, nothing here says who they were.
/// - **This contract does not know n, f or the quorum.** How many shares make a signature was decided when the key was made,
///   off chain. The proof of possession shows that somebody can sign with the key, not that it is shared.
/// - **Observations are not on chain**, only the answer, which the signers vouch for.
/// - **Signing is interactive**: its rounds have to be repeated without those who spoil them, so a feed can be late where
///   OCR2, whose oracles sign each alone, would not be.
///
/// A message is keccak256 of 32-byte words, as `abi.encode` of static values makes them. Four kinds exist, each begun by the hash
/// of its name, and bound to chain, contract and generation of the key, so none means anything anywhere else:
///
///     report    keccak256("dodona threshold report v1"), chain id, contract, generation, feed, report, contributors
///     batch     keccak256("dodona threshold batch v1"), chain id, contract, generation, feeds, head, contributors,
///               keccak256(answers)
///     rotation  keccak256("dodona threshold rotation v1"), chain id, contract, generation of the old key, new x, new parity
///     proof     keccak256("dodona threshold proof of possession v1"), chain id, contract, generation of the new key (or 0:
///               see setGroupKey), its x, its parity
interface IGroupKey is IOwned, ITypeAndVersion {
    /// @notice A new key counts from now on; oracles follow this event.
    /// @param generation How many keys there have been, this one included.
    /// @param x The x-coordinate of the key.
    /// @param parity 1 if its y-coordinate is odd, else 0.
    /// @param byGroup Whether the group before consented; otherwise the owner decided.
    event GroupKeySet(uint32 indexed generation, uint256 x, uint8 parity, bool byGroup);

    /// @notice x is not between 1 and the order of the curve less 1, or the parity is neither 0 nor 1. If a generated key has a
    /// larger x, which happens once in 2^128, another one has to be generated.
    error InvalidGroupKey(uint256 x, uint8 parity);
    error NoProofOfPossession(uint256 x, uint8 parity, bytes32 message);
    error NoConsentOfGroup(uint32 generation, bytes32 message);
    /// @notice There have been 2^23 - 1 keys; or one less, and it is not the owner who sets the next.
    error GenerationsExhausted();

    // What update may say, whatever is updated.
    error InvalidSignature(bytes32 message);
    error StaleReport(uint40 got, uint40 latest);
    /// @notice A bit is set that belongs to the contract, or a feed is named that is not there.
    error MalformedReport(uint256 got);
    /// @notice With attribution, a report names its contributors; without, it has zero in their place.
    error ContributorsMismatch(uint256 got, bool attribution);
    error RoundsExhausted();

    /// @notice The owner sets a key. Its holders prove that they can sign with it, for exactly this contract and generation; or
    /// for generation 0, which stands for any. With such a proof the owner can put a group out of office that hands over to
    /// itself whenever it sees the owner's call coming, which changes the generation.
    function setGroupKey(uint256 x, uint8 parity, Schnorr.Signature calldata proof) external;

    /// @notice The present group hands over to another key, without the owner. Anyone may bring the signatures.
    /// @param consent The present key's signature of `rotationMessage(x, parity)`.
    function rotateGroupKey(
        uint256 x,
        uint8 parity,
        Schnorr.Signature calldata proof,
        Schnorr.Signature calldata consent
    ) external;

    /// @return x Zero before the first key.
    /// @return parity 1 if the y-coordinate is odd, else 0.
    /// @return generation How many keys there have been, this one included.
    function groupKey() external view returns (uint256 x, uint8 parity, uint32 generation);

    /// @notice How far the present group has come, for its oracles.
    /// @return generation Of the present key.
    /// @return epoch Of the latest update under the present key, 0 before the first.
    /// @return round In that epoch.
    /// @return roundId The latest round of the feed, which new keys do not reset.
    function latestUpdate() external view returns (uint32 generation, uint32 epoch, uint8 round, uint32 roundId);

    /// @return What the new key has to sign now to be set.
    function proofMessage(uint256 x, uint8 parity) external view returns (bytes32);

    /// @return What the present key has to sign now to hand over to a new one.
    function rotationMessage(uint256 x, uint8 parity) external view returns (bytes32);

    /// @return Whether reports name their contributors, and the latest ones can be read.
    function attribution() external view returns (bool);
}
