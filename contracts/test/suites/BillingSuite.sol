// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {IBilling} from "../../src/interfaces/IBilling.sol";
import {ILinkToken} from "../../src/interfaces/ILinkToken.sol";
import {IOCR2, IOCR2Billing} from "../../src/interfaces/IOCR2Aggregator.sol";
import {IPayees} from "../../src/interfaces/IPayees.sol";
import {FeedTest} from "../support/FeedTest.sol";
import {Vm} from "../support/Vm.sol";

/// @title The books: what is earned, owed, paid and left over
abstract contract BillingSuite is FeedTest {
    uint256 private constant PER_ROUND = 400_000 gwei;
    uint256 private constant PER_TRANSMISSION = 1_000_000 gwei;

    /// @dev Prices without gas, so that amounts are round numbers.
    function startWithoutGas(uint256 n) private {
        start(n);
        feed.setBilling(0, 0, 400_000, 1_000_000, 0);
    }

    function owed(uint256 oracle) private view returns (uint256) {
        return feed.owedPayment(transmitterOf(oracle));
    }

    function balance(address who) private view returns (uint256) {
        return link.balanceOf(who);
    }

    // -- earning

    function test_every_member_earns_every_round_and_the_transmitter_more() public {
        startWithoutGas(4);
        Call memory call = next(4, report(2)); // observations of two oracles only
        transmit(call, 2);
        transmit(next(4, report(2)), 2);
        for (uint256 i = 0; i < 4; i++) {
            eq("owed", owed(i), 2 * PER_ROUND + (i == 2 ? 2 * PER_TRANSMISSION : 0));
            eq("rounds", feed.oracleObservationCount(transmitterOf(i)), 2);
        }
        eq("others", feed.owedPayment(stranger), 0);
        eq("others", feed.oracleObservationCount(stranger), 0);
        int256 due = int256(8 * PER_ROUND + 2 * PER_TRANSMISSION);
        eqInt("available", feed.linkAvailableForPayment(), 10 ** 24 - due);
    }

    /// @return What the same transmission is paid under these terms.
    function paid(uint32 maximum, uint32 reasonable, uint24 accountingGas, uint256 gasPrice, int192 rate)
        private
        returns (uint256)
    {
        uint256 id = vm.snapshotState();
        feed.setBilling(maximum, reasonable, 0, 7, accountingGas);
        vm.txGasPrice(gasPrice);
        transmit(next(4, reportOf(1, observationsOf(4, PRICE), rate)), 1);
        uint256 amount = owed(1);
        vm.revertToState(id);
        epoch = 0;
        return amount;
    }

    function test_accounting_gas_is_paid_at_price_and_rate() public {
        start(4);
        uint256 difference = paid(1000, 0, 20_001, 30 gwei, RATE) - paid(1000, 0, 1, 30 gwei, RATE);
        uint256 wanted = 20_000 * 30 gwei * uint256(uint192(RATE)) / 1e18;
        yes("20,000 gas", difference == wanted || difference == wanted + 1 || difference + 1 == wanted);
    }

    function test_a_low_gas_price_keeps_half_of_its_savings_and_a_high_one_is_capped() public {
        start(4);
        uint256 unit = paid(1000, 0, 0, 1 gwei, 1e18) - 7 gwei; // gas times 1 gwei
        yes("about a transmission's gas", unit > 50_000 gwei && unit < 130_000 gwei);
        // With a reasonable price of 50, an offered 20 is paid as 35, and an odd difference is rounded down.
        about("35", paid(1000, 50, 0, 20 gwei, 1e18) - 7 gwei, unit * 35);
        about("35", paid(1000, 51, 0, 20 gwei, 1e18) - 7 gwei, unit * 35);
        about("reasonable", paid(1000, 20, 0, 20 gwei, 1e18) - 7 gwei, unit * 20);
        about("above", paid(1000, 10, 0, 20 gwei, 1e18) - 7 gwei, unit * 20);
        about("capped", paid(15, 10, 0, 20 gwei, 1e18) - 7 gwei, unit * 15);
        about("capped after the savings", paid(15, 50, 0, 10 gwei, 1e18) - 7 gwei, unit * 15);
        eq("less than a gwei is nothing", paid(1000, 0, 0, 1 gwei - 1, 1e18), 7 gwei);
        about("half of the reasonable price", paid(1000, 50, 0, 0, 1e18) - 7 gwei, unit * 25);
    }

    /// @dev The branches for prices cost a few gas too, and all gas is paid, so amounts agree to 1 %.
    function about(string memory what, uint256 got, uint256 wanted) private pure {
        if (got > wanted + wanted / 100 || got + wanted / 100 < wanted) revert NotEqualUint(what, got, wanted);
    }

    function test_a_negative_rate_pays_nothing_at_all() public {
        start(4);
        vm.txGasPrice(30 gwei);
        transmit(next(4, reportOf(1, observationsOf(4, PRICE), -1)), 0);
        eq("observations only", owed(0), PER_ROUND);
        transmit(next(4, reportOf(1, observationsOf(4, PRICE), 0)), 0);
        eq("and the transmission", owed(0), 2 * PER_ROUND + PER_TRANSMISSION);
    }

    /// @dev Terms without observations, so that what is owed is what transmissions earned: a number of 96 bits.
    function test_an_overflow_of_96_bits_is_stored_cut_or_not_at_all() public {
        start(4);
        feed.setBilling(1000, 0, 0, 0, 0);
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
        eq("amount", log.data, abi.encode(PER_ROUND + PER_TRANSMISSION));
        eq("balance", balance(payeeOf(1)), PER_ROUND + PER_TRANSMISSION);
        eq("owed", owed(1), 0);
        eq("rounds", feed.oracleObservationCount(transmitterOf(1)), 0);
        eq("others", owed(0), PER_ROUND);

        vm.recordLogs();
        (ok,) = send(payeeOf(1), abi.encodeCall(feed.withdrawPayment, (transmitterOf(1))));
        yes("nothing to pay is no failure", ok);
        eq("and no event", countLogs(), 0);
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
        transmit(4);
        feed.withdrawFunds(address(1), type(uint256).max);
        deal(0);
        uint256 due = owed(1);
        bytes memory why = abi.encodeWithSelector(IBilling.TransferFailed.selector, address(link), payeeOf(1), due);
        refused(payeeOf(1), abi.encodeCall(feed.withdrawPayment, (transmitterOf(1))), why);
        eq("owed", owed(1), due);
    }

    /// @dev Sets the feed's balance, by the slot of the balances in either token.
    function deal(uint256 value) private {
        for (uint256 slot = 0; slot < 3; slot++) {
            bytes32 where = keccak256(abi.encode(address(feed), slot));
            bytes32 was = vm.load(address(link), where);
            if (was != 0 && uint256(was) == balance(address(feed))) {
                vm.store(address(link), where, bytes32(value));
                return;
            }
        }
        revert NotTrue("the token's balances are in one of its first slots");
    }

    function paysAll(bytes memory data) private {
        transmit(next(4), 1);
        transmit(next(4), 2);
        vm.recordLogs();
        (bool ok,) = address(feed).call(data);
        yes("accepted", ok);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 seen;
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter != address(feed) || logs[i].topics[0] != IBilling.OraclePaid.selector) continue;
            eq("in order", address(uint160(uint256(logs[i].topics[1]))), transmitterOf(seen));
            eq("after the transfer", logs[i - 1].emitter, address(link));
            seen++;
        }
        eq("everyone", seen, 4);
        for (uint256 i = 0; i < 4; i++) {
            uint256 wanted = 2 * PER_ROUND + (i == 1 || i == 2 ? PER_TRANSMISSION : 0);
            eq("balance", balance(payeeOf(i)), wanted);
            eq("owed", owed(i), 0);
        }
    }

    function test_setConfig_pays_everyone_first() public {
        startWithoutGas(4);
        paysAll(abi.encodeCall(IOCR2.setConfig, (signersOf(7), transmittersOf(7), 2, onchainConfig(), 2, "")));
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
        eq("rest", balance(address(0x4e57)), before - 8 * PER_ROUND - 2 * PER_TRANSMISSION);
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
        feed.setBilling(0, 0, 10, 0, 0);
        eq("three rounds at the new price", owed(3), 3 * 10 gwei);
    }

    // -- funds

    function test_what_is_not_owed_can_be_withdrawn() public {
        startWithoutGas(4);
        transmit(4);
        uint256 due = 4 * PER_ROUND + PER_TRANSMISSION;
        feed.withdrawFunds(address(0xf00d), 1000);
        eq("amount", balance(address(0xf00d)), 1000);
        (bool ok,) = send(billingAdmin, abi.encodeCall(feed.withdrawFunds, (address(0xf00d), type(uint256).max)));
        yes("the billing admin too", ok);
        yes("all but what is owed", balance(address(feed)) == due);
        eqInt("available", feed.linkAvailableForPayment(), 0);
        feed.withdrawFunds(address(0xf00d), 1);
        yes("nothing is left", balance(address(feed)) == due);
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
        bytes memory reason = abi.encodeWithSelector(why, address(link), address(link), 1);
        refused(abi.encodeCall(feed.withdrawFunds, (address(link), 1)), reason);
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

    function test_terms_are_set_by_owner_and_billing_admin() public {
        vm.recordLogs();
        feed.setBilling(type(uint32).max, 2, 3, type(uint32).max, type(uint24).max);
        bytes memory data = abi.encode(type(uint32).max, 2, 3, type(uint32).max, type(uint24).max);
        eq("BillingSet", logOf(IOCR2Billing.BillingSet.selector).data, data);
        (uint32 a, uint32 b, uint32 c, uint32 d, uint24 e) = feed.getBilling();
        eq("getBilling", abi.encode(a, b, c, d, e), data);

        (bool ok,) = send(billingAdmin, abi.encodeCall(feed.setBilling, (1, 2, 3, 4, 5)));
        yes("the billing admin", ok);
        (a, b, c, d, e) = feed.getBilling();
        eq("getBilling", abi.encode(a, b, c, d, e), abi.encode(1, 2, 3, 4, 5));
        configure(4, 1);
        (a, b, c, d, e) = feed.getBilling();
        eq("terms survive a new config", abi.encode(a, b, c, d, e), abi.encode(1, 2, 3, 4, 5));
        refused(
            stranger,
            abi.encodeCall(feed.setBilling, (1, 2, 3, 4, 5)),
            abi.encodeWithSelector(IBilling.OnlyOwnerOrBillingAdmin.selector, stranger)
        );
    }

    function test_the_billing_access_controller_is_the_owners_choice() public {
        IAccessController old = feed.getBillingAccessController();
        IAccessController other = _admits(stranger);
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
        others[1] = address(0);
        why = abi.encodeWithSelector(IPayees.PayeeAlreadySet.selector, transmitterOf(1), payeeOf(1), address(0));
        refused(abi.encodeCall(feed.setPayees, (transmittersOf(2), others)), why);
        why = abi.encodeWithSelector(IPayees.PayeeListsDiffer.selector, 2, 3);
        refused(abi.encodeCall(feed.setPayees, (transmittersOf(2), payeesOf(3))), why);
        onlyOwner(abi.encodeCall(feed.setPayees, (transmittersOf(2), payeesOf(2))));
    }

    function test_naming_nobody_is_silent() public {
        address[] memory twice = new address[](2);
        (twice[0], twice[1]) = (transmitterOf(0), transmitterOf(0));
        address[] memory payees = new address[](2);
        payees[1] = payeeOf(0);
        vm.recordLogs();
        feed.setPayees(twice, payees);
        eq("one event", countLogs(), 1);
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
        (ok,) = send(payeeOf(0), offer);
        eq("the same offer again is silent", countLogs(), 0);
        eq("nothing has changed", owed(0), PER_ROUND + PER_TRANSMISSION);
        refused(payeeOf(1), accept, abi.encodeWithSelector(IPayees.OnlyProposedPayee.selector, payeeOf(1), stranger));

        (ok,) = send(stranger, accept);
        yes("accepted", ok);
        log = logOf(IPayees.PayeeshipTransferred.selector);
        eq("previous", address(uint160(uint256(log.topics[2]))), payeeOf(0));
        eq("current", address(uint160(uint256(log.topics[3]))), stranger);
        refused(stranger, accept, abi.encodeWithSelector(IPayees.OnlyProposedPayee.selector, stranger, address(0)));
        (ok,) = send(stranger, abi.encodeCall(feed.withdrawPayment, (transmitterOf(0))));
        yes("paid", ok);
        eq("balance", balance(stranger), PER_ROUND + PER_TRANSMISSION);
    }
}
