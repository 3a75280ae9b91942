// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR2Aggregator} from "../src/OCR2Aggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {IAggregatorV2V3} from "../src/interfaces/IAggregatorV2V3.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {IOCR2Aggregator} from "../src/interfaces/IOCR2Aggregator.sol";
import {LinkToken} from "../src/token/LinkToken.sol";
import {TheReference} from "./Reference.t.sol";
import {ReadSuite} from "./suites/ReadSuite.sol";
import {FeedTest} from "./support/FeedTest.sol";

/// @dev What ReadSuite claims of threshold feeds is true of the feeds of OCR2.
abstract contract OCR2Reading is ReadSuite, FeedTest {
    function _reads() internal override returns (IAggregatorV2V3) {
        start(4);
        return feed;
    }

    function _makeRound(int96 answer, uint32 observed) internal override {
        int192[] memory observations = new int192[](4);
        for (uint256 i = 0; i < 4; i++) {
            observations[i] = answer;
        }
        transmit(next(4, reportOf(observed, observations, RATE)), 0);
    }

    function _kept() internal pure override returns (uint256) {
        return type(uint32).max;
    }
}

contract ReferenceReadTest is OCR2Reading, TheReference {}

contract OCR2AggregatorReadTest is OCR2Reading {
    function _ours() internal pure override returns (bool) {
        return true;
    }

    function _requireArtifacts() internal override {}

    function _deployLink() internal override returns (ILinkToken) {
        return new LinkToken();
    }

    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override
        returns (IOCR2Aggregator)
    {
        return new OCR2Aggregator(token, MIN, MAX, billing, requests, 8, "ETH / USD");
    }
}
