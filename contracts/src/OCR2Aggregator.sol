// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Account} from "./billing/Account.sol";
import {OCR2Billing} from "./billing/OCR2Billing.sol";
import {IAccessController} from "./interfaces/IAccessController.sol";
import {IAggregatorV2V3} from "./interfaces/IAggregatorV2V3.sol";
import {IAggregatorValidator} from "./interfaces/IAggregatorValidator.sol";
import {ILinkToken} from "./interfaces/ILinkToken.sol";
import {IOCR2} from "./interfaces/IOCR2.sol";
import {IOCR2Aggregator} from "./interfaces/IOCR2Aggregator.sol";
import {ITypeAndVersion} from "./interfaces/ITypeAndVersion.sol";
import {ConfigData} from "./ocr2/ConfigData.sol";
import {ConfigDigest} from "./ocr2/ConfigDigest.sol";
import {Hot} from "./ocr2/Hot.sol";
import {Quorum} from "./ocr2/Quorum.sol";
import {Round, newRound} from "./ocr2/Round.sol";
import {Transmission} from "./ocr2/Transmission.sol";

/// @title A price feed that is updated by OCR2 oracles
/// @notice f+1 of n oracles sign a report with everyone's observation; one of them brings it here; its median is the new
/// answer. At most 31 oracles, of which f < n/3 may lie.
/// @dev What the contract trusts f+1 signatures for, and does not check: that observations are sorted and each from
/// another oracle. Any transmitter of the committee may bring any report.
///
/// A transmission touches three slots (hot word, new round, transmitter's record) and one data contract (see ConfigData).
contract OCR2Aggregator is IOCR2Aggregator, OCR2Billing {
    /// @dev Gas that is not offered to the validator, so that the instructions around its call can be paid.
    uint256 private constant VALIDATOR_CALL_OVERHEAD = 5_000;

    /// @dev Bytes of a call of transmit without report and signatures: selector; three words of context, three offsets,
    /// rawVs; three lengths.
    uint256 private constant TRANSMIT_LENGTH = 4 + 32 * 10;

    int192 public immutable override minAnswer;
    int192 public immutable override maxAnswer;
    uint8 public immutable override decimals;

    /// @dev The version of the interface, which is the original's.
    uint256 public constant override version = 6;

    uint32 private s_configCount;
    uint32 private s_latestConfigBlockNumber;
    IAccessController private s_requesterAccessController;
    string private s_description;

    /// @dev An array as long as there can be rounds costs no hash per access, as a mapping would.
    Round[1 << 32] private s_rounds;

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
    ) OCR2Billing(link, billingAccessController) {
        minAnswer = minAnswer_;
        maxAnswer = maxAnswer_;
        decimals = decimals_;
        s_description = description_;
        _setRequesterAccessController(requesterAccessController);
    }

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
        uint40 epochAndRound = uint40(uint256(reportContext[1]));
        if (epochAndRound <= hot.epochAndRound()) revert StaleReport(epochAndRound, hot.epochAndRound());
        Account account = s_accounts[msg.sender];
        if (!account.active()) revert UnauthorizedTransmitter(msg.sender);

        uint256 config = ConfigData.loadHot(hot.configData());
        uint256 transmission = _requireAttested(config, reportContext, report, rs, ss, rawVs);

        // The event takes the report's place in memory.
        int192 juelsPerFeeCoin = Transmission.juelsPerFeeCoin(transmission);
        hot = _record(config, hot, epochAndRound, transmission);

        uint256 validator = ConfigData.hotWord(config, ConfigData.VALIDATOR);
        if (uint160(validator) != 0) {
            _callValidator(validator, hot);
            account = s_accounts[msg.sender]; // The validator may have had the transmitter paid, or replaced.
        }
        _payTransmitter(account, ConfigData.hotWord(config, ConfigData.TERMS), initialGas, juelsPerFeeCoin);
    }

    /// @return transmission The report, which is well formed and signed by exactly f+1 oracles.
    function _requireAttested(
        uint256 config,
        bytes32[3] calldata reportContext,
        bytes calldata report,
        bytes32[] calldata rs,
        bytes32[] calldata ss,
        bytes32 rawVs
    ) private view returns (uint256 transmission) {
        unchecked {
            bytes32 configDigest = bytes32(ConfigData.hotWord(config, ConfigData.DIGEST));
            if (reportContext[0] != configDigest) revert ConfigDigestMismatch(reportContext[0], configDigest);

            // Calldata is reimbursed by the byte, so none may be there that the report does not need. The three lengths
            // were compared with the length of calldata, so their sum is small.
            uint256 length = TRANSMIT_LENGTH + report.length + 32 * (rs.length + ss.length);
            if (msg.data.length != length) revert CalldataLengthMismatch(msg.data.length, length);

            uint256 quorum = uint8(ConfigData.hotWord(config, ConfigData.TERMS) >> ConfigData.F_AT) + 1;
            if (rs.length != quorum || ss.length != quorum) {
                revert WrongNumberOfSignatures(rs.length, ss.length, quorum);
            }
        }
        transmission = Transmission.load(report);
        bytes32 hash = Transmission.signedHash(transmission, report.length, reportContext);
        (uint256 index, address signer, bool repeated) = Quorum.firstFault(config, hash, rs, ss, rawVs);
        if (index != rs.length) {
            if (repeated) revert DuplicateSigner(index, signer);
            revert InvalidSignature(index, signer);
        }
        if (!Transmission.isWellFormed(transmission, report.length)) revert MalformedReport();
    }

    /// @dev Makes a new round of a well-formed report and tells everyone.
    /// @return The hot word with the new round.
    function _record(uint256 config, Hot hot, uint40 epochAndRound, uint256 transmission) private returns (Hot) {
        uint256 observations = Transmission.observationCount(transmission);
        uint256 f = uint8(ConfigData.hotWord(config, ConfigData.TERMS) >> ConfigData.F_AT);
        // Of more than f observations at least one is honest.
        if (observations <= f) revert WrongNumberOfObservations(observations, f + 1, MAX_ORACLES);

        int192 answer = Transmission.median(transmission);
        if (answer < minAnswer || answer > maxAnswer) revert MedianOutOfRange(answer, minAnswer, maxAnswer);

        if (hot.roundId() == type(uint32).max) revert RoundsExhausted();
        hot = hot.afterTransmission(epochAndRound);
        s_hot = hot;
        uint32 observationsTimestamp = Transmission.observationsTimestamp(transmission);
        uint32 roundId = hot.roundId();
        s_rounds[_slotOf(hot, roundId)] = newRound(answer, observationsTimestamp, uint32(block.timestamp));

        bytes32 configDigest = bytes32(ConfigData.hotWord(config, ConfigData.DIGEST));
        Transmission.emitted(transmission, NewTransmission.selector, roundId, answer, configDigest, epochAndRound);
        emit NewRound(roundId, address(0), observationsTimestamp);
        emit AnswerUpdated(answer, roundId, block.timestamp);
        return hot;
    }

    /// @dev Calls the validator with exactly its gas limit or reverts, so that nobody can starve it. Result and failure are
    /// ignored, and it need not exist.
    function _callValidator(uint256 validator, Hot hot) private {
        uint32 current = hot.roundId();
        uint32 previous = current - 1;
        bytes memory data = abi.encodeCall(
            IAggregatorValidator.validate,
            (previous, s_rounds[_slotOf(hot, previous)].answer(), current, s_rounds[_slotOf(hot, current)].answer())
        );
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

    /// @dev Nothing here may fail: a wrong payment is better than a feed that stands still. So all of it is unchecked, a
    /// negative rate pays nothing, and a sum that leaves 96 bits is not stored if that shows.
    function _payTransmitter(Account account, uint256 terms, uint256 initialGas, int192 juelsPerFeeCoin) private {
        // Only a validator can have made it inactive; what it would earn is not on the books of the new committee.
        if (juelsPerFeeCoin < 0 || !account.active()) return;
        unchecked {
            uint256 gasPrice = tx.gasprice / 1 gwei;
            uint256 reasonable = uint32(terms >> ConfigData.REASONABLE_GAS_PRICE_AT);
            if (gasPrice < reasonable) gasPrice += (reasonable - gasPrice) / 2;
            uint256 maximum = uint32(terms);
            if (gasPrice > maximum) gasPrice = maximum;

            uint256 accountingGas = uint24(terms >> ConfigData.ACCOUNTING_GAS_AT);
            uint256 gasUsed = initialGas - gasleft() + 16 * msg.data.length + accountingGas;
            uint256 juels = gasUsed * gasPrice * 1 gwei * uint192(juelsPerFeeCoin) / 1e18;
            juels += uint256(uint32(terms >> ConfigData.TRANSMISSION_PAYMENT_AT)) * 1 gwei;

            uint96 before = account.paymentJuels();
            uint96 afterwards = uint96(before + juels);
            if (afterwards >= before) s_accounts[msg.sender] = account.withPayment(afterwards);
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
        bytes memory bounds = abi.encodePacked(uint8(1), minAnswer, maxAnswer);
        if (keccak256(onchainConfig) != keccak256(bounds)) revert InvalidOnchainConfig(onchainConfig, bounds);

        _settle();
        bytes memory previous = ConfigData.load(s_hot.configData());
        _unseat(ConfigData.transmitters(previous));
        _seat(transmitters);

        uint32 previousConfigBlockNumber = s_latestConfigBlockNumber;
        s_latestConfigBlockNumber = uint32(block.number);
        bytes32 configDigest = ConfigDigest.compute(
            address(this),
            ++s_configCount,
            signers,
            transmitters,
            f,
            onchainConfig,
            offchainConfigVersion,
            offchainConfig
        );
        address data = ConfigData.deploy(ConfigData.encode(previous, configDigest, f, signers, transmitters));
        s_hot = s_hot.afterConfig(data);

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

    /// @dev A zero signer would be the author of every broken signature, since a failed recovery gives zero. A key that
    /// both signs and transmits would put the one that must stay cold on a machine that is online all day.
    function _requireCommittee(address[] memory signers, address[] memory transmitters, uint8 f) private pure {
        uint256 n = signers.length;
        if (n > MAX_ORACLES) revert TooManyOracles(n, MAX_ORACLES);
        if (transmitters.length != n) revert OracleListsDiffer(n, transmitters.length);
        if (f == 0 || 3 * uint256(f) >= n) revert FaultyOraclesOutOfRange(f, n);

        for (uint256 i = 0; i < n; i++) {
            (address signer, address transmitter) = (signers[i], transmitters[i]);
            if (signer == address(0)) revert ZeroSigner(i);
            if (transmitter == address(0)) revert ZeroTransmitter(i);
            for (uint256 j = 0; j < n; j++) {
                if (signer == transmitters[j]) revert SignerIsTransmitter(signer);
                if (j >= i) continue;
                if (signer == signers[j]) revert RepeatedSigner(signer);
                if (transmitter == transmitters[j]) revert RepeatedTransmitter(transmitter);
            }
        }
    }

    /// @inheritdoc IOCR2
    function latestConfigDetails() external view override returns (uint32 configCount, uint32 blockNumber, bytes32 configDigest) {
        return (s_configCount, s_latestConfigBlockNumber, _configDigest());
    }

    /// @inheritdoc IOCR2
    function latestConfigDigestAndEpoch() external view override returns (bool scanLogs, bytes32 configDigest, uint32 epoch) {
        return (false, _configDigest(), uint32(s_hot.epochAndRound() >> 8));
    }

    /// @inheritdoc IOCR2Aggregator
    function getTransmitters() external view override returns (address[] memory) {
        return ConfigData.transmitters(ConfigData.load(s_hot.configData()));
    }

    /// @inheritdoc IOCR2Aggregator
    function latestTransmissionDetails()
        external
        view
        override
        returns (bytes32 configDigest, uint32 epoch, uint8 round, int192 latestAnswer_, uint64 latestTimestamp_)
    {
        if (msg.sender != tx.origin) revert OnlyExternalAccounts(msg.sender);
        Hot hot = s_hot;
        uint40 epochAndRound = hot.epochAndRound();
        Round latest = _round(hot, hot.roundId());
        return (
            _configDigest(),
            uint32(epochAndRound >> 8),
            uint8(epochAndRound),
            latest.answer(),
            latest.transmissionTimestamp()
        );
    }

    function _configDigest() private view returns (bytes32) {
        return bytes32(ConfigData.peek(s_hot.configData(), ConfigData.DIGEST));
    }

    // -- requests

    /// @inheritdoc IOCR2Aggregator
    function requestNewRound() external override returns (uint80) {
        if (!_isOwnerOr(s_requesterAccessController)) revert OnlyOwnerOrRequester(msg.sender);
        Hot hot = s_hot;
        uint40 epochAndRound = hot.epochAndRound();
        emit RoundRequested(msg.sender, _configDigest(), uint32(epochAndRound >> 8), uint8(epochAndRound));
        return hot.roundId() + 1;
    }

    /// @inheritdoc IOCR2Aggregator
    function setRequesterAccessController(IAccessController controller) external override onlyOwner {
        _setRequesterAccessController(controller);
    }

    /// @inheritdoc IOCR2Aggregator
    function getRequesterAccessController() external view override returns (IAccessController) {
        return s_requesterAccessController;
    }

    function _setRequesterAccessController(IAccessController controller) private {
        IAccessController old = s_requesterAccessController;
        if (address(controller) == address(old)) return;
        s_requesterAccessController = controller;
        emit RequesterAccessControllerSet(old, controller);
    }

    // -- validator

    /// @inheritdoc IOCR2Aggregator
    function setValidatorConfig(IAggregatorValidator validator, uint32 gasLimit) external override onlyOwner {
        (IAggregatorValidator oldValidator, uint32 oldGasLimit) = getValidatorConfig();
        if (address(validator) == address(oldValidator) && gasLimit == oldGasLimit) return;
        Hot hot = s_hot;
        bytes memory data = ConfigData.load(hot.configData());
        ConfigData.setWord(data, ConfigData.VALIDATOR, uint160(address(validator)) | (uint256(gasLimit) << 160));
        s_hot = hot.withConfigData(ConfigData.deploy(data));
        emit ValidatorConfigSet(oldValidator, oldGasLimit, validator, gasLimit);
    }

    /// @inheritdoc IOCR2Aggregator
    function getValidatorConfig() public view override returns (IAggregatorValidator validator, uint32 gasLimit) {
        uint256 word = ConfigData.peek(s_hot.configData(), ConfigData.VALIDATOR);
        return (IAggregatorValidator(address(uint160(word))), uint32(word >> 160));
    }

    // -- answers

    /// @inheritdoc IAggregatorV2V3
    function latestRoundData()
        public
        view
        virtual
        override
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Hot hot = s_hot;
        uint32 latest = hot.roundId();
        Round round = s_rounds[_slotOf(hot, latest)];
        return (latest, round.answer(), round.observationsTimestamp(), round.transmissionTimestamp(), latest);
    }

    /// @inheritdoc IAggregatorV2V3
    function getRoundData(uint80 roundId)
        public
        view
        virtual
        override
        returns (uint80 roundId_, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        if (roundId > type(uint32).max) return (0, 0, 0, 0, 0);
        Round round = _round(s_hot, roundId);
        return (roundId, round.answer(), round.observationsTimestamp(), round.transmissionTimestamp(), roundId);
    }

    /// @inheritdoc IAggregatorV2V3
    function latestAnswer() public view virtual override returns (int256) {
        Hot hot = s_hot;
        return s_rounds[_slotOf(hot, hot.roundId())].answer();
    }

    /// @inheritdoc IAggregatorV2V3
    function latestTimestamp() public view virtual override returns (uint256) {
        Hot hot = s_hot;
        return s_rounds[_slotOf(hot, hot.roundId())].transmissionTimestamp();
    }

    /// @inheritdoc IAggregatorV2V3
    function latestRound() public view virtual override returns (uint256) {
        return s_hot.roundId();
    }

    /// @inheritdoc IAggregatorV2V3
    function getAnswer(uint256 roundId) public view virtual override returns (int256) {
        return _round(s_hot, roundId).answer();
    }

    /// @inheritdoc IAggregatorV2V3
    function getTimestamp(uint256 roundId) public view virtual override returns (uint256) {
        return _round(s_hot, roundId).transmissionTimestamp();
    }

    /// @inheritdoc IAggregatorV2V3
    function description() public view virtual override returns (string memory) {
        return s_description;
    }

    /// @inheritdoc ITypeAndVersion
    function typeAndVersion() external pure virtual override returns (string memory) {
        return "OCR2Aggregator 1.0.0";
    }

    // -- history

    /// @inheritdoc IOCR2Aggregator
    function setHistoryLimit(uint24 rounds) external override onlyOwner {
        Hot hot = s_hot;
        if (hot.roundId() != 0) revert HistoryHasBegun(hot.roundId());
        // The validator is told the previous answer.
        if (rounds == 1) revert HistoryLimitTooSmall(rounds, 2);
        if (rounds == hot.historyLimit()) return;
        s_hot = hot.withHistoryLimit(rounds);
        emit HistoryLimitSet(rounds);
    }

    /// @inheritdoc IOCR2Aggregator
    function getHistoryLimit() external view override returns (uint24) {
        return s_hot.historyLimit();
    }

    /// @return A round as it was stored, all zero if it is not, or no longer, known.
    function _round(Hot hot, uint256 roundId) private view returns (Round) {
        uint256 latest = hot.roundId();
        uint256 limit = hot.historyLimit();
        bool known = roundId <= latest && (limit == 0 || latest - roundId < limit);
        return known ? s_rounds[_slotOf(hot, uint32(roundId))] : Round.wrap(0);
    }

    /// @dev Where a round that is kept is stored.
    function _slotOf(Hot hot, uint32 roundId) private pure returns (uint256) {
        uint256 limit = hot.historyLimit();
        return limit == 0 ? roundId : roundId % limit;
    }
}
