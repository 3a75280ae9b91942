// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OffchainAggregator} from "../src/OffchainAggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {IFeed} from "../src/interfaces/IFeed.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {Ocr1BillingSuite} from "./suites/Ocr1BillingSuite.sol";
import {Ocr1ConfigSuite} from "./suites/Ocr1ConfigSuite.sol";
import {Ocr1FeedSuite} from "./suites/Ocr1FeedSuite.sol";
import {Ocr1TransmitSuite} from "./suites/Ocr1TransmitSuite.sol";
import {Ocr1VectorSuite} from "./suites/Ocr1VectorSuite.sol";
import {OnOurs, OnTheReference} from "./support/FeedTest.sol";
import {Ocr1Test} from "./support/Ocr1Test.sol";

abstract contract OursOcr1 is Ocr1Test, OnOurs {
    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override
        returns (IFeed)
    {
        return new OffchainAggregator(
            1000, 50, 215_000_000, 400_000, 1_000_000, token, MIN, MAX, billing, requests, 8, "ETH / USD"
        );
    }
}

abstract contract TheReferenceOcr1 is Ocr1Test, OnTheReference {
    function _contract() internal pure virtual returns (string memory) {
        return "OffchainAggregator";
    }

    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override
        returns (IFeed)
    {
        bytes memory terms = abi.encode(uint32(1000), uint32(50), uint32(215_000_000), uint32(400_000), 1_000_000);
        bytes memory rest = abi.encode(token, MIN, MAX, billing, requests, uint8(8), uint256(12 * 32));
        bytes memory description = abi.encode(uint256(9), bytes32("ETH / USD"));
        return IFeed(create(bytes.concat(code(_contract()), terms, rest, description)));
    }
}

contract OffchainAggregatorConfigTest is Ocr1ConfigSuite, OursOcr1 {}

contract OffchainAggregatorTransmitTest is Ocr1TransmitSuite, OursOcr1 {}

contract OffchainAggregatorBillingTest is Ocr1BillingSuite, OursOcr1 {}

contract OffchainAggregatorFeedTest is Ocr1FeedSuite, OursOcr1 {}

contract OffchainAggregatorVectorTest is Ocr1VectorSuite, OursOcr1 {}

contract ReferenceOcr1ConfigTest is Ocr1ConfigSuite, TheReferenceOcr1 {}

contract ReferenceOcr1TransmitTest is Ocr1TransmitSuite, TheReferenceOcr1 {}

contract ReferenceOcr1BillingTest is Ocr1BillingSuite, TheReferenceOcr1 {}

contract ReferenceOcr1FeedTest is Ocr1FeedSuite, TheReferenceOcr1 {}

contract ReferenceOcr1VectorTest is Ocr1VectorSuite, TheReferenceOcr1 {}
