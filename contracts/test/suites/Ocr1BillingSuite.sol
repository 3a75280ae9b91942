// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {IBilling} from "../../src/interfaces/IBilling.sol";
import {ILinkToken} from "../../src/interfaces/ILinkToken.sol";
import {IOCR1Billing} from "../../src/interfaces/IOffchainAggregator.sol";
import {IPayees} from "../../src/interfaces/IPayees.sol";
import {AdmitsOne} from "../support/FeedTest.sol";
import {Ocr1Test} from "../support/Ocr1Test.sol";
import {Vm} from "../support/Vm.sol";

/// @title The books of OCR1: what is earned, owed, paid and left over
abstract contract Ocr1BillingSuite is Ocr1Test {
    function balance(address who) private view returns (uint256) {
        return link.balanceOf(who);
    }

    function count(uint256 oracle) private view returns (uint256) {
        return feed.oracleObservationCount(transmitterOf(oracle));
    }

    // -- earning

    function test_who_observed_earns_and_the_transmitter_more() public {
        startWithoutGas(4);
        transmit(next(4, observationsOf(3, PRICE)), 3); // by oracles 0 to 2, brought by 3
        transmit(next(4, observationsOf(4, PRICE)), 2);
        for (uint256 i = 0; i < 4; i++) {
            uint256 seen = i == 3 ? 1 : 2;
            eq("owed", owed(i), seen * PER_OBSERVATION + (i >= 2 ? PER_TRANSMISSION : 0));
            eq("observations", count(i), seen);
        }
        eq("others", feed.owedPayment(stranger), 0);
        eq("others", feed.oracleObservationCount(stranger), 0);
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
                eq("observations", count(oracle), wanted);
            }
        }
    }

    function test_counts_and_debts_are_told_for_signers_too() public {
        startWithoutGas(4);
        transmit(next(4, observationsOf(3, PRICE)), 1);
        for (uint256 i = 0; i < 4; i++) {
            address signer = vm.addr(signerKey(i));
            eq("observations", feed.oracleObservationCount(signer), count(i));
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
                eq("count", count(oracle), oracle % 2 == 0 ? 65_534 : 4 + i);
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
        feed.setBilling(maximum, reasonable, microLinkPerEth, 0, 7);
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

    function test_a_low_gas_price_keeps_half_of_its_savings_and_a_high_one_is_capped() public {
        start(4);
        uint256 unit = paid(1000, 0, 1_000_000, 1 gwei) - 7 gwei;
        // With a reasonable price of 50, an offered 20 is paid as 35, and an odd difference is rounded down.
        about("35", paid(1000, 50, 1_000_000, 20 gwei) - 7 gwei, unit * 35);
        about("35", paid(1000, 51, 1_000_000, 20 gwei) - 7 gwei, unit * 35);
        about("reasonable", paid(1000, 20, 1_000_000, 20 gwei) - 7 gwei, unit * 20);
        about("above", paid(1000, 10, 1_000_000, 20 gwei) - 7 gwei, unit * 20);
        about("capped", paid(15, 10, 1_000_000, 20 gwei) - 7 gwei, unit * 15);
        about("capped after the savings", paid(15, 50, 1_000_000, 10 gwei) - 7 gwei, unit * 15);
        eq("less than a gwei is nothing", paid(1000, 0, 1_000_000, 1 gwei - 1), 7 gwei);
        about("half of the reasonable price", paid(1000, 50, 1_000_000, 0) - 7 gwei, unit * 25);
    }

    /// @dev The branches for prices cost a few gas too, and all gas is paid, so amounts agree to 1 %.
    function about(string memory what, uint256 got, uint256 wanted) private pure {
        if (got > wanted + wanted / 100 || got + wanted / 100 < wanted) revert NotEqualUint(what, got, wanted);
    }

    // -- being paid

    function test_a_payee_withdraws_what_is_owed() public {
        startWithoutGas(4);
        transmit(next(4), 1);
        vm.recordLogs();
        (bool ok,) = send(payeeOf(1), abi.encodeCall(feed.withdrawPayment, (transmitterOf(1))));
        yes("paid", ok);
        Vm.Log memory log = logOf(IBilling.OraclePaid.selector);
        eq("transmitter", address(uint160(uint256(log.topics[1]))), transmitterOf(1));
        eq("payee", address(uint160(uint256(log.topics[2]))), payeeOf(1));
        eq("token", address(uint160(uint256(log.topics[3]))), address(link));
        eq("amount", log.data, abi.encode(PER_OBSERVATION + PER_TRANSMISSION));
        eq("balance", balance(payeeOf(1)), PER_OBSERVATION + PER_TRANSMISSION);
        eq("owed", owed(1), 0);
        eq("observations", count(1), 0);
        eq("others", owed(0), PER_OBSERVATION);

        vm.recordLogs();
        (ok,) = send(payeeOf(1), abi.encodeCall(feed.withdrawPayment, (transmitterOf(1))));
        yes("nothing to pay is no failure", ok);
        eq("and no event", countLogs(), 0);
        transmit(next(4), 1);
        eq("earns again", owed(1), PER_OBSERVATION + PER_TRANSMISSION);
    }

    function test_only_the_payee_withdraws() public {
        startWithoutGas(4);
        transmit(4);
        address[3] memory others = [address(this), transmitterOf(1), payeeOf(2)];
        for (uint256 i = 0; i < 3; i++) {
            bytes memory why = abi.encodeWithSelector(IPayees.OnlyPayee.selector, others[i], payeeOf(1));
            refused(others[i], abi.encodeCall(feed.withdrawPayment, (transmitterOf(1))), why);
        }
    }

    function test_a_withdrawal_without_funds_is_refused_and_owed_remains() public {
        startWithoutGas(4);
        feed.withdrawFunds(address(1), type(uint256).max);
        transmit(4);
        uint256 due = owed(1);
        yes("owed", due > 0);
        bytes memory why = abi.encodeWithSelector(IBilling.TransferFailed.selector, address(link), payeeOf(1), due);
        refused(payeeOf(1), abi.encodeCall(feed.withdrawPayment, (transmitterOf(1))), why);
        eq("owed", owed(1), due);
    }

    function paysAll(bytes memory data) private {
        transmit(next(4), 1);
        transmit(next(4), 2);
        vm.recordLogs();
        (bool ok,) = address(feed).call(data);
        yes("accepted", ok);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 seen;
        uint256 mask;
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter != address(feed) || logs[i].topics[0] != IBilling.OraclePaid.selector) continue;
            for (uint256 oracle = 0; oracle < 4; oracle++) {
                if (address(uint160(uint256(logs[i].topics[1]))) == transmitterOf(oracle)) mask |= 1 << oracle;
            }
            eq("after the transfer", logs[i - 1].emitter, address(link));
            seen++;
        }
        eq("as many as there are", seen, 4);
        eq("everyone", mask, 15);
        for (uint256 i = 0; i < 4; i++) {
            uint256 wanted = 2 * PER_OBSERVATION + (i == 1 || i == 2 ? PER_TRANSMISSION : 0);
            eq("balance", balance(payeeOf(i)), wanted);
            eq("owed", owed(i), 0);
            eq("observations", count(i), 0);
        }
    }

    function test_setConfig_pays_everyone_first() public {
        startWithoutGas(4);
        paysAll(encodeConfig(7, 2));
    }

    function test_setBilling_pays_everyone_first_under_the_old_terms() public {
        startWithoutGas(4);
        paysAll(abi.encodeCall(feed.setBilling, (1, 2, 3, 4, 5)));
    }

    function test_setLinkToken_pays_everyone_first_and_hands_over_the_rest() public {
        startWithoutGas(4);
        ILinkToken other = _deployLink();
        uint256 before = balance(address(feed));
        paysAll(abi.encodeCall(feed.setLinkToken, (other, address(0x4e57))));
        eq("rest", balance(address(0x4e57)), before - 8 * PER_OBSERVATION - 2 * PER_TRANSMISSION);
        eq("nothing left", balance(address(feed)), 0);
        eq("token", address(feed.getLinkToken()), address(other));
    }

    function test_a_price_of_zero_is_not_forgotten() public {
        start(4);
        feed.setBilling(0, 0, 0, 0, 0);
        for (uint256 i = 0; i < 3; i++) {
            transmit(4);
        }
        eq("nothing owed", owed(3), 0);
        feed.setBilling(0, 0, 0, 10, 0);
        eq("three observations at the new price", owed(3), 3 * 10 gwei);
    }

    // -- funds

    function test_what_is_not_owed_can_be_withdrawn() public {
        startWithoutGas(4);
        transmit(4);
        uint256 due = 4 * PER_OBSERVATION + PER_TRANSMISSION;
        feed.withdrawFunds(address(0xf00d), 1000);
        eq("amount", balance(address(0xf00d)), 1000);
        (bool ok,) = send(billingAdmin, abi.encodeCall(feed.withdrawFunds, (address(0xf00d), type(uint256).max)));
        yes("the billing admin too", ok);
        yes("all but what is owed", balance(address(feed)) == due);
        eqInt("available", feed.linkAvailableForPayment(), 0);
        refused(
            stranger,
            abi.encodeCall(feed.withdrawFunds, (stranger, 1)),
            abi.encodeWithSelector(IBilling.OnlyOwnerOrBillingAdmin.selector, stranger)
        );
        transmit(4);
        yes("in debt", feed.linkAvailableForPayment() == -int256(due));
        refused(
            abi.encodeCall(feed.withdrawFunds, (address(0xf00d), 0)),
            abi.encodeWithSelector(IBilling.InsufficientBalance.selector, due, 2 * due)
        );
    }

    function test_funds_go_to_someone() public {
        bytes4 why = IBilling.TransferFailed.selector;
        refused(
            abi.encodeCall(feed.withdrawFunds, (address(0), 1)),
            abi.encodeWithSelector(why, address(link), address(0), 1)
        );
    }

    // -- token

    function test_the_token_is_the_owners_choice_and_must_be_one() public {
        ILinkToken other = _deployLink();
        onlyOwner(abi.encodeCall(feed.setLinkToken, (other, stranger)));
        address[2] memory wrong = [stranger, address(feed)];
        for (uint256 i = 0; i < 2; i++) {
            refused(
                abi.encodeCall(feed.setLinkToken, (ILinkToken(wrong[i]), stranger)),
                abi.encodeWithSelector(IBilling.NotAToken.selector, wrong[i])
            );
        }
        vm.recordLogs();
        feed.setLinkToken(link, address(0));
        eq("no change, no event", countLogs(), 0);
        feed.setLinkToken(other, address(0x4e57));
        Vm.Log memory log = logOf(IBilling.LinkTokenSet.selector);
        eq("old", address(uint160(uint256(log.topics[1]))), address(link));
        eq("new", address(uint160(uint256(log.topics[2]))), address(other));
    }

    // -- terms

    function test_terms_are_set_at_creation() public {
        vm.recordLogs();
        feed = _deployFeed(link, new AdmitsOne(billingAdmin), new AdmitsOne(requester));
        bytes memory data = abi.encode(1000, 50, 215_000_000, 400_000, 1_000_000);
        eq("BillingSet", logOf(IOCR1Billing.BillingSet.selector).data, data);
        (uint32 a, uint32 b, uint32 c, uint32 d, uint32 e) = feed.getBilling();
        eq("getBilling", abi.encode(a, b, c, d, e), data);
    }

    function test_terms_are_set_by_owner_and_billing_admin() public {
        vm.recordLogs();
        feed.setBilling(type(uint32).max, 2, 3, type(uint32).max, type(uint32).max);
        bytes memory data = abi.encode(type(uint32).max, 2, 3, type(uint32).max, type(uint32).max);
        eq("BillingSet", logOf(IOCR1Billing.BillingSet.selector).data, data);
        (uint32 a, uint32 b, uint32 c, uint32 d, uint32 e) = feed.getBilling();
        eq("getBilling", abi.encode(a, b, c, d, e), data);

        (bool ok,) = send(billingAdmin, abi.encodeCall(feed.setBilling, (1, 2, 3, 4, 5)));
        yes("the billing admin", ok);
        start(4);
        (a, b, c, d, e) = feed.getBilling();
        eq("terms survive a new config", abi.encode(a, b, c, d, e), abi.encode(1, 2, 3, 4, 5));
        feed.setBilling(5, 4, 3, 2, 1);
        transmit(4); // So that the threshold survives new terms: one signature is too few.
        (ok,) = send(transmitterOf(0), encode(signed(next(4).report, 0, 1, 4)));
        yes("a threshold", !ok);
        refused(
            stranger,
            abi.encodeCall(feed.setBilling, (1, 2, 3, 4, 5)),
            abi.encodeWithSelector(IBilling.OnlyOwnerOrBillingAdmin.selector, stranger)
        );
    }

    function test_the_billing_access_controller_is_the_owners_choice() public {
        IAccessController old = feed.billingAccessController();
        IAccessController other = new AdmitsOne(stranger);
        onlyOwner(abi.encodeCall(feed.setBillingAccessController, (other)));
        vm.recordLogs();
        feed.setBillingAccessController(other);
        eq("event", logOf(IBilling.BillingAccessControllerSet.selector).data, abi.encode(old, other));
        feed.setBillingAccessController(other);
        eq("no change, no event", countLogs(), 0);
        (bool ok,) = send(stranger, abi.encodeCall(feed.setBilling, (1, 2, 3, 4, 5)));
        yes("the new one decides", ok);
        feed.setBillingAccessController(IAccessController(address(0)));
        (ok,) = send(stranger, abi.encodeCall(feed.setBilling, (1, 2, 3, 4, 5)));
        yes("nobody but the owner", !ok);
        feed.setBilling(1, 2, 3, 4, 5);
    }

    // -- payees

    function test_the_owner_names_payees_once() public {
        vm.recordLogs();
        feed.setPayees(transmittersOf(2), payeesOf(2));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("events", logs.length, 2);
        eq("topic", logs[1].topics[0], IPayees.PayeeshipTransferred.selector);
        eq("transmitter", address(uint160(uint256(logs[1].topics[1]))), transmitterOf(1));
        eq("previous", uint256(logs[1].topics[2]), 0);
        eq("current", address(uint160(uint256(logs[1].topics[3]))), payeeOf(1));

        feed.setPayees(transmittersOf(2), payeesOf(2));
        eq("repeating is silent", countLogs(), 0);
        address[] memory others = payeesOf(2);
        others[1] = stranger;
        bytes memory why =
            abi.encodeWithSelector(IPayees.PayeeAlreadySet.selector, transmitterOf(1), payeeOf(1), stranger);
        refused(abi.encodeCall(feed.setPayees, (transmittersOf(2), others)), why);
        why = abi.encodeWithSelector(IPayees.PayeeListsDiffer.selector, 2, 3);
        refused(abi.encodeCall(feed.setPayees, (transmittersOf(2), payeesOf(3))), why);
        onlyOwner(abi.encodeCall(feed.setPayees, (transmittersOf(2), payeesOf(2))));
    }

    function test_payees_hand_over_in_two_steps() public {
        startWithoutGas(4);
        transmit(next(4), 0);
        bytes memory offer = abi.encodeCall(feed.transferPayeeship, (transmitterOf(0), stranger));
        refused(offer, abi.encodeWithSelector(IPayees.OnlyPayee.selector, address(this), payeeOf(0)));
        bytes memory toSelf = abi.encodeCall(feed.transferPayeeship, (transmitterOf(0), payeeOf(0)));
        refused(payeeOf(0), toSelf, abi.encodeWithSelector(IPayees.CannotTransferPayeeshipToSelf.selector, payeeOf(0)));
        bytes memory accept = abi.encodeCall(feed.acceptPayeeship, (transmitterOf(0)));
        refused(stranger, accept, abi.encodeWithSelector(IPayees.OnlyProposedPayee.selector, stranger, address(0)));

        vm.recordLogs();
        (bool ok,) = send(payeeOf(0), offer);
        yes("offered", ok);
        Vm.Log memory log = logOf(IPayees.PayeeshipTransferRequested.selector);
        eq("current", address(uint160(uint256(log.topics[2]))), payeeOf(0));
        eq("proposed", address(uint160(uint256(log.topics[3]))), stranger);
        (ok,) = send(stranger, accept);
        yes("accepted", ok);
        log = logOf(IPayees.PayeeshipTransferred.selector);
        eq("previous", address(uint160(uint256(log.topics[2]))), payeeOf(0));
        eq("current", address(uint160(uint256(log.topics[3]))), stranger);
        (ok,) = send(stranger, abi.encodeCall(feed.withdrawPayment, (transmitterOf(0))));
        yes("paid", ok);
        eq("balance", balance(stranger), PER_OBSERVATION + PER_TRANSMISSION);
    }
}
