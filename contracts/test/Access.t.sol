// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessControlledOCR2Aggregator} from "../src/AccessControlledOCR2Aggregator.sol";
import {SimpleReadAccessController} from "../src/access/SimpleReadAccessController.sol";
import {SimpleWriteAccessController} from "../src/access/SimpleWriteAccessController.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {IOCR2Aggregator} from "../src/interfaces/IOCR2Aggregator.sol";
import {IOwned} from "../src/interfaces/IOwned.sol";
import {Ours} from "./OCR2Aggregator.t.sol";
import {TheReference} from "./Reference.t.sol";
import {Check} from "./support/Check.sol";
import {FeedTest} from "./support/FeedTest.sol";
import {Vm} from "./support/Vm.sol";

/// @title Lists of addresses
contract AccessControllerTest is Check {
    address private user = address(0x05e4);

    function test_the_owner_keeps_the_list() public {
        SimpleWriteAccessController list = new SimpleWriteAccessController();
        yes("enabled", list.checkEnabled());
        yes("not listed", !list.hasAccess(user, ""));
        vm.recordLogs();
        list.addAccess(user);
        list.addAccess(user);
        yes("listed", list.hasAccess(user, "anything"));
        list.removeAccess(user);
        list.removeAccess(user);
        yes("not listed", !list.hasAccess(user, ""));
        list.disableAccessCheck();
        list.disableAccessCheck();
        yes("everyone", list.hasAccess(user, ""));
        list.enableAccessCheck();
        list.enableAccessCheck();
        yes("not listed", !list.hasAccess(user, ""));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("only changes are announced", logs.length, 4);
        eq("added", logs[0].topics[0], SimpleWriteAccessController.AddedAccess.selector);
        eq("added", logs[0].data, abi.encode(user));
        eq("removed", logs[1].topics[0], SimpleWriteAccessController.RemovedAccess.selector);
        eq("disabled", logs[2].topics[0], SimpleWriteAccessController.CheckAccessDisabled.selector);
        eq("enabled", logs[3].topics[0], SimpleWriteAccessController.CheckAccessEnabled.selector);
    }

    function test_nobody_else_does() public {
        SimpleWriteAccessController list = new SimpleWriteAccessController();
        bytes[4] memory calls = [
            abi.encodeCall(list.addAccess, (user)),
            abi.encodeCall(list.removeAccess, (user)),
            abi.encodeCall(list.enableAccessCheck, ()),
            abi.encodeCall(list.disableAccessCheck, ())
        ];
        for (uint256 i = 0; i < 4; i++) {
            vm.prank(user);
            (bool ok, bytes memory ret) = address(list).call(calls[i]);
            yes("refused", !ok);
            eq("why", ret, abi.encodeWithSelector(IOwned.OnlyOwner.selector, user, address(this)));
        }
    }

    function test_external_accounts_may_read() public {
        SimpleReadAccessController list = new SimpleReadAccessController();
        vm.prank(user, user);
        yes("the origin itself", list.hasAccess(user, ""));
        vm.prank(user, address(1));
        yes("not on behalf of others", !list.hasAccess(user, ""));
        list.addAccess(user);
        vm.prank(user, address(1));
        yes("listed", list.hasAccess(user, ""));
    }
}

/// @title A feed that only listed contracts read on chain
abstract contract AccessControlledSuite is FeedTest {
    function gated() private view returns (bytes[] memory calls) {
        calls = new bytes[](8);
        calls[0] = abi.encodeCall(feed.latestAnswer, ());
        calls[1] = abi.encodeCall(feed.latestTimestamp, ());
        calls[2] = abi.encodeCall(feed.latestRound, ());
        calls[3] = abi.encodeCall(feed.getAnswer, (1));
        calls[4] = abi.encodeCall(feed.getTimestamp, (1));
        calls[5] = abi.encodeCall(feed.description, ());
        calls[6] = abi.encodeCall(feed.getRoundData, (1));
        calls[7] = abi.encodeCall(feed.latestRoundData, ());
    }

    function read(address from, address origin, bytes memory data) private returns (bool ok, bytes memory ret) {
        vm.prank(from, origin);
        return address(feed).staticcall(data);
    }

    function test_answers_are_for_listed_contracts_and_external_accounts() public {
        start(4);
        transmit(4);
        SimpleReadAccessController list = SimpleReadAccessController(address(feed));
        bytes[] memory calls = gated();
        for (uint256 i = 0; i < calls.length; i++) {
            (bool ok, bytes memory ret) = read(stranger, address(1), calls[i]);
            yes("a contract is refused", !ok);
            if (_ours()) {
                eq("why", ret, abi.encodeWithSelector(SimpleWriteAccessController.NoAccess.selector, stranger));
            }
            (ok, ret) = read(stranger, stranger, calls[i]);
            yes("an external account reads", ok);
            list.addAccess(stranger);
            bytes memory again;
            (ok, again) = read(stranger, address(1), calls[i]);
            yes("a listed contract reads", ok);
            eq("the same", again, ret);
            list.removeAccess(stranger);
        }
        list.disableAccessCheck();
        for (uint256 i = 0; i < calls.length; i++) {
            (bool ok,) = read(stranger, address(1), calls[i]);
            yes("everyone reads", ok);
        }
    }

    function test_the_rest_is_for_everyone() public {
        bytes[4] memory calls = [
            abi.encodeCall(feed.decimals, ()),
            abi.encodeCall(feed.version, ()),
            abi.encodeCall(feed.minAnswer, ()),
            abi.encodeCall(feed.latestConfigDetails, ())
        ];
        for (uint256 i = 0; i < 4; i++) {
            (bool ok,) = read(stranger, address(1), calls[i]);
            yes("open", ok);
        }
    }

    function test_its_name() public view {
        eq("name", bytes(feed.typeAndVersion()), "AccessControlledOCR2Aggregator 1.0.0");
    }
}

contract AccessControlledOCR2AggregatorTest is AccessControlledSuite, Ours {
    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override(FeedTest, Ours)
        returns (IOCR2Aggregator)
    {
        return new AccessControlledOCR2Aggregator(token, MIN, MAX, billing, requests, 8, "ETH / USD");
    }
}

contract ReferenceAccessControlledTest is AccessControlledSuite, TheReference {
    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override(FeedTest, TheReference)
        returns (IOCR2Aggregator)
    {
        bytes memory arguments = abi.encode(token, MIN, MAX, billing, requests, uint8(8), "ETH / USD");
        return IOCR2Aggregator(create(bytes.concat(code("AccessControlledOCR2Aggregator"), arguments)));
    }
}
