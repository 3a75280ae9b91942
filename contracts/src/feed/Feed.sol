// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Billing} from "../billing/Billing.sol";
import {IAccessController} from "../interfaces/IAccessController.sol";
import {IAggregatorV2V3} from "../interfaces/IAggregatorV2V3.sol";
import {IAggregatorValidator} from "../interfaces/IAggregatorValidator.sol";
import {IFeed} from "../interfaces/IFeed.sol";
import {ILinkToken} from "../interfaces/ILinkToken.sol";
import {ConfigData} from "./ConfigData.sol";
import {Hot} from "./Hot.sol";
import {Round} from "./Round.sol";

/// @title A price feed, without the protocol that updates it
/// @notice Rounds and their history, bounds, validator and requests: what is the same in OCR1 and OCR2.
abstract contract Feed is IFeed, Billing {
    /// @dev Gas that is not offered to the validator, so that the instructions around its call can be paid.
    uint256 private constant VALIDATOR_CALL_OVERHEAD = 5_000;

    // Topics of the events of every new round; assembly takes only numbers.
    uint256 internal constant NEW_ROUND = 0x0109fc6f55cf40689f02fbaad7af7fe7bbac8a3d2186600afc7d3e10cac60271;
    uint256 internal constant ANSWER_UPDATED = 0x0559884fd3a460db3073b7fc896cc77986f16e378210ded43186175bf646fc5f;

    /// @dev Both are int192; kept wide, so that an answer is compared without narrowing.
    int256 internal immutable i_minAnswer;
    int256 internal immutable i_maxAnswer;

    uint8 public immutable override decimals;

    uint32 internal s_configCount;
    uint32 internal s_latestConfigBlockNumber;
    IAccessController internal s_requesterAccessController;
    string private s_description;

    /// @dev An array as long as there can be rounds costs no hash per access, as a mapping would.
    Round[1 << 32] internal s_rounds;

    constructor(
        ILinkToken link,
        int192 minAnswer_,
        int192 maxAnswer_,
        IAccessController billingAccessController,
        IAccessController requesterAccessController,
        uint8 decimals_,
        string memory description_
    ) Billing(link, billingAccessController) {
        i_minAnswer = minAnswer_;
        i_maxAnswer = maxAnswer_;
        decimals = decimals_;
        s_description = description_;
        _setRequesterAccessController(requesterAccessController);
    }

    // -- configuration

    /// @dev A zero signer would be the author of every broken signature, since a failed recovery gives zero. A key that
    /// both signs and transmits would put the one that must stay cold on a machine that is online all day.
    function _requireCommittee(address[] memory signers, address[] memory transmitters, uint8 f) internal pure {
        uint256 n = signers.length;
        if (n > MAX_ORACLES) revert TooManyOracles(n, MAX_ORACLES);
        if (transmitters.length != n) revert OracleListsDiffer(n, transmitters.length);
        if (f == 0 || 3 * uint256(f) >= n) revert FaultyOraclesOutOfRange(f, n);

        for (uint256 i = 0; i < n; i++) {
            (address signer, address transmitter) = (signers[i], transmitters[i]);
            if (signer == address(0)) revert ZeroSigner(i);
            if (transmitter == address(0)) revert ZeroTransmitter(i);
            if (signer == transmitter) revert SignerIsTransmitter(signer);
            for (uint256 j = 0; j < i; j++) {
                (address signerBefore, address transmitterBefore) = (signers[j], transmitters[j]);
                if (signer == signerBefore) revert RepeatedSigner(signer);
                if (transmitter == transmitterBefore) revert RepeatedTransmitter(transmitter);
                if (signer == transmitterBefore) revert SignerIsTransmitter(signer);
                if (transmitter == signerBefore) revert SignerIsTransmitter(transmitter);
            }
        }
    }

    /// @dev Settles with the old committee and seats the new one.
    /// @return previous The data of the configuration before.
    /// @return previousBlockNumber The block that it was set in, 0 if there was none.
    function _replaceCommittee(address[] memory transmitters)
        internal
        returns (bytes memory previous, uint32 previousBlockNumber)
    {
        _settle();
        previous = ConfigData.load(s_hot.configData());
        _unseat(ConfigData.transmitters(previous));
        _seat(transmitters);

        previousBlockNumber = s_latestConfigBlockNumber;
        s_latestConfigBlockNumber = uint32(block.number);
        s_configCount++;
    }

    /// @dev From here on reports of the new configuration are accepted, and of no other.
    function _install(
        bytes memory previous,
        bytes32 digest,
        uint8 f,
        address[] memory signers,
        address[] memory transmitters
    ) internal {
        address data = ConfigData.deploy(ConfigData.encode(previous, digest, f, signers, transmitters));
        s_hot = s_hot.afterConfig(data, signers.length);
    }

    function _transmitters() internal view returns (address[] memory) {
        return ConfigData.transmitters(ConfigData.load(s_hot.configData()));
    }

    function _configDigest() internal view returns (bytes32) {
        return bytes32(ConfigData.peek(s_hot.configData(), ConfigData.DIGEST));
    }

    // -- requests

    /// @inheritdoc IFeed
    function requestNewRound() external override returns (uint80) {
        if (!_isOwnerOr(s_requesterAccessController)) revert OnlyOwnerOrRequester(msg.sender);
        Hot hot = s_hot;
        uint40 epochAndRound = hot.epochAndRound();
        _announceRequest(_configDigest(), uint32(epochAndRound >> 8), uint8(epochAndRound));
        return hot.roundId() + 1;
    }

    /// @dev Emits RoundRequested, in which the digest has another length in each protocol.
    function _announceRequest(bytes32 configDigest, uint32 epoch, uint8 round) internal virtual;

    /// @inheritdoc IFeed
    function setRequesterAccessController(IAccessController controller) external override onlyOwner {
        _setRequesterAccessController(controller);
    }

    function _setRequesterAccessController(IAccessController controller) private {
        IAccessController old = s_requesterAccessController;
        if (address(controller) == address(old)) return;
        s_requesterAccessController = controller;
        emit RequesterAccessControllerSet(old, controller);
    }

    // -- validator

    /// @inheritdoc IFeed
    function setValidatorConfig(IAggregatorValidator validator, uint32 gasLimit) external override onlyOwner {
        (IAggregatorValidator oldValidator, uint32 oldGasLimit) = _validatorConfig();
        if (address(validator) == address(oldValidator) && gasLimit == oldGasLimit) return;
        Hot hot = s_hot;
        bytes memory data = ConfigData.load(hot.configData());
        ConfigData.setWord(data, ConfigData.VALIDATOR, uint160(address(validator)) | (uint256(gasLimit) << 160));
        s_hot = hot.withConfigData(ConfigData.deploy(data));
        emit ValidatorConfigSet(oldValidator, oldGasLimit, validator, gasLimit);
    }

    function _validatorConfig() internal view returns (IAggregatorValidator validator, uint32 gasLimit) {
        uint256 word = ConfigData.peek(s_hot.configData(), ConfigData.VALIDATOR);
        return (IAggregatorValidator(address(uint160(word))), uint32(word >> 160));
    }

    /// @dev Calls the validator with exactly its gas limit or reverts, so that nobody can starve it. Result and failure are
    /// ignored, and it need not exist.
    /// @param validator The validator's word of ConfigData.
    function _callValidator(uint256 validator) internal {
        Hot hot = s_hot;
        uint256 current = hot.roundId();
        uint256 previous = current - 1;
        int192 previousAnswer = s_rounds[_slotOf(hot, previous)].answer();
        int192 currentAnswer = s_rounds[_slotOf(hot, current)].answer();
        bytes memory data =
            abi.encodeCall(IAggregatorValidator.validate, (previous, previousAnswer, current, currentAnswer));
        uint256 gasLimit = uint32(validator >> 160);
        bool enough;
        assembly ("memory-safe") {
            let available := gas()
            if gt(available, VALIDATOR_CALL_OVERHEAD) {
                available := sub(available, VALIDATOR_CALL_OVERHEAD)
                // A call can be given at most all but one 64th of what is there.
                if gt(sub(available, div(available, 64)), gasLimit) {
                    // CALL takes the address from the low 160 bits, so the limit above them need not be cleared.
                    pop(call(gasLimit, validator, 0, add(data, 0x20), mload(data), 0, 0))
                    enough := 1
                }
            }
        }
        if (!enough) revert InsufficientGasForValidator(gasLimit);
    }

    // -- answers

    /// @dev Guards the answers; see AccessControlledFeed.
    modifier forReaders() {
        _requireReader();
        _;
    }

    /// @dev Everyone may read, unless an heir says otherwise.
    function _requireReader() internal view virtual {}

    /// @inheritdoc IFeed
    function minAnswer() public view override returns (int192) {
        return int192(i_minAnswer);
    }

    /// @inheritdoc IFeed
    function maxAnswer() public view override returns (int192) {
        return int192(i_maxAnswer);
    }

    /// @inheritdoc IAggregatorV2V3
    function latestRoundData()
        external
        view
        override
        forReaders
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Hot hot = s_hot;
        assembly ("memory-safe") {
            // As in _slotOf. The answer is the lower part of its round's word.
            roundId := and(shr(200, hot), 0xffffffff)
            let limit := and(shr(232, hot), 0xffff)
            answer := sload(add(s_rounds.slot, add(mod(roundId, limit), mul(roundId, iszero(limit)))))
        }
        (startedAt, updatedAt) = _times(Round.wrap(uint256(answer)));
        assembly ("memory-safe") {
            // The call ends here, so memory is free to be written.
            answeredInRound := roundId
            mstore(0x00, roundId)
            mstore(0x20, signextend(23, answer))
            mstore(0x40, startedAt)
            mstore(0x60, updatedAt)
            mstore(0x80, answeredInRound)
            return(0, 0xa0)
        }
    }

    /// @inheritdoc IAggregatorV2V3
    function getRoundData(uint80 roundId)
        external
        view
        override
        forReaders
        returns (uint80 roundId_, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        _requirePossible(roundId);
        if (roundId > type(uint32).max) return (0, 0, 0, 0, 0);
        Round round = _round(s_hot, roundId);
        (startedAt, updatedAt) = _times(round);
        return (roundId, round.answer(), startedAt, updatedAt, roundId);
    }

    /// @inheritdoc IAggregatorV2V3
    function latestAnswer() external view override forReaders returns (int256) {
        return _latest().answer();
    }

    /// @inheritdoc IAggregatorV2V3
    function latestTimestamp() external view override forReaders returns (uint256) {
        (, uint256 updatedAt) = _times(_latest());
        return updatedAt;
    }

    /// @inheritdoc IAggregatorV2V3
    function latestRound() external view override forReaders returns (uint256) {
        return s_hot.roundId();
    }

    /// @inheritdoc IAggregatorV2V3
    function getAnswer(uint256 roundId) external view override forReaders returns (int256) {
        return _round(s_hot, roundId).answer();
    }

    /// @inheritdoc IAggregatorV2V3
    function getTimestamp(uint256 roundId) external view override forReaders returns (uint256) {
        (, uint256 updatedAt) = _times(_round(s_hot, roundId));
        return updatedAt;
    }

    /// @inheritdoc IAggregatorV2V3
    function description() external view override forReaders returns (string memory) {
        return s_description;
    }

    /// @dev What `latestTransmissionDetails` answers; in each protocol the digest has another length.
    function _latestTransmission()
        internal
        view
        returns (bytes32 configDigest, uint32 epoch, uint8 round, int192 answer, uint64 updatedAt)
    {
        if (msg.sender != tx.origin) revert OnlyExternalAccounts(msg.sender);
        uint40 epochAndRound = s_hot.epochAndRound();
        Round latest = _latest();
        (, uint256 updatedAt_) = _times(latest);
        return (_configDigest(), uint32(epochAndRound >> 8), uint8(epochAndRound), latest.answer(), uint64(updatedAt_));
    }

    /// @dev The times of a round, whose word each protocol lays out in its own way; see Round.
    function _times(Round round) internal pure virtual returns (uint256 startedAt, uint256 updatedAt);

    /// @dev Of an identifier that no round can have `getRoundData` gives zeros, unless this reverts.
    function _requirePossible(uint80 roundId) internal pure virtual;

    // -- history

    /// @inheritdoc IFeed
    function setHistoryLimit(uint16 rounds) external override onlyOwner {
        Hot hot = s_hot;
        if (hot.roundId() != 0) revert HistoryHasBegun(hot.roundId());
        // The validator is told the previous answer.
        if (rounds == 1) revert HistoryLimitTooSmall(rounds, 2);
        if (rounds == hot.historyLimit()) return;
        s_hot = hot.withHistoryLimit(rounds);
        emit HistoryLimitSet(rounds);
    }

    /// @inheritdoc IFeed
    function getHistoryLimit() external view override returns (uint16) {
        return s_hot.historyLimit();
    }

    /// @return round The latest round, all zero before the first.
    function _latest() internal view returns (Round round) {
        Hot hot = s_hot;
        assembly ("memory-safe") {
            // As in _slotOf.
            let latest := and(shr(200, hot), 0xffffffff)
            let limit := and(shr(232, hot), 0xffff)
            round := sload(add(s_rounds.slot, add(mod(latest, limit), mul(latest, iszero(limit)))))
        }
    }

    /// @return A round as it was stored, all zero if it is not, or no longer, known.
    function _round(Hot hot, uint256 roundId) internal view returns (Round) {
        uint256 latest = hot.roundId();
        uint256 limit = hot.historyLimit();
        bool known = roundId <= latest && (limit == 0 || latest - roundId < limit);
        return known ? s_rounds[_slotOf(hot, roundId)] : Round.wrap(0);
    }

    /// @dev Where a round that is kept is stored.
    function _slotOf(Hot hot, uint256 roundId) internal pure returns (uint256 slot) {
        uint256 limit = hot.historyLimit();
        assembly ("memory-safe") {
            // A remainder of a division by zero is zero on this machine.
            slot := add(mod(roundId, limit), mul(roundId, iszero(limit)))
        }
    }
}
