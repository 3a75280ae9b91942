// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ILinkToken, ITokenReceiver} from "../src/interfaces/ILinkToken.sol";
import {LinkToken} from "../src/token/LinkToken.sol";
import {Ours, TheReference} from "./OCR2Aggregator.t.sol";
import {FeedTest} from "./support/FeedTest.sol";
import {Vm} from "./support/Vm.sol";

/// @title The token, ours and the real one
abstract contract LinkTokenSuite is FeedTest {
    address private alice = address(0xa11ce);
    address private bob = address(0xb0b);

    function refusedBy(address from, bytes memory data, bytes memory why) private {
        vm.prank(from);
        (bool ok, bytes memory ret) = address(link).call{gas: 200_000}(data);
        yes("refused", !ok);
        if (_ours()) eq("why", ret, why);
    }

    function invalid(address recipient) private pure returns (bytes memory) {
        return abi.encodeWithSelector(LinkToken.InvalidRecipient.selector, recipient);
    }

    function test_the_deployer_has_everything() public {
        vm.recordLogs();
        link = _deployLink();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        // The original makes its supply without a word.
        eq("events", logs.length, _ours() ? 1 : 0);
        if (_ours()) {
            eq("topic", logs[0].topics[0], keccak256("Transfer(address,address,uint256)"));
            eq("from", uint256(logs[0].topics[1]), 0);
            eq("to", address(uint160(uint256(logs[0].topics[2]))), address(this));
            eq("value", logs[0].data, abi.encode(10 ** 27));
        }
        eq("supply", link.totalSupply(), 10 ** 27);
        eq("balance", link.balanceOf(address(this)), 10 ** 27);
        eq("symbol", bytes(link.symbol()), "LINK");
        eq("name", bytes(link.name()), "ChainLink Token");
        eq("decimals", link.decimals(), 18);
    }

    function test_transfers() public {
        vm.recordLogs();
        yes("true", link.transfer(alice, 100));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("one event", logs.length, 1);
        eq("topic", logs[0].topics[0], keccak256("Transfer(address,address,uint256)"));
        eq("to", address(uint160(uint256(logs[0].topics[2]))), alice);
        eq("value", logs[0].data, abi.encode(100));
        vm.prank(alice);
        link.transfer(bob, 100);
        eq("all", link.balanceOf(alice), 0);
        eq("all", link.balanceOf(bob), 100);
        vm.prank(bob);
        link.transfer(bob, 60);
        eq("to oneself", link.balanceOf(bob), 100);
    }

    function test_nobody_sends_more_than_it_has_or_to_nobody() public {
        link.transfer(alice, 100);
        bytes memory why = abi.encodeWithSelector(LinkToken.InsufficientBalance.selector, alice, 100, 101);
        refusedBy(alice, abi.encodeCall(link.transfer, (bob, 101)), why);
        refusedBy(alice, abi.encodeCall(link.transfer, (address(0), 1)), invalid(address(0)));
        refusedBy(alice, abi.encodeCall(link.transfer, (address(link), 1)), invalid(address(link)));
        refusedBy(alice, abi.encodeCall(link.transferAndCall, (address(0), 1, "")), invalid(address(0)));
    }

    function test_allowances() public {
        vm.recordLogs();
        link.approve(alice, 50);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("one event", logs.length, 1);
        eq("topic", logs[0].topics[0], keccak256("Approval(address,address,uint256)"));
        eq("spender", address(uint160(uint256(logs[0].topics[2]))), alice);
        eq("value", logs[0].data, abi.encode(50));
        vm.prank(alice);
        link.transferFrom(address(this), bob, 30);
        eq("left", link.allowance(address(this), alice), 20);
        eq("sent", link.balanceOf(bob), 30);
        bytes memory why =
            abi.encodeWithSelector(LinkToken.InsufficientAllowance.selector, address(this), alice, 20, 21);
        refusedBy(alice, abi.encodeCall(link.transferFrom, (address(this), bob, 21)), why);
        refusedBy(alice, abi.encodeCall(link.transferFrom, (address(this), address(0), 1)), invalid(address(0)));
        vm.prank(alice);
        link.transferFrom(address(this), bob, 20);
        eq("all of it", link.allowance(address(this), alice), 0);
        link.approve(alice, 20);
        link.increaseApproval(alice, 5);
        eq("more", link.allowance(address(this), alice), 25);
        link.decreaseApproval(alice, 20);
        eq("less", link.allowance(address(this), alice), 5);
        link.decreaseApproval(alice, 6);
        eq("not below zero", link.allowance(address(this), alice), 0);
        refusedBy(address(this), abi.encodeCall(link.approve, (address(link), 1)), invalid(address(link)));
    }

    function test_transferAndCall_tells_a_contract() public {
        Receiver receiver = new Receiver();
        vm.recordLogs();
        yes("true", link.transferAndCall(address(receiver), 7, "hello"));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("two events", logs.length, 2);
        eq("topic", logs[1].topics[0], keccak256("Transfer(address,address,uint256,bytes)"));
        eq("data", logs[1].data, abi.encode(7, "hello"));
        eq("sender", receiver.sender(), address(this));
        eq("value", receiver.value(), 7);
        eq("data", receiver.data(), "hello");
        link.transferAndCall(alice, 7, "hello");
        eq("an account is only paid", link.balanceOf(alice), 7);
        receiver.refuse();
        bytes memory why = abi.encodeWithSignature("Error(string)", "no");
        refusedBy(address(this), abi.encodeCall(link.transferAndCall, (address(receiver), 7, "hello")), why);
        eq("nothing moved", link.balanceOf(address(receiver)), 7);
    }
}

contract LinkTokenTest is LinkTokenSuite, Ours {}

contract ReferenceLinkTokenTest is LinkTokenSuite, TheReference {}

contract Receiver is ITokenReceiver {
    address public sender;
    uint256 public value;
    bytes public data;
    bool private s_refuses;

    function refuse() external {
        s_refuses = true;
    }

    function onTokenTransfer(address sender_, uint256 value_, bytes calldata data_) external override {
        require(!s_refuses, "no");
        (sender, value, data) = (sender_, value_, data_);
    }
}
