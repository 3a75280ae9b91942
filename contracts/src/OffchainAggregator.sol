// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;
// The newer coder runs out of stack with twelve arguments of a constructor.
pragma abicoder v1;

import {Account} from "./billing/Account.sol";
import {OCR1Billing} from "./billing/OCR1Billing.sol";
import {ConfigData} from "./feed/ConfigData.sol";
import {Feed} from "./feed/Feed.sol";
import {Hot} from "./feed/Hot.sol";
import {Round, newRoundOfBlock} from "./feed/Round.sol";
import {IAccessController} from "./interfaces/IAccessController.sol";
import {IAggregatorValidator} from "./interfaces/IAggregatorValidator.sol";
import {ILinkToken} from "./interfaces/ILinkToken.sol";
import {IOffchainAggregator} from "./interfaces/IOffchainAggregator.sol";
import {ITypeAndVersion} from "./interfaces/ITypeAndVersion.sol";
import {OCR1Attestation} from "./ocr1/OCR1Attestation.sol";
import {OCR1ConfigDigest} from "./ocr1/OCR1ConfigDigest.sol";

/// @title A price feed that is updated by OCR1 oracles
/// @notice More than f of n oracles sign a report with the observations of more than 2f; one of them brings it here; its
/// median is the new answer. At most 31 oracles, of which f < n/3 may lie.
/// @dev A transmission touches the hot word, a new round, one or two words of observation counts, the transmitter's record,
/// and one data contract (see ConfigData).
contract OffchainAggregator is IOffchainAggregator, OCR1Billing, Feed {
    /// @dev The topic of the event; assembly takes only numbers.
    uint256 private constant NEW_TRANSMISSION = 0xf6a97944f31ea060dfde0566e4167c1a1082551e64b60ecb14d599a9d023d451;

    /// @dev The version of the interface, which is the original's.
    uint256 public constant override version = 4;

    /// @param maximumGasPrice See IOCR1Billing, as for the next four.
    /// @param link The token that oracles are paid in.
    /// @param minAnswer_ The smallest answer that is accepted.
    /// @param maxAnswer_ The largest answer that is accepted.
    /// @param billingAccessController_ Who, besides the owner, sets terms of payment; may be zero.
    /// @param requesterAccessController_ Who, besides the owner, requests rounds; may be zero.
    /// @param decimals_ Digits after the point of every answer.
    /// @param description_ What the answers are about, for people.
    constructor(
        uint32 maximumGasPrice,
        uint32 reasonableGasPrice,
        uint32 microLinkPerEth,
        uint32 linkGweiPerObservation,
        uint32 linkGweiPerTransmission,
        ILinkToken link,
        int192 minAnswer_,
        int192 maxAnswer_,
        IAccessController billingAccessController_,
        IAccessController requesterAccessController_,
        uint8 decimals_,
        string memory description_
    )
        Feed(
            link, minAnswer_, maxAnswer_, billingAccessController_, requesterAccessController_, decimals_, description_
        )
    {
        _setBilling(
            maximumGasPrice, reasonableGasPrice, microLinkPerEth, linkGweiPerObservation, linkGweiPerTransmission
        );
    }

    // -- transmission

    /// @inheritdoc IOffchainAggregator
    function transmit(bytes calldata report, bytes32[] calldata rs, bytes32[] calldata ss, bytes32 rawVs)
        external
        override
    {
        uint256 initialGas = gasleft(); // First, so that everything after it is reimbursed.

        Hot hot = s_hot;
        (uint256 config, uint256 transmission) = OCR1Attestation.load(hot, report);
        uint256 epochAndRound = uint40(OCR1Attestation.word(transmission, 0x80));
        if (epochAndRound <= hot.epochAndRound()) revert StaleReport(uint40(epochAndRound), hot.epochAndRound());
        if (!s_accounts[msg.sender].active()) revert UnauthorizedTransmitter(msg.sender);
        OCR1Attestation.requireSigned(config, transmission, report.length, rs, ss, rawVs);

        _accept(hot.afterTransmission(epochAndRound), config, transmission, report.length);
        _payTransmitter(OCR1Attestation.word(config, ConfigData.TERMS), initialGas);
    }

    /// @dev The effects of a report that is signed, but for the payment of its transmitter.
    /// @param hot The hot word with the new round.
    function _accept(Hot hot, uint256 config, uint256 transmission, uint256 reportLength) private {
        if (hot.roundId() == 0) revert RoundsExhausted(); // It went round.
        (uint256 k, uint256 low, uint256 high) =
            OCR1Attestation.requireWellFormed(config, transmission, reportLength, hot.numberOfOracles());
        _newRound(hot, transmission, k);
        _countObservations(low, high);

        uint256 validator = OCR1Attestation.word(config, ConfigData.VALIDATOR);
        if (uint160(validator) != 0) _callValidator(validator);
    }

    /// @dev Stores and announces the round of a report that is well formed and signed.
    /// @param hot The hot word with the new round.
    /// @param k The number of observations, at least 3.
    function _newRound(Hot hot, uint256 transmission, uint256 k) private {
        // The upper median of what is sorted.
        int256 answer = int256(OCR1Attestation.word(transmission, 0x100 + 32 * (k / 2)));
        if (answer < i_minAnswer || answer > i_maxAnswer) {
            revert MedianOutOfRange(int192(answer), minAnswer(), maxAnswer());
        }
        uint256 roundId = hot.roundId();
        s_hot = hot;
        s_rounds[_slotOf(hot, roundId)] = newRoundOfBlock(answer, block.timestamp);

        assembly ("memory-safe") {
            // The report turns into its event in place; see OCR1Attestation. It has k <= 31 observations, and words are
            // reserved behind them.
            let observers := add(add(transmission, 0x100), shl(5, k))
            mstore(observers, k)
            mstore(add(observers, 0x20), and(mload(add(transmission, 0xa0)), not(shr(shl(3, k), not(0)))))
            let data := add(transmission, 0x40)
            mstore(add(data, 0x80), mload(add(transmission, 0x80)))
            mstore(data, answer)
            mstore(add(data, 0x20), caller())
            mstore(add(data, 0x40), 0xa0)
            mstore(add(data, 0x60), sub(observers, data))
            log2(data, sub(add(observers, 0x40), data), NEW_TRANSMISSION, roundId)
        }
        emit NewRound(roundId, address(0), block.timestamp);
        emit AnswerUpdated(answer, roundId, block.timestamp);
    }

    /// @dev Nothing here may fail: a wrong payment is better than a feed that stands still.
    function _payTransmitter(uint256 terms, uint256 initialGas) private {
        Account account = s_accounts[msg.sender];
        if (!account.active()) return; // The validator may have replaced the committee.
        unchecked {
            uint256 payment = account.paymentJuels() + _earnedByTransmission(terms, initialGas);
            // 96 bits are 79 times all LINK that there is.
            if (payment > type(uint96).max) payment = type(uint96).max;
            s_accounts[msg.sender] = account.withPayment(payment);
        }
    }

    // -- configuration

    /// @inheritdoc IOffchainAggregator
    function setConfig(
        address[] memory signers,
        address[] memory transmitters_,
        uint8 threshold,
        uint64 encodedConfigVersion,
        bytes memory encoded
    ) external override onlyOwner {
        _requireCommittee(signers, transmitters_, threshold);
        for (uint256 i = 0; i < transmitters_.length; i++) {
            if (s_payees[transmitters_[i]] == address(0)) revert PayeeNotSet(transmitters_[i]);
        }

        (bytes memory previous, uint32 previousConfigBlockNumber) = _replaceCommittee(transmitters_);
        bytes16 configDigest = OCR1ConfigDigest.compute(
            address(this), s_configCount, signers, transmitters_, threshold, encodedConfigVersion, encoded
        );
        _install(previous, configDigest, threshold, signers, transmitters_);

        emit ConfigSet(
            previousConfigBlockNumber, s_configCount, signers, transmitters_, threshold, encodedConfigVersion, encoded
        );
    }

    /// @inheritdoc IOffchainAggregator
    function latestConfigDetails()
        external
        view
        override
        returns (uint32 configCount, uint32 blockNumber, bytes16 configDigest)
    {
        return (s_configCount, s_latestConfigBlockNumber, bytes16(_configDigest()));
    }

    /// @inheritdoc IOffchainAggregator
    function transmitters() external view override returns (address[] memory) {
        return _transmitters();
    }

    /// @inheritdoc IOffchainAggregator
    function latestTransmissionDetails()
        external
        view
        override
        returns (bytes16 configDigest, uint32 epoch, uint8 round, int192 latestAnswer_, uint64 latestTimestamp_)
    {
        bytes32 digest;
        (digest, epoch, round, latestAnswer_, latestTimestamp_) = _latestTransmission();
        configDigest = bytes16(digest);
    }

    // -- requests and validator

    function _announceRequest(bytes32 configDigest, uint32 epoch, uint8 round) internal override {
        emit RoundRequested(msg.sender, bytes16(configDigest), epoch, round);
    }

    /// @inheritdoc IOffchainAggregator
    function requesterAccessController() external view override returns (IAccessController) {
        return s_requesterAccessController;
    }

    /// @inheritdoc IOffchainAggregator
    function validatorConfig() external view override returns (IAggregatorValidator validator, uint32 gasLimit) {
        return _validatorConfig();
    }

    // -- rounds

    function _times(Round round) internal pure override returns (uint256 startedAt, uint256 updatedAt) {
        return round.timesOfBlock();
    }

    function _requirePossible(uint80 roundId) internal pure override {
        if (roundId > type(uint32).max) revert NoDataPresent(roundId);
    }

    /// @inheritdoc ITypeAndVersion
    function typeAndVersion() external pure virtual override returns (string memory) {
        return "OffchainAggregator 4.0.0";
    }
}
