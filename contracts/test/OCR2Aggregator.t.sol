// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR2Aggregator} from "../src/OCR2Aggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {IFeed} from "../src/interfaces/IFeed.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {Ocr2BillingSuite} from "./suites/Ocr2BillingSuite.sol";
import {Ocr2ConfigSuite} from "./suites/Ocr2ConfigSuite.sol";
import {Ocr2FeedSuite} from "./suites/Ocr2FeedSuite.sol";
import {Ocr2TransmitSuite} from "./suites/Ocr2TransmitSuite.sol";
import {Ocr2VectorSuite} from "./suites/Ocr2VectorSuite.sol";
import {OnOurs, OnTheReference} from "./support/FeedTest.sol";
import {Ocr2Test} from "./support/Ocr2Test.sol";

abstract contract Ours is Ocr2Test, OnOurs {
    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override
        returns (IFeed)
    {
        return new OCR2Aggregator(token, MIN, MAX, billing, requests, 8, "ETH / USD");
    }
}

abstract contract TheReference is Ocr2Test, OnTheReference {
    function _contract() internal pure virtual returns (string memory) {
        return "OCR2Aggregator";
    }

    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override
        returns (IFeed)
    {
        bytes memory arguments = abi.encode(token, MIN, MAX, billing, requests, uint8(8), "ETH / USD");
        return IFeed(create(bytes.concat(code(_contract()), arguments)));
    }
}

contract OCR2AggregatorConfigTest is Ocr2ConfigSuite, Ours {}

contract OCR2AggregatorTransmitTest is Ocr2TransmitSuite, Ours {}

contract OCR2AggregatorBillingTest is Ocr2BillingSuite, Ours {}

contract OCR2AggregatorFeedTest is Ocr2FeedSuite, Ours {}

contract OCR2AggregatorVectorTest is Ocr2VectorSuite, Ours {}

contract ReferenceConfigTest is Ocr2ConfigSuite, TheReference {}

contract ReferenceTransmitTest is Ocr2TransmitSuite, TheReference {}

contract ReferenceBillingTest is Ocr2BillingSuite, TheReference {}

contract ReferenceFeedTest is Ocr2FeedSuite, TheReference {}

contract ReferenceVectorTest is Ocr2VectorSuite, TheReference {}
