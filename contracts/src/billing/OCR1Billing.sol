// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ConfigData} from "../feed/ConfigData.sol";
import {Hot} from "../feed/Hot.sol";
import {IAccessController} from "../interfaces/IAccessController.sol";
import {IBilling} from "../interfaces/IBilling.sol";
import {IOCR1Billing} from "../interfaces/IOffchainAggregator.sol";
import {Account} from "./Account.sol";
import {Billing} from "./Billing.sol";
import {CalldataGas} from "./CalldataGas.sol";
import {ObservationCounts} from "./ObservationCounts.sol";

/// @title The books of an OCR1 price feed: who observes earns
/// @dev Terms, from the least significant bit, 32 bits each: maximumGasPrice, reasonableGasPrice, microLinkPerEth,
/// linkGweiPerObservation, linkGweiPerTransmission.
abstract contract OCR1Billing is IOCR1Billing, Billing {
    uint256 private constant REASONABLE_GAS_PRICE_AT = 32;
    uint256 private constant MICRO_LINK_PER_ETH_AT = 64;
    uint256 private constant OBSERVATION_PAYMENT_AT = 96;
    uint256 private constant TRANSMISSION_PAYMENT_AT = 128;

    /// @dev Gas that a transaction uses besides calldata and what is measured: 21,000, the way to the first instruction of
    /// transmit, and the way from the last measurement to the end. `crates/bindings/tests/gas` compares with receipts.
    uint256 private constant UNMEASURED_GAS = 21_000 + 3_960;

    /// @dev Of seats 0 to 15, and of seats from 16 on.
    ObservationCounts[2] private s_observationCounts;

    // -- earnings

    /// @dev One more observation for each oracle with a one in its lane; see OCR1Attestation.
    function _countObservations(uint256 low, uint256 high) internal {
        s_observationCounts[0] = s_observationCounts[0].plus(low);
        if (high != 0) s_observationCounts[1] = s_observationCounts[1].plus(high);
    }

    function _observations(uint256 seat) private view returns (uint16) {
        return s_observationCounts[seat / 16].observations(seat % 16);
    }

    function _earnedByObservations(uint256 seat, Hot hot) internal view override returns (uint256) {
        return uint256(_observations(seat)) * uint32(_terms(hot) >> OBSERVATION_PAYMENT_AT) * 1 gwei;
    }

    function _countAnew(uint256 seat, Hot) internal override {
        s_observationCounts[seat / 16] = s_observationCounts[seat / 16].countedAnew(seat % 16);
    }

    /// @dev What a transmission earns, in juels: gas as in a receipt, as far as it can be known here.
    /// @param initialGas The gas that was left at the first instruction of transmit.
    function _earnedByTransmission(uint256 terms, uint256 initialGas) internal view returns (uint256) {
        unchecked {
            // The price is that of OCR2Aggregator._accept, where a function for both would cost 42 gas.
            uint256 price = tx.gasprice / 1 gwei;
            uint256 reasonable = uint32(terms >> REASONABLE_GAS_PRICE_AT);
            if (price < reasonable) price += (reasonable - price) / 2;
            if (price > uint32(terms)) price = uint32(terms);
            uint256 juelsPerGas = price * 1 gwei * uint32(terms >> MICRO_LINK_PER_ETH_AT);

            uint256 payment = uint256(uint32(terms >> TRANSMISSION_PAYMENT_AT)) * 1 gwei;
            uint256 unmeasured = UNMEASURED_GAS + CalldataGas.cost();
            return (unmeasured + initialGas - gasleft()) * juelsPerGas / 1e6 + payment;
        }
    }

    /// @inheritdoc IOCR1Billing
    function oracleObservationCount(address signerOrTransmitter) external view override returns (uint16) {
        Account account = s_accounts[signerOrTransmitter];
        if (account.active()) return _observations(account.seat());
        (bool isSigner, uint256 seat) = ConfigData.seatOf(ConfigData.load(s_hot.configData()), signerOrTransmitter);
        return isSigner ? _observations(seat) : 0;
    }

    /// @inheritdoc IBilling
    /// @dev Of a signer: what its transmitter is owed, as in the original.
    function owedPayment(address transmitter) external view override returns (uint256) {
        Hot hot = s_hot;
        uint256 owed = _owed(transmitter, hot);
        if (owed != 0) return owed;
        bytes memory data = ConfigData.load(hot.configData());
        (bool isSigner, uint256 seat) = ConfigData.seatOf(data, transmitter);
        return isSigner ? _owed(ConfigData.transmitters(data)[seat], hot) : 0;
    }

    // -- terms

    /// @inheritdoc IOCR1Billing
    function setBilling(
        uint32 maximumGasPrice,
        uint32 reasonableGasPrice,
        uint32 microLinkPerEth,
        uint32 linkGweiPerObservation,
        uint32 linkGweiPerTransmission
    ) external override onlyOwnerOrBillingAdmin {
        _setBilling(
            maximumGasPrice, reasonableGasPrice, microLinkPerEth, linkGweiPerObservation, linkGweiPerTransmission
        );
    }

    function _setBilling(
        uint32 maximumGasPrice,
        uint32 reasonableGasPrice,
        uint32 microLinkPerEth,
        uint32 linkGweiPerObservation,
        uint32 linkGweiPerTransmission
    ) internal {
        _setTerms(
            uint256(maximumGasPrice) | (uint256(reasonableGasPrice) << REASONABLE_GAS_PRICE_AT)
                | (uint256(microLinkPerEth) << MICRO_LINK_PER_ETH_AT)
                | (uint256(linkGweiPerObservation) << OBSERVATION_PAYMENT_AT)
                | (uint256(linkGweiPerTransmission) << TRANSMISSION_PAYMENT_AT)
        );
        emit BillingSet(
            maximumGasPrice, reasonableGasPrice, microLinkPerEth, linkGweiPerObservation, linkGweiPerTransmission
        );
    }

    /// @inheritdoc IOCR1Billing
    function getBilling()
        external
        view
        override
        returns (
            uint32 maximumGasPrice,
            uint32 reasonableGasPrice,
            uint32 microLinkPerEth,
            uint32 linkGweiPerObservation,
            uint32 linkGweiPerTransmission
        )
    {
        uint256 terms = _terms(s_hot);
        return (
            uint32(terms),
            uint32(terms >> REASONABLE_GAS_PRICE_AT),
            uint32(terms >> MICRO_LINK_PER_ETH_AT),
            uint32(terms >> OBSERVATION_PAYMENT_AT),
            uint32(terms >> TRANSMISSION_PAYMENT_AT)
        );
    }

    /// @inheritdoc IOCR1Billing
    function billingAccessController() external view override returns (IAccessController) {
        return s_billingAccessController;
    }
}
