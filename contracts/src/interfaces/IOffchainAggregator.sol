// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

import {IAccessController} from "./IAccessController.sol";
import {IAggregatorValidator} from "./IAggregatorValidator.sol";
import {IBilling} from "./IBilling.sol";
import {IFeed} from "./IFeed.sol";
import {ITypeAndVersion} from "./ITypeAndVersion.sol";

/// @title How the oracles of an OCR1 price feed are paid
/// @notice Prices are in gwei (10^-9 of the fee coin) and in LINK gwei (10^9 juels).
///
/// An oracle earns `linkGweiPerObservation` for every observation of its that a report contained; at most 65,534 are counted
/// between two payments. The transmitter of a round earns `linkGweiPerTransmission` and what its transaction has cost, at the
/// rate `microLinkPerEth`:
///
///     price = tx.gasprice in gwei; if below reasonable, plus half of what is missing to reasonable; at most maximum
///     gas   = what the transaction uses: 21,000, calldata at 16 per byte and 4 per zero byte, execution
///     juels = gas * price * 10^9 * microLinkPerEth / 10^6 + linkGweiPerTransmission * 10^9
///
/// @dev The original never pays the 21,000, and pays zero bytes like others; this one pays what the receipt says (to 100 gas,
/// on chains where calldata is priced as on Ethereum). As in the original, a round of payments resets an oracle's count only
/// if something was owed to it: **observations at a price of zero are not forgotten, and a later price pays for them too.** To
/// start a price without that, set a new configuration with it.
interface IOCR1Billing is IBilling {
    event BillingSet(
        uint32 maximumGasPrice,
        uint32 reasonableGasPrice,
        uint32 microLinkPerEth,
        uint32 linkGweiPerObservation,
        uint32 linkGweiPerTransmission
    );

    function billingAccessController() external view returns (IAccessController);

    /// @notice Pays everyone under the old terms, then sets new ones.
    function setBilling(
        uint32 maximumGasPrice,
        uint32 reasonableGasPrice,
        uint32 microLinkPerEth,
        uint32 linkGweiPerObservation,
        uint32 linkGweiPerTransmission
    ) external;
    function getBilling()
        external
        view
        returns (
            uint32 maximumGasPrice,
            uint32 reasonableGasPrice,
            uint32 microLinkPerEth,
            uint32 linkGweiPerObservation,
            uint32 linkGweiPerTransmission
        );

    /// @return How many observations of a member of the committee were not paid yet, 0 for others.
    function oracleObservationCount(address signerOrTransmitter) external view returns (uint16);
}

/// @title A price feed that is updated by OCR1 oracles
interface IOffchainAggregator is ITypeAndVersion, IOCR1Billing, IFeed {
    /// @notice A new configuration; oracles follow this event.
    /// @param previousConfigBlockNumber Block of the configuration before, 0 if there is none: a chain of hints backwards.
    /// @param configCount How many configurations there were, this one included.
    /// @param signers Addresses of the keys that sign reports; the i-th is oracle i's.
    /// @param transmitters Addresses that may bring reports; the i-th is oracle i's.
    /// @param threshold How many oracles may lie or fail.
    /// @param encodedConfigVersion Which form the next field has.
    /// @param encoded What only the oracles need to know; the contract never looks inside.
    event ConfigSet(
        uint32 previousConfigBlockNumber,
        uint64 configCount,
        address[] signers,
        address[] transmitters,
        uint8 threshold,
        uint64 encodedConfigVersion,
        bytes encoded
    );

    /// @notice A report was accepted; everything that the oracles said in it.
    /// @param aggregatorRoundId The round that it made.
    /// @param answer The upper median of the observations.
    /// @param transmitter Who brought it.
    /// @param observations What the oracles observed, ascending.
    /// @param observers Byte i is the index of the oracle that made observation i.
    /// @param rawReportContext 11 bytes without meaning, config digest (16), epoch (4), round (1).
    event NewTransmission(
        uint32 indexed aggregatorRoundId,
        int192 answer,
        address transmitter,
        int192[] observations,
        bytes observers,
        bytes32 rawReportContext
    );

    /// @notice Someone asks the oracles for a round now.
    event RoundRequested(address indexed requester, bytes16 configDigest, uint32 epoch, uint8 round);

    error PayeeNotSet(address transmitter);
    error ObservationsNotSorted(uint256 index);
    error UnknownObserver(uint256 index, uint256 got, uint256 oracles);
    error RepeatedObserver(uint256 index, uint256 got);

    /// @notice Sets a new configuration; see `ConfigSet` for the fields. Every transmitter must have a payee.
    function setConfig(
        address[] memory signers,
        address[] memory transmitters,
        uint8 threshold,
        uint64 encodedConfigVersion,
        bytes memory encoded
    ) external;

    /// @notice Takes a report that more than `threshold` oracles signed.
    /// @param report `abi.encode(bytes32 rawReportContext, bytes32 rawObservers, int192[] observations)`.
    /// @param rs The r of each signature.
    /// @param ss The s of each signature.
    /// @param rawVs Byte i is the recovery id, 0 or 1, of the i-th signature.
    function transmit(bytes calldata report, bytes32[] calldata rs, bytes32[] calldata ss, bytes32 rawVs) external;

    /// @notice Where to find the event of the present configuration, and what it is called.
    function latestConfigDetails() external view returns (uint32 configCount, uint32 blockNumber, bytes16 configDigest);

    /// @return The transmitters, in the order of the configuration.
    function transmitters() external view returns (address[] memory);
    function requesterAccessController() external view returns (IAccessController);
    function validatorConfig() external view returns (IAggregatorValidator validator, uint32 gasLimit);

    /// @notice The latest report under the present configuration; for oracles, so contracts cannot call it.
    function latestTransmissionDetails()
        external
        view
        returns (bytes16 configDigest, uint32 epoch, uint8 round, int192 latestAnswer_, uint64 latestTimestamp_);

    /// @notice `getRoundData` of a number that can never be a round.
    error NoDataPresent(uint80 roundId);
}
