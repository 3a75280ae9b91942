// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

import {IAccessController} from "./IAccessController.sol";
import {IAggregatorV2V3} from "./IAggregatorV2V3.sol";
import {IAggregatorValidator} from "./IAggregatorValidator.sol";
import {IBilling} from "./IBilling.sol";

/// @title A price feed that is updated by signed reports: what is the same in OCR1 and OCR2
interface IFeed is IBilling, IAggregatorV2V3 {
    event RequesterAccessControllerSet(IAccessController old, IAccessController current);
    event ValidatorConfigSet(
        IAggregatorValidator indexed previousValidator,
        uint32 previousGasLimit,
        IAggregatorValidator indexed currentValidator,
        uint32 currentGasLimit
    );
    event HistoryLimitSet(uint16 rounds);

    // setConfig
    error TooManyOracles(uint256 got, uint256 max);
    error OracleListsDiffer(uint256 signers, uint256 transmitters);
    /// @notice f has to be at least 1, and less than a third of n.
    error FaultyOraclesOutOfRange(uint256 f, uint256 n);
    error ZeroSigner(uint256 index);
    error ZeroTransmitter(uint256 index);
    error RepeatedSigner(address signer);
    error RepeatedTransmitter(address transmitter);
    error SignerIsTransmitter(address both);

    // transmit
    error StaleReport(uint40 got, uint40 latest);
    error UnauthorizedTransmitter(address got);
    /// @notice The 16 bytes of a digest of OCR1 are the first of a word here.
    error ConfigDigestMismatch(bytes32 got, bytes32 wanted);
    error CalldataLengthMismatch(uint256 got, uint256 wanted);
    /// @notice OCR2 wants exactly so many signatures, OCR1 at least; of both as many r as s.
    error WrongNumberOfSignatures(uint256 rs, uint256 ss, uint256 wanted);
    error InvalidSignature(uint256 index, address recovered);
    error DuplicateSigner(uint256 index, address signer);
    /// @notice Not the ABI encoding of the report's values, exactly as long and laid out as encoders produce it.
    error MalformedReport();
    error WrongNumberOfObservations(uint256 got, uint256 min, uint256 max);
    error MedianOutOfRange(int192 got, int192 min, int192 max);
    error InsufficientGasForValidator(uint256 gasLimit);
    error RoundsExhausted();

    error OnlyOwnerOrRequester(address caller);
    error OnlyExternalAccounts(address caller);
    error HistoryHasBegun(uint32 latestRound);
    error HistoryLimitTooSmall(uint16 got, uint16 min);

    /// @return The smallest answer that is accepted.
    function minAnswer() external view returns (int192);
    /// @return The largest answer that is accepted. Outside these bounds the feed stands still and keeps its last answer:
    /// consumers must look at `updatedAt`.
    function maxAnswer() external view returns (int192);

    /// @notice Asks the oracles for a round now; for the owner and those whom the requester access controller admits.
    /// @return The next round. The report that makes it may have been under way already.
    function requestNewRound() external returns (uint80);
    function setRequesterAccessController(IAccessController controller) external;

    /// @notice Sets who is told of every new answer, with how much gas; no validator: the zero address.
    function setValidatorConfig(IAggregatorValidator validator, uint32 gasLimit) external;

    /// @notice Keeps only so many rounds (at least 2; 0: all, as without this call). A round that is no longer kept reads
    /// like one that never was. A transmission then rewrites an old slot and costs 17,100 gas less. For the owner, and
    /// only before the first round, so that the meaning of a stored round never changes.
    function setHistoryLimit(uint16 rounds) external;
    function getHistoryLimit() external view returns (uint16);
}
