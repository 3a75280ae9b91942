// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessControlledOCR2Aggregator} from "../src/AccessControlledOCR2Aggregator.sol";
import {AccessControlledOffchainAggregator} from "../src/AccessControlledOffchainAggregator.sol";
import {SimpleReadAccessController} from "../src/access/SimpleReadAccessController.sol";
import {SimpleWriteAccessController} from "../src/access/SimpleWriteAccessController.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {IFeed} from "../src/interfaces/IFeed.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {IOwned} from "../src/interfaces/IOwned.sol";
import {TheReferenceOcr1} from "./OffchainAggregator.t.sol";
import {TheReference} from "./OCR2Aggregator.t.sol";
import {AccessSuite} from "./suites/AccessSuite.sol";
import {Check} from "./support/Check.sol";
import {FeedTest, OnOurs} from "./support/FeedTest.sol";
import {Ocr1Test} from "./support/Ocr1Test.sol";
import {Ocr2Test} from "./support/Ocr2Test.sol";
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

abstract contract AccessControlledOcr2 is AccessSuite, Ocr2Test {
    function _name() internal pure override returns (string memory) {
        return "AccessControlledOCR2Aggregator 1.0.0";
    }
}

abstract contract AccessControlledOcr1 is AccessSuite, Ocr1Test {
    function _name() internal pure override returns (string memory) {
        return "AccessControlledOffchainAggregator 4.0.0";
    }
}

contract AccessControlledOCR2AggregatorTest is AccessControlledOcr2, OnOurs {
    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override
        returns (IFeed)
    {
        return new AccessControlledOCR2Aggregator(token, MIN, MAX, billing, requests, 8, "ETH / USD");
    }
}

contract AccessControlledOffchainAggregatorTest is AccessControlledOcr1, OnOurs {
    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override
        returns (IFeed)
    {
        return new AccessControlledOffchainAggregator(
            1000, 50, 215_000_000, 400_000, 1_000_000, token, MIN, MAX, billing, requests, 8, "ETH / USD"
        );
    }
}

contract ReferenceAccessControlledTest is AccessControlledOcr2, TheReference {
    function _contract() internal pure override returns (string memory) {
        return "AccessControlledOCR2Aggregator";
    }
}

contract ReferenceOcr1AccessControlledTest is AccessControlledOcr1, TheReferenceOcr1 {
    function _contract() internal pure override returns (string memory) {
        return "AccessControlledOffchainAggregator";
    }
}
