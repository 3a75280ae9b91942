// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {IBilling} from "../../src/interfaces/IBilling.sol";
import {ILinkToken} from "../../src/interfaces/ILinkToken.sol";
import {IPayees} from "../../src/interfaces/IPayees.sol";
import {FeedTest} from "../support/FeedTest.sol";
import {Vm} from "../support/Vm.sol";

/// @title The books: what is owed, paid and left over
abstract contract BillingSuite is FeedTest {
    /// @return What the same transmission is paid under these terms, in gwei of LINK and at a LINK for a fee coin.
    function _paid(uint32 maximum, uint32 reasonable, uint256 gasPrice) internal virtual returns (uint256);

    /// @dev True if everyone is paid in the order of seats.
    function _paysInOrder() internal pure virtual returns (bool);

    function balance(address who) private view returns (uint256) {
        return link.balanceOf(who);
    }

    // -- earning

    function test_a_low_gas_price_keeps_half_of_its_savings_and_a_high_one_is_capped() public {
        start(4);
        uint256 unit = _paid(1000, 0, 1 gwei) - 7 gwei; // gas times 1 gwei
        // With a reasonable price of 50, an offered 20 is paid as 35, and an odd difference is rounded down.
        about("35", _paid(1000, 50, 20 gwei) - 7 gwei, unit * 35);
        about("35", _paid(1000, 51, 20 gwei) - 7 gwei, unit * 35);
        about("reasonable", _paid(1000, 20, 20 gwei) - 7 gwei, unit * 20);
        about("above", _paid(1000, 10, 20 gwei) - 7 gwei, unit * 20);
        about("capped", _paid(15, 10, 20 gwei) - 7 gwei, unit * 15);
        about("capped after the savings", _paid(15, 50, 10 gwei) - 7 gwei, unit * 15);
        eq("less than a gwei is nothing", _paid(1000, 0, 1 gwei - 1), 7 gwei);
        about("half of the reasonable price", _paid(1000, 50, 0) - 7 gwei, unit * 25);
    }

    /// @dev The branches for prices cost a few gas too, and all gas is paid, so amounts agree to 1 %.
    function about(string memory what, uint256 got, uint256 wanted) internal pure {
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
        eq("count", countOf(transmitterOf(1)), 0);
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
            if (_paysInOrder()) eq("in order", mask, (2 << seen) - 1);
            seen++;
        }
        eq("as many as there are", seen, 4);
        eq("everyone", mask, 15);
        for (uint256 i = 0; i < 4; i++) {
            uint256 wanted = 2 * PER_OBSERVATION + (i == 1 || i == 2 ? PER_TRANSMISSION : 0);
            eq("balance", balance(payeeOf(i)), wanted);
            eq("owed", owed(i), 0);
            eq("count", countOf(transmitterOf(i)), 0);
        }
    }

    function test_setConfig_pays_everyone_first() public {
        startWithoutGas(4);
        paysAll(encodeConfig(7, 2));
    }

    function test_setBilling_pays_everyone_first_under_the_old_terms() public {
        startWithoutGas(4);
        paysAll(encodePrices(1, 2));
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
        setPrices(0, 0);
        for (uint256 i = 0; i < 3; i++) {
            transmit(4);
        }
        eq("nothing owed", owed(3), 0);
        setPrices(10, 0);
        eq("three rounds at the new price", owed(3), 3 * 10 gwei);
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

    function test_the_billing_access_controller_is_the_owners_choice() public {
        IAccessController old = billingController();
        IAccessController other = _admits(stranger);
        onlyOwner(abi.encodeCall(feed.setBillingAccessController, (other)));
        vm.recordLogs();
        feed.setBillingAccessController(other);
        eq("event", logOf(IBilling.BillingAccessControllerSet.selector).data, abi.encode(old, other));
        feed.setBillingAccessController(other);
        eq("no change, no event", countLogs(), 0);
        (bool ok,) = send(stranger, encodePrices(1, 2));
        yes("the new one decides", ok);
        feed.setBillingAccessController(IAccessController(address(0)));
        (ok,) = send(stranger, encodePrices(1, 2));
        yes("nobody but the owner", !ok);
        setPrices(1, 2);
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
        eq("nothing has changed", owed(0), PER_OBSERVATION + PER_TRANSMISSION);
        refused(payeeOf(1), accept, abi.encodeWithSelector(IPayees.OnlyProposedPayee.selector, payeeOf(1), stranger));

        (ok,) = send(stranger, accept);
        yes("accepted", ok);
        log = logOf(IPayees.PayeeshipTransferred.selector);
        eq("previous", address(uint160(uint256(log.topics[2]))), payeeOf(0));
        eq("current", address(uint160(uint256(log.topics[3]))), stranger);
        refused(stranger, accept, abi.encodeWithSelector(IPayees.OnlyProposedPayee.selector, stranger, address(0)));
        (ok,) = send(stranger, abi.encodeCall(feed.withdrawPayment, (transmitterOf(0))));
        yes("paid", ok);
        eq("balance", balance(stranger), PER_OBSERVATION + PER_TRANSMISSION);
    }
}
