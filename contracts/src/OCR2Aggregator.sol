// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Account} from "./billing/Account.sol";
import {OCR2Billing} from "./billing/OCR2Billing.sol";
import {ConfigData} from "./feed/ConfigData.sol";
import {Feed} from "./feed/Feed.sol";
import {Hot} from "./feed/Hot.sol";
import {Round} from "./feed/Round.sol";
import {IAccessController} from "./interfaces/IAccessController.sol";
import {IAggregatorValidator} from "./interfaces/IAggregatorValidator.sol";
import {ILinkToken} from "./interfaces/ILinkToken.sol";
import {IOCR2} from "./interfaces/IOCR2.sol";
import {IOCR2Aggregator} from "./interfaces/IOCR2Aggregator.sol";
import {ITypeAndVersion} from "./interfaces/ITypeAndVersion.sol";
import {Attestation} from "./ocr2/Attestation.sol";
import {ConfigDigest} from "./ocr2/ConfigDigest.sol";

/// @title A price feed that is updated by OCR2 oracles
/// @notice f+1 of n oracles sign a report with everyone's observation; one of them brings it here; its median is the new
/// answer. At most 31 oracles, of which f < n/3 may lie.
/// @dev What the contract trusts f+1 signatures for, and does not check: that observations are sorted and each from
/// another oracle. Any transmitter of the committee may bring any report.
///
/// A transmission touches three slots (hot word, new round, transmitter's record) and one data contract (see ConfigData).
contract OCR2Aggregator is IOCR2Aggregator, OCR2Billing, Feed {
    /// @dev The topic of the event; assembly takes only numbers.
    uint256 private constant NEW_TRANSMISSION = 0xc797025feeeaf2cd924c99e9205acb8ec04d5cad21c41ce637a38fb6dee6016a;

    /// @dev The version of the interface, which is the original's.
    uint256 public constant override version = 6;

    /// @param link The token that oracles are paid in.
    /// @param minAnswer_ The smallest answer that is accepted.
    /// @param maxAnswer_ The largest answer that is accepted.
    /// @param billingAccessController Who, besides the owner, sets terms of payment; may be zero.
    /// @param requesterAccessController Who, besides the owner, requests rounds; may be zero.
    /// @param decimals_ Digits after the point of every answer.
    /// @param description_ What the answers are about, for people.
    constructor(
        ILinkToken link,
        int192 minAnswer_,
        int192 maxAnswer_,
        IAccessController billingAccessController,
        IAccessController requesterAccessController,
        uint8 decimals_,
        string memory description_
    ) Feed(link, minAnswer_, maxAnswer_, billingAccessController, requesterAccessController, decimals_, description_) {}

    // -- transmission

    /// @inheritdoc IOCR2
    function transmit(
        bytes32[3] calldata reportContext,
        bytes calldata report,
        bytes32[] calldata rs,
        bytes32[] calldata ss,
        bytes32 rawVs
    ) external override {
        uint256 initialGas = gasleft(); // First, so that everything after it is reimbursed.

        Hot hot = s_hot;
        {
            uint256 epochAndRound = uint40(uint256(reportContext[1]));
            if (epochAndRound <= hot.epochAndRound()) revert StaleReport(uint40(epochAndRound), hot.epochAndRound());
            hot = hot.afterTransmission(epochAndRound);
        }
        // The account's slot is found once, and read and written there.
        uint256 slot;
        Account account;
        assembly ("memory-safe") {
            mstore(0, caller())
            mstore(0x20, s_accounts.slot)
            slot := keccak256(0, 0x40)
            account := sload(slot)
        }
        if (!account.active()) revert UnauthorizedTransmitter(msg.sender);

        (uint256 config, uint256 transmission) = Attestation.requireValid(hot, reportContext, report, rs, ss, rawVs);
        _accept(slot, account, initialGas, hot, config, transmission);
    }

    /// @dev The effects of a report that is well formed and signed. It does not return: the call ends here.
    /// @param slot Where the transmitter's account is stored.
    /// @param hot The hot word with the new round.
    function _accept(uint256 slot, Account account, uint256 initialGas, Hot hot, uint256 config, uint256 transmission)
        private
    {
        unchecked {
            uint256 terms;
            uint256 validator;
            int256 juelsPerFeeCoin;
            assembly ("memory-safe") {
                terms := mload(add(config, 0x040))
                validator := mload(add(config, 0x060))
                juelsPerFeeCoin := mload(add(transmission, 0xe0))
            }
            {
                uint256 observations;
                int256 answer;
                assembly ("memory-safe") {
                    observations := mload(add(transmission, 0x100))
                    // The upper median, since the signers have sorted them: 32 bytes times the rounded half of at most 31.
                    answer := mload(add(add(transmission, 0x120), shl(4, and(observations, 30))))
                }
                // Of more than f observations at least one is honest.
                uint256 f = terms >> ConfigData.F_AT;
                if (observations <= f) revert WrongNumberOfObservations(observations, f + 1, MAX_ORACLES);
                if (answer < i_minAnswer || answer > i_maxAnswer) {
                    revert MedianOutOfRange(int192(answer), minAnswer(), maxAnswer());
                }

                s_hot = hot;
                uint256 roundId;
                assembly ("memory-safe") {
                    // As in Feed._slotOf and newRound. The time of observation has 32 bits, or the report were malformed.
                    roundId := and(shr(200, hot), 0xffffffff)
                    let limit := and(shr(232, hot), 0xffff)
                    let index := add(mod(roundId, limit), mul(roundId, iszero(limit)))
                    let times := or(shl(192, mload(add(transmission, 0x80))), shl(224, timestamp()))
                    sstore(add(s_rounds.slot, index), or(shr(64, shl(64, answer)), times))
                }
                if (roundId == 0) revert RoundsExhausted(); // It went round.

                assembly ("memory-safe") {
                    // The report turns into its event in place; see Attestation. It has k <= 31 observations, and two words
                    // are reserved behind them.
                    let k := observations
                    let observers := add(add(transmission, 0x120), shl(5, k))
                    mstore(observers, k)
                    mstore(add(observers, 0x20), and(mload(add(transmission, 0xa0)), not(shr(shl(3, k), not(0)))))
                    mstore(transmission, answer)
                    mstore(add(transmission, 0x20), caller())
                    mstore(add(transmission, 0x40), mload(add(transmission, 0x80)))
                    mstore(add(transmission, 0x60), 0x100)
                    mstore(add(transmission, 0x80), sub(observers, transmission))
                    mstore(add(transmission, 0xa0), juelsPerFeeCoin)
                    mstore(add(transmission, 0xc0), mload(config))
                    mstore(add(transmission, 0xe0), and(shr(160, hot), 0xffffffffff))
                    log2(transmission, sub(add(observers, 0x40), transmission), NEW_TRANSMISSION, roundId)

                    // Nobody has started the round; its time is in the event above already.
                    log3(add(transmission, 0x40), 0x20, NEW_ROUND, roundId, 0)
                    mstore(transmission, timestamp())
                    log3(transmission, 0x20, ANSWER_UPDATED, answer, roundId)
                }
            }

            if (uint160(validator) != 0) {
                _callValidator(validator);
                account = s_accounts[msg.sender]; // The validator may have had the transmitter paid, or replaced.
                if (!account.active()) return;
            }
            if (juelsPerFeeCoin >= 0) {
                // Nothing here may fail: a wrong payment is better than a feed that stands still. So all of it is
                // unchecked, and a sum that leaves 96 bits is not stored if that shows.
                uint256 price = tx.gasprice / 1 gwei;
                {
                    uint256 reasonable = uint32(terms >> REASONABLE_GAS_PRICE_AT);
                    if (price < reasonable) price += (reasonable - price) / 2;
                    if (price > uint32(terms)) price = uint32(terms);
                }
                uint256 gasUsed = initialGas - gasleft() + 16 * msg.data.length + uint24(terms >> ACCOUNTING_GAS_AT);
                uint256 juels = gasUsed * price * 1 gwei * uint256(juelsPerFeeCoin) / 1e18;
                juels += uint256(uint32(terms >> TRANSMISSION_PAYMENT_AT)) * 1 gwei;

                uint256 before = account.paymentJuels();
                uint256 afterwards = uint96(before + juels);
                if (afterwards >= before) {
                    account = account.withPayment(afterwards);
                    assembly ("memory-safe") {
                        sstore(slot, account)
                    }
                }
            }
        }
        assembly ("memory-safe") {
            // The transmission is done; there is nothing to return and nothing to clean up.
            stop()
        }
    }

    // -- configuration

    /// @inheritdoc IOCR2
    function setConfig(
        address[] memory signers,
        address[] memory transmitters,
        uint8 f,
        bytes memory onchainConfig,
        uint64 offchainConfigVersion,
        bytes memory offchainConfig
    ) external override onlyOwner {
        _requireCommittee(signers, transmitters, f);
        bytes memory bounds = abi.encodePacked(uint8(1), minAnswer(), maxAnswer());
        if (keccak256(onchainConfig) != keccak256(bounds)) revert InvalidOnchainConfig(onchainConfig, bounds);

        (bytes memory previous, uint32 previousConfigBlockNumber) = _replaceCommittee(transmitters);
        bytes32 configDigest = ConfigDigest.compute(
            address(this), s_configCount, signers, transmitters, f, onchainConfig, offchainConfigVersion, offchainConfig
        );
        _install(previous, configDigest, f, signers, transmitters);

        emit ConfigSet(
            previousConfigBlockNumber,
            configDigest,
            s_configCount,
            signers,
            transmitters,
            f,
            onchainConfig,
            offchainConfigVersion,
            offchainConfig
        );
    }

    /// @inheritdoc IOCR2
    function latestConfigDetails()
        external
        view
        override
        returns (uint32 configCount, uint32 blockNumber, bytes32 configDigest)
    {
        return (s_configCount, s_latestConfigBlockNumber, _configDigest());
    }

    /// @inheritdoc IOCR2
    function latestConfigDigestAndEpoch()
        external
        view
        override
        returns (bool scanLogs, bytes32 configDigest, uint32 epoch)
    {
        return (false, _configDigest(), uint32(s_hot.epochAndRound() >> 8));
    }

    /// @inheritdoc IOCR2Aggregator
    function getTransmitters() external view override returns (address[] memory) {
        return _transmitters();
    }

    /// @inheritdoc IOCR2Aggregator
    function latestTransmissionDetails()
        external
        view
        override
        returns (bytes32 configDigest, uint32 epoch, uint8 round, int192 latestAnswer_, uint64 latestTimestamp_)
    {
        return _latestTransmission();
    }

    // -- requests and validator

    function _announceRequest(bytes32 configDigest, uint32 epoch, uint8 round) internal override {
        emit RoundRequested(msg.sender, configDigest, epoch, round);
    }

    /// @inheritdoc IOCR2Aggregator
    function getRequesterAccessController() external view override returns (IAccessController) {
        return s_requesterAccessController;
    }

    /// @inheritdoc IOCR2Aggregator
    function getValidatorConfig() external view override returns (IAggregatorValidator validator, uint32 gasLimit) {
        return _validatorConfig();
    }

    // -- rounds

    function _times(Round round) internal pure override returns (uint256 startedAt, uint256 updatedAt) {
        return round.times();
    }

    /// @dev Zeros, as in the original.
    function _requirePossible(uint80) internal pure override {}

    /// @inheritdoc ITypeAndVersion
    function typeAndVersion() external pure virtual override returns (string memory) {
        return "OCR2Aggregator 1.0.0";
    }
}
