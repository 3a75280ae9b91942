// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Hot} from "../feed/Hot.sol";
import {IAccessController} from "../interfaces/IAccessController.sol";
import {IBilling} from "../interfaces/IBilling.sol";
import {IOCR2Billing} from "../interfaces/IOCR2Aggregator.sol";
import {Account} from "./Account.sol";
import {Billing} from "./Billing.sol";

/// @title The books of an OCR2 price feed: every member earns every round
/// @dev Terms, from the least significant bit: maximumGasPriceGwei (32), reasonableGasPriceGwei (32),
/// observationPaymentGjuels (32), transmissionPaymentGjuels (32), accountingGas (24).
abstract contract OCR2Billing is IOCR2Billing, Billing {
    uint256 internal constant REASONABLE_GAS_PRICE_AT = 32;
    uint256 internal constant OBSERVATION_PAYMENT_AT = 64;
    uint256 internal constant TRANSMISSION_PAYMENT_AT = 96;
    uint256 internal constant ACCOUNTING_GAS_AT = 128;

    /// @dev By seat: rounds up to this one were paid.
    uint32[MAX_ORACLES] private s_rewardFromRound;

    function _earnedByObservations(uint256 seat, Hot hot) internal view override returns (uint256) {
        uint256 rounds = hot.roundId() - s_rewardFromRound[seat];
        return rounds * uint32(_terms(hot) >> OBSERVATION_PAYMENT_AT) * 1 gwei;
    }

    function _countAnew(uint256 seat, Hot hot) internal override {
        s_rewardFromRound[seat] = hot.roundId();
    }

    /// @inheritdoc IBilling
    function owedPayment(address transmitter) external view override returns (uint256) {
        return _owed(transmitter, s_hot);
    }

    /// @inheritdoc IOCR2Billing
    function oracleObservationCount(address transmitter) external view override returns (uint32) {
        Account account = s_accounts[transmitter];
        return account.active() ? s_hot.roundId() - s_rewardFromRound[account.seat()] : 0;
    }

    /// @inheritdoc IOCR2Billing
    function setBilling(
        uint32 maximumGasPriceGwei,
        uint32 reasonableGasPriceGwei,
        uint32 observationPaymentGjuels,
        uint32 transmissionPaymentGjuels,
        uint24 accountingGas
    ) external override onlyOwnerOrBillingAdmin {
        _setTerms(
            uint256(maximumGasPriceGwei) | (uint256(reasonableGasPriceGwei) << REASONABLE_GAS_PRICE_AT)
                | (uint256(observationPaymentGjuels) << OBSERVATION_PAYMENT_AT)
                | (uint256(transmissionPaymentGjuels) << TRANSMISSION_PAYMENT_AT)
                | (uint256(accountingGas) << ACCOUNTING_GAS_AT)
        );
        emit BillingSet(
            maximumGasPriceGwei,
            reasonableGasPriceGwei,
            observationPaymentGjuels,
            transmissionPaymentGjuels,
            accountingGas
        );
    }

    /// @inheritdoc IOCR2Billing
    function getBilling()
        external
        view
        override
        returns (
            uint32 maximumGasPriceGwei,
            uint32 reasonableGasPriceGwei,
            uint32 observationPaymentGjuels,
            uint32 transmissionPaymentGjuels,
            uint24 accountingGas
        )
    {
        uint256 terms = _terms(s_hot);
        return (
            uint32(terms),
            uint32(terms >> REASONABLE_GAS_PRICE_AT),
            uint32(terms >> OBSERVATION_PAYMENT_AT),
            uint32(terms >> TRANSMISSION_PAYMENT_AT),
            uint24(terms >> ACCOUNTING_GAS_AT)
        );
    }

    /// @inheritdoc IOCR2Billing
    function getBillingAccessController() external view override returns (IAccessController) {
        return s_billingAccessController;
    }
}
