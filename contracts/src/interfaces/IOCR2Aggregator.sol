// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

import {IAccessController} from "./IAccessController.sol";
import {IAggregatorV2V3} from "./IAggregatorV2V3.sol";
import {IAggregatorValidator} from "./IAggregatorValidator.sol";
import {ILinkToken} from "./ILinkToken.sol";
import {IOCR2} from "./IOCR2.sol";
import {IPayees} from "./IPayees.sol";

/// @title How the oracles of an OCR2 price feed are paid
/// @notice Amounts are in juels, the smallest unit of LINK (10^-18). Prices are in gwei (10^-9 of the fee coin) and in
/// gjuels (10^9 juels).
///
/// An oracle earns `observationPaymentGjuels` for every round, whether its observation was in the report or not. The
/// transmitter of a round earns `transmissionPaymentGjuels` and its gas, at the rate `juelsPerFeeCoin` of the report:
///
///     price = tx.gasprice in gwei; if below reasonable, plus half of what is missing to reasonable; at most maximum
///     gas   = gas since the first instruction of transmit + 16 per byte of calldata + accountingGas
///     juels = gas * price * 10^9 * juelsPerFeeCoin / 10^18 + transmissionPaymentGjuels * 10^9
///
/// @dev Two properties of the original's books are kept, because they are compared to the last digit. Zero bytes of
/// calldata are paid like others, and the 21,000 gas of a transaction only as far as `accountingGas` covers them. And a
/// round of payments resets an oracle's count of rounds only if something was owed to it: **rounds at a price of zero are
/// not forgotten, and a later price pays for them too.** To start a price without that, set a new configuration with it.
interface IOCR2Billing is IPayees {
    event BillingSet(
        uint32 maximumGasPriceGwei,
        uint32 reasonableGasPriceGwei,
        uint32 observationPaymentGjuels,
        uint32 transmissionPaymentGjuels,
        uint24 accountingGas
    );
    event BillingAccessControllerSet(IAccessController old, IAccessController current);
    event LinkTokenSet(ILinkToken indexed oldLinkToken, ILinkToken indexed newLinkToken);
    event OraclePaid(address indexed transmitter, address indexed payee, uint256 amount, ILinkToken indexed linkToken);
    /// @notice A round of payments could not pay this transmitter (no payee, no funds, or the token refused). What it is
    /// owed stays owed, also when it leaves the committee, and its payee can withdraw it.
    event PaymentCarried(address indexed transmitter, uint256 amount);

    error OnlyOwnerOrBillingAdmin(address caller);
    error NotAToken(ILinkToken token);
    error InsufficientBalance(uint256 got, uint256 owedToOracles);
    error TransferFailed(ILinkToken token, address to, uint256 amount);

    /// @notice Changes the token. Oracles are paid in the old one first; the rest of it goes to `recipient`.
    /// @dev Debts that could not be paid in the old token remain, and are paid in the new one. Does nothing if the token is
    /// already set. An old token that does not even tell a balance is given up, so a wrong address is not for ever.
    function setLinkToken(ILinkToken token, address recipient) external;
    function getLinkToken() external view returns (ILinkToken);

    /// @notice Who, besides the owner, may set terms and withdraw what is left over.
    function setBillingAccessController(IAccessController controller) external;
    function getBillingAccessController() external view returns (IAccessController);

    /// @notice Pays everyone under the old terms, then sets new ones.
    function setBilling(
        uint32 maximumGasPriceGwei,
        uint32 reasonableGasPriceGwei,
        uint32 observationPaymentGjuels,
        uint32 transmissionPaymentGjuels,
        uint24 accountingGas
    ) external;
    function getBilling()
        external
        view
        returns (
            uint32 maximumGasPriceGwei,
            uint32 reasonableGasPriceGwei,
            uint32 observationPaymentGjuels,
            uint32 transmissionPaymentGjuels,
            uint24 accountingGas
        );

    /// @notice Pays a transmitter's earnings to its payee, who has to be the caller. Nothing owed: nothing happens.
    function withdrawPayment(address transmitter) external;

