// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR2Aggregator} from "../src/OCR2Aggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {IOCR2Aggregator} from "../src/interfaces/IOCR2Aggregator.sol";
import {LinkToken} from "../src/token/LinkToken.sol";
import {BillingSuite} from "./suites/BillingSuite.sol";
import {ConfigSuite} from "./suites/ConfigSuite.sol";
import {FeedSuite} from "./suites/FeedSuite.sol";
import {TransmitSuite} from "./suites/TransmitSuite.sol";
import {VectorSuite} from "./suites/VectorSuite.sol";
import {FeedTest} from "./support/FeedTest.sol";

/// @dev Ours.
abstract contract Ours is FeedTest {
    function _ours() internal pure override returns (bool) {
        return true;
    }

    function _requireArtifacts() internal override {}

    function _deployLink() internal virtual override returns (ILinkToken) {
        return new LinkToken();
    }

    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        virtual
        override
        returns (IOCR2Aggregator)
    {
        return new OCR2Aggregator(token, MIN, MAX, billing, requests, 8, "ETH / USD");
    }
}

contract OCR2AggregatorConfigTest is ConfigSuite, Ours {}

contract OCR2AggregatorTransmitTest is TransmitSuite, Ours {}

contract OCR2AggregatorBillingTest is BillingSuite, Ours {}

contract OCR2AggregatorFeedTest is FeedSuite, Ours {}

contract OCR2AggregatorVectorTest is VectorSuite, Ours {}
