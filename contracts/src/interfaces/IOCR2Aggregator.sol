// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

import {IAccessController} from "./IAccessController.sol";
import {IAggregatorValidator} from "./IAggregatorValidator.sol";
import {IBilling} from "./IBilling.sol";
import {IFeed} from "./IFeed.sol";
import {IOCR2} from "./IOCR2.sol";

/// @title How the oracles of an OCR2 price feed are paid
/// @notice Prices are in gwei (10^-9 of the fee coin) and in gjuels (10^9 juels).
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
interface IOCR2Billing is IBilling {
    event BillingSet(
        uint32 maximumGasPriceGwei,
        uint32 reasonableGasPriceGwei,
        uint32 observationPaymentGjuels,
        uint32 transmissionPaymentGjuels,
        uint24 accountingGas
    );

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

    /// @return For how many rounds a member of the committee was not paid yet, 0 for others.
    function oracleObservationCount(address transmitter) external view returns (uint32);
}

/// @title A price feed that is updated by OCR2 oracles
interface IOCR2Aggregator is IOCR2, IOCR2Billing, IFeed {
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

    error InvalidOnchainConfig(bytes got, bytes wanted);

    /// @return The transmitters, in the order of the configuration.
    function getTransmitters() external view returns (address[] memory);
    function getRequesterAccessController() external view returns (IAccessController);
    function getValidatorConfig() external view returns (IAggregatorValidator validator, uint32 gasLimit);

    /// @notice The latest report under the present configuration; for oracles, so contracts cannot call it.
    function latestTransmissionDetails()
        external
        view
        returns (bytes32 configDigest, uint32 epoch, uint8 round, int192 latestAnswer_, uint64 latestTimestamp_);
}