    /// @return What the transmitter is owed, in juels; of one that left the committee, what could not be paid then.
    function owedPayment(address transmitter) external view returns (uint256);

    /// @return For how many rounds a member of the committee was not paid yet, 0 for others.
    function oracleObservationCount(address transmitter) external view returns (uint32);

    /// @notice Sends `amount` to `recipient`, or as much as is not owed to oracles.
    function withdrawFunds(address recipient, uint256 amount) external;

    /// @return Balance less everything owed, in juels; negative if the contract cannot pay its oracles.
    function linkAvailableForPayment() external view returns (int256);
}

/// @title A price feed that is updated by OCR2 oracles
interface IOCR2Aggregator is IOCR2, IOCR2Billing, IAggregatorV2V3 {
    /// @notice A report was accepted; everything that the oracles said in it.
    /// @param aggregatorRoundId The round that it made.
    /// @param answer The upper median of the observations.
    /// @param transmitter Who brought it.
    /// @param observationsTimestamp When the oracles observed.
    /// @param observations What they observed, ascending.
    /// @param observers Byte i is the index of the oracle that made observation i.
    /// @param juelsPerFeeCoin The rate at which gas was reimbursed.
    /// @param configDigest The configuration under which it was signed.
    /// @param epochAndRound Epoch times 256 plus round of the oracles' protocol.
    event NewTransmission(
        uint32 indexed aggregatorRoundId,
        int192 answer,
        address transmitter,
        uint32 observationsTimestamp,
        int192[] observations,
        bytes observers,
        int192 juelsPerFeeCoin,
        bytes32 configDigest,
        uint40 epochAndRound
    );

    /// @notice Someone asks the oracles for a round now.
    event RoundRequested(address indexed requester, bytes32 configDigest, uint32 epoch, uint8 round);
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
    error InvalidOnchainConfig(bytes got, bytes wanted);
    error ZeroSigner(uint256 index);
    error ZeroTransmitter(uint256 index);
    error RepeatedSigner(address signer);
    error RepeatedTransmitter(address transmitter);
    error SignerIsTransmitter(address both);

    // transmit
    error StaleReport(uint40 got, uint40 latest);
    error UnauthorizedTransmitter(address got);
    error ConfigDigestMismatch(bytes32 got, bytes32 wanted);
    error CalldataLengthMismatch(uint256 got, uint256 wanted);
    error WrongNumberOfSignatures(uint256 rs, uint256 ss, uint256 wanted);
    error InvalidSignature(uint256 index, address recovered);
    error DuplicateSigner(uint256 index, address signer);
    /// @notice Not `abi.encode(uint32, bytes32, int192[], int192)`, exactly as long and laid out as that is.
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

    /// @return The transmitters, in the order of the configuration.
    function getTransmitters() external view returns (address[] memory);

    /// @notice Asks the oracles for a round now; for the owner and those whom the requester access controller admits.
    /// @return The next round. The report that makes it may have been under way already.
    function requestNewRound() external returns (uint80);
    function setRequesterAccessController(IAccessController controller) external;
    function getRequesterAccessController() external view returns (IAccessController);

    /// @notice Sets who is told of every new answer, with how much gas; no validator: the zero address.
    function setValidatorConfig(IAggregatorValidator validator, uint32 gasLimit) external;
    function getValidatorConfig() external view returns (IAggregatorValidator validator, uint32 gasLimit);

    /// @notice The latest report under the present configuration; for oracles, so contracts cannot call it.
    function latestTransmissionDetails()
        external
        view
        returns (bytes32 configDigest, uint32 epoch, uint8 round, int192 latestAnswer_, uint64 latestTimestamp_);

    /// @notice Keeps only so many rounds (at least 2; 0: all, as without this call). A round that is no longer kept reads
    /// like one that never was. A transmission then rewrites an old slot and costs 17,100 gas less. For the owner, and
    /// only before the first round, so that the meaning of a stored round never changes.
    function setHistoryLimit(uint16 rounds) external;
    function getHistoryLimit() external view returns (uint16);
}
