// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBilling} from "../../src/interfaces/IBilling.sol";
import {IOCR2Billing} from "../../src/interfaces/IOCR2Aggregator.sol";
import {Ocr2Test} from "../support/Ocr2Test.sol";
import {BillingSuite} from "./BillingSuite.sol";

/// @title The books of OCR2: what is earned, and the terms
abstract contract Ocr2BillingSuite is BillingSuite, Ocr2Test {
    function _paysInOrder() internal pure override returns (bool) {
        return true;
    }

    function _paid(uint32 maximum, uint32 reasonable, uint256 gasPrice) internal override returns (uint256) {
        return paid(maximum, reasonable, 0, gasPrice, 1e18);
    }

    /// @return What the same transmission is paid under these terms.
    function paid(uint32 maximum, uint32 reasonable, uint24 accountingGas, uint256 gasPrice, int192 rate)
        private
        returns (uint256)
    {
        uint256 id = vm.snapshotState();
        ocr2().setBilling(maximum, reasonable, 0, 7, accountingGas);
        vm.txGasPrice(gasPrice);
        transmit(next(4, reportOf(1, observationsOf(4, PRICE), rate)), 1);
        uint256 amount = owed(1);
        vm.revertToState(id);
        epoch = 0;
        return amount;
    }

    function test_every_member_earns_every_round_and_the_transmitter_more() public {
        startWithoutGas(4);
        Call memory call = next(4, report(2)); // observations of two oracles only
        transmit(call, 2);
        transmit(next(4, report(2)), 2);
        for (uint256 i = 0; i < 4; i++) {
            eq("owed", owed(i), 2 * PER_OBSERVATION + (i == 2 ? 2 * PER_TRANSMISSION : 0));
            eq("rounds", ocr2().oracleObservationCount(transmitterOf(i)), 2);
        }
        eq("others", feed.owedPayment(stranger), 0);
        eq("others", ocr2().oracleObservationCount(stranger), 0);
        int256 due = int256(8 * PER_OBSERVATION + 2 * PER_TRANSMISSION);
        eqInt("available", feed.linkAvailableForPayment(), 10 ** 24 - due);
    }

    function test_accounting_gas_is_paid_at_price_and_rate() public {
        start(4);
        uint256 difference = paid(1000, 0, 20_001, 30 gwei, RATE) - paid(1000, 0, 1, 30 gwei, RATE);
        uint256 wanted = 20_000 * 30 gwei * uint256(uint192(RATE)) / 1e18;
        uint256 gas = _paid(1000, 0, 1 gwei) - 7 gwei;
        yes("about a transmission's gas", gas > 50_000 gwei && gas < 130_000 gwei);
        yes("20,000 gas", difference == wanted || difference == wanted + 1 || difference + 1 == wanted);
    }

    function test_a_negative_rate_pays_nothing_at_all() public {
        start(4);
        vm.txGasPrice(30 gwei);
        transmit(next(4, reportOf(1, observationsOf(4, PRICE), -1)), 0);
        eq("observations only", owed(0), PER_OBSERVATION);
        transmit(next(4, reportOf(1, observationsOf(4, PRICE), 0)), 0);
        eq("and the transmission", owed(0), 2 * PER_OBSERVATION + PER_TRANSMISSION);
    }

    /// @dev Terms without observations, so that what is owed is what transmissions earned: a number of 96 bits.
    function test_an_overflow_of_96_bits_is_stored_cut_or_not_at_all() public {
        start(4);
        ocr2().setBilling(1000, 0, 0, 0, 0);
        vm.txGasPrice(100 gwei);
        transmit(next(4, reportOf(1, observationsOf(4, PRICE), RATE)), 0);
        uint256 before = owed(0);
        for (uint256 i = 0; i < 24; i++) {
            transmit(next(4, reportOf(1, observationsOf(4, PRICE), int192(int256(1) << (160 + i)))), 0);
            uint256 afterwards = owed(0);
            yes("never less", afterwards >= before);
            yes("96 bits", afterwards < 1 << 96);
            before = afterwards;
        }
        eq("the feed goes on", feed.latestRound(), 25);
    }

    function test_terms_are_set_by_owner_and_billing_admin() public {
        vm.recordLogs();
        ocr2().setBilling(type(uint32).max, 2, 3, type(uint32).max, type(uint24).max);
        bytes memory data = abi.encode(type(uint32).max, 2, 3, type(uint32).max, type(uint24).max);
        eq("BillingSet", logOf(IOCR2Billing.BillingSet.selector).data, data);
        (uint32 a, uint32 b, uint32 c, uint32 d, uint24 e) = ocr2().getBilling();
        eq("getBilling", abi.encode(a, b, c, d, e), data);

        (bool ok,) = send(billingAdmin, abi.encodeCall(ocr2().setBilling, (1, 2, 3, 4, 5)));
        yes("the billing admin", ok);
        (a, b, c, d, e) = ocr2().getBilling();
        eq("getBilling", abi.encode(a, b, c, d, e), abi.encode(1, 2, 3, 4, 5));
        configure(4, 1);
        (a, b, c, d, e) = ocr2().getBilling();
        eq("terms survive a new config", abi.encode(a, b, c, d, e), abi.encode(1, 2, 3, 4, 5));
        refused(
            stranger,
            abi.encodeCall(ocr2().setBilling, (1, 2, 3, 4, 5)),
            abi.encodeWithSelector(IBilling.OnlyOwnerOrBillingAdmin.selector, stranger)
        );
    }
}
