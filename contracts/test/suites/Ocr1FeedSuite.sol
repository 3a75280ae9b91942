// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOffchainAggregator} from "../../src/interfaces/IOffchainAggregator.sol";
import {Ocr1Test} from "../support/Ocr1Test.sol";
import {FeedSuite} from "./FeedSuite.sol";

/// @title What consumers read of an OCR1 feed
abstract contract Ocr1FeedSuite is FeedSuite, Ocr1Test {
    function _version() internal pure override returns (uint256) {
        return 4;
    }

    function _roundRequested() internal pure override returns (bytes32) {
        return IOffchainAggregator.RoundRequested.selector;
    }

    function test_times_beyond_32_bits_are_kept() public {
        start(4);
        vm.warp((uint256(1) << 40) + 77);
        transmit(4);
        eq("latestTimestamp", feed.latestTimestamp(), (uint256(1) << 40) + 77);
        (,, uint256 startedAt, uint256 updatedAt,) = feed.latestRoundData();
        eq("startedAt", startedAt, (uint256(1) << 40) + 77);
        eq("updatedAt", updatedAt, (uint256(1) << 40) + 77);
    }

    function test_a_number_that_can_never_be_a_round_has_no_data() public {
        bytes memory call = abi.encodeCall(feed.getRoundData, (uint80(1) << 32));
        bytes4 why = IOffchainAggregator.NoDataPresent.selector;
        refused(call, abi.encodeWithSelector(why, uint80(1) << 32));
    }
}
