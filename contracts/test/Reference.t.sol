// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {IOCR2Aggregator} from "../src/interfaces/IOCR2Aggregator.sol";
import {BillingSuite} from "./suites/BillingSuite.sol";
import {ConfigSuite} from "./suites/ConfigSuite.sol";
import {FeedSuite} from "./suites/FeedSuite.sol";
import {TransmitSuite} from "./suites/TransmitSuite.sol";
import {VectorSuite} from "./suites/VectorSuite.sol";
import {FeedTest} from "./support/FeedTest.sol";

/// @dev The reference's own bytecode under the same suites: what they claim is true of it first. Skipped while
/// tools/reference.mjs has not fetched it.
abstract contract TheReference is FeedTest {
    function _ours() internal pure override returns (bool) {
        return false;
    }

    function _requireArtifacts() internal override {
        vm.skip(!vm.exists("cache/reference/OCR2Aggregator.json"), "run `node tools/reference.mjs` first");
    }

    function _deployLink() internal override returns (ILinkToken) {
        return ILinkToken(create(code("LinkToken")));
    }

    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        virtual
        override
        returns (IOCR2Aggregator)
    {
        bytes memory arguments = abi.encode(token, MIN, MAX, billing, requests, uint8(8), "ETH / USD");
        return IOCR2Aggregator(create(bytes.concat(code("OCR2Aggregator"), arguments)));
    }
}

contract ReferenceConfigTest is ConfigSuite, TheReference {}

contract ReferenceTransmitTest is TransmitSuite, TheReference {}

contract ReferenceBillingTest is BillingSuite, TheReference {}

contract ReferenceFeedTest is FeedSuite, TheReference {}

contract ReferenceVectorTest is VectorSuite, TheReference {}
