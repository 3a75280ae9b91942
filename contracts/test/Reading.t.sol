// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAggregatorV2V3} from "../src/interfaces/IAggregatorV2V3.sol";
import {Ours, TheReference} from "./OCR2Aggregator.t.sol";
import {ReadSuite} from "./suites/ReadSuite.sol";
import {Ocr2Test} from "./support/Ocr2Test.sol";

/// @dev What ReadSuite claims of threshold feeds is true of the feeds of OCR2.
abstract contract OCR2Reading is ReadSuite, Ocr2Test {
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

contract OCR2AggregatorReadTest is OCR2Reading, Ours {}
