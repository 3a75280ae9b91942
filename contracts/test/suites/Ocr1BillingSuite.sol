// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBilling} from "../../src/interfaces/IBilling.sol";
import {IOCR1Billing} from "../../src/interfaces/IOffchainAggregator.sol";
import {Ocr1Test} from "../support/Ocr1Test.sol";
import {BillingSuite} from "./BillingSuite.sol";

/// @title The books of OCR1: who is counted, what is earned, and the terms
abstract contract Ocr1BillingSuite is BillingSuite, Ocr1Test {
    function _paysInOrder() internal pure override returns (bool) {
        return false;
    }

    function _paid(uint32 maximum, uint32 reasonable, uint256 gasPrice) internal override returns (uint256) {
        return paid(maximum, reasonable, 1_000_000, gasPrice);
    }

    function test_who_observed_earns_and_the_transmitter_more() public {
        startWithoutGas(4);
        transmit(next(4, observationsOf(3, PRICE)), 3); // by oracles 0 to 2, brought by 3
        transmit(next(4, observationsOf(4, PRICE)), 2);
        for (uint256 i = 0; i < 4; i++) {
            uint256 seen = i == 3 ? 1 : 2;
            eq("owed", owed(i), seen * PER_OBSERVATION + (i >= 2 ? PER_TRANSMISSION : 0));
            eq("observations", countOf(transmitterOf(i)), seen);
        }
        eq("others", feed.owedPayment(stranger), 0);
        eq("others", ocr1().oracleObservationCount(stranger), 0);
        int256 due = int256(7 * PER_OBSERVATION + 2 * PER_TRANSMISSION);
        eqInt("available", feed.linkAvailableForPayment(), 10 ** 24 - due);
    }

    function test_every_seat_is_counted_for_itself() public {
        startWithoutGas(31);
        for (uint256 i = 0; i < 31; i++) {
            // 21 observations, by oracles i to i + 20.
            bytes32 observers;
            for (uint256 j = 0; j < 21; j++) {
                observers |= bytes32(((i + j) % 31) << (248 - 8 * j));
            }
            transmit(next(31, observers, observationsOf(21, PRICE)), 0);
            for (uint256 oracle = 0; oracle < 31; oracle++) {
                // In rounds 0 to i it was in those whose number is less than 21 behind its own, going round.
                uint256 wanted;
                for (uint256 round = 0; round <= i; round++) {
                    if ((oracle + 31 - round) % 31 < 21) wanted++;
                }
                eq("observations", countOf(transmitterOf(oracle)), wanted);
            }
        }
    }

    function test_counts_and_debts_are_told_for_signers_too() public {
        startWithoutGas(4);
        transmit(next(4, observationsOf(3, PRICE)), 1);
        for (uint256 i = 0; i < 4; i++) {
            address signer = vm.addr(signerKey(i));
            eq("observations", ocr1().oracleObservationCount(signer), countOf(transmitterOf(i)));
            eq("owed", feed.owedPayment(signer), owed(i));
        }
        yes("not zero", feed.owedPayment(vm.addr(signerKey(1))) == PER_OBSERVATION + PER_TRANSMISSION);
    }

    /// @dev Counts are in lanes of 16 bits somewhere in the first slots of storage, one more than what they count.
    function test_a_full_count_stays_and_its_neighbours_go_on() public {
        startWithoutGas(31);
        for (uint256 i = 0; i < 3; i++) {
            transmit(next(31, observationsOf(31, PRICE)), 0);
        }
        uint256 fours = type(uint256).max / type(uint16).max * 4;
        uint256 replaced;
        for (uint256 slot = 0; slot < 60; slot++) {
            uint256 word = uint256(vm.load(address(feed), bytes32(slot)));
            if (word != fours && word != fours & (type(uint256).max >> 16)) continue;
            // Every other lane is one before its end.
            uint256 lanes = type(uint256).max / type(uint32).max;
            vm.store(address(feed), bytes32(slot), bytes32((word & ~(lanes * 0xffff)) | (lanes * 0xfffe)));
            replaced++;
        }
        eq("words", replaced, 2);
        for (uint256 i = 0; i < 3; i++) {
            transmit(next(31, observationsOf(31, PRICE)), 0);
            for (uint256 oracle = 0; oracle < 31; oracle++) {
                eq("count", countOf(transmitterOf(oracle)), oracle % 2 == 0 ? 65_534 : 4 + i);
            }
        }
        eq("and they are paid", owed(30), 65_534 * PER_OBSERVATION);
    }

    /// @return What the same transmission is paid under these terms.
    function paid(uint32 maximum, uint32 reasonable, uint32 microLinkPerEth, uint256 gasPrice)
        private
        returns (uint256)
    {
        uint256 id = vm.snapshotState();
        ocr1().setBilling(maximum, reasonable, microLinkPerEth, 0, 7);
        vm.txGasPrice(gasPrice);
        transmit(next(4), 1);
        uint256 amount = owed(1);
        vm.revertToState(id);
        epoch = 0;
        return amount;
    }

    function test_gas_is_paid_at_price_and_rate() public {
        start(4);
        uint256 unit = paid(1000, 0, 1_000_000, 1 gwei) - 7 gwei; // gas times 1 gwei, at one LINK per ether
        about("rate", paid(1000, 0, 215_000_000, 1 gwei) - 7 gwei, unit * 215);
        about("price", paid(1000, 0, 1_000_000, 30 gwei) - 7 gwei, unit * 30);
        about("less than a LINK", paid(1000, 0, 500_000, 30 gwei) - 7 gwei, unit * 15);
        eq("no rate", paid(1000, 0, 0, 30 gwei), 7 gwei);
    }

    function test_terms_are_set_at_creation() public {
        vm.recordLogs();
        feed = _deployFeed(link, _admits(billingAdmin), _admits(requester));
        bytes memory data = abi.encode(1000, 50, 215_000_000, 400_000, 1_000_000);
        eq("BillingSet", logOf(IOCR1Billing.BillingSet.selector).data, data);
        (uint32 a, uint32 b, uint32 c, uint32 d, uint32 e) = ocr1().getBilling();
        eq("getBilling", abi.encode(a, b, c, d, e), data);
    }

    function test_terms_are_set_by_owner_and_billing_admin() public {
        vm.recordLogs();
        ocr1().setBilling(type(uint32).max, 2, 3, type(uint32).max, type(uint32).max);
        bytes memory data = abi.encode(type(uint32).max, 2, 3, type(uint32).max, type(uint32).max);
        eq("BillingSet", logOf(IOCR1Billing.BillingSet.selector).data, data);
        (uint32 a, uint32 b, uint32 c, uint32 d, uint32 e) = ocr1().getBilling();
        eq("getBilling", abi.encode(a, b, c, d, e), data);

        (bool ok,) = send(billingAdmin, abi.encodeCall(ocr1().setBilling, (1, 2, 3, 4, 5)));
        yes("the billing admin", ok);
        start(4);
        (a, b, c, d, e) = ocr1().getBilling();
        eq("terms survive a new config", abi.encode(a, b, c, d, e), abi.encode(1, 2, 3, 4, 5));
        ocr1().setBilling(5, 4, 3, 2, 1);
        transmit(4); // So that the threshold survives new terms: one signature is too few.
        (ok,) = send(transmitterOf(0), encode(signed(next(4).report, 0, 1, 4)));
        yes("a threshold", !ok);
        refused(
            stranger,
            abi.encodeCall(ocr1().setBilling, (1, 2, 3, 4, 5)),
            abi.encodeWithSelector(IBilling.OnlyOwnerOrBillingAdmin.selector, stranger)
        );
    }
}
