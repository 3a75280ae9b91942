// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAggregatorV2V3} from "../../src/interfaces/IAggregatorV2V3.sol";
import {Check} from "../support/Check.sol";

/// @title What consumers read from any feed, whatever updates it
/// @dev Runs on the feeds of OCR2, ours and the reference's, as well: what is claimed is true of the original first.
abstract contract ReadSuite is Check {
    uint256 private constant START = 1_700_000_000;

    /// @return The feed, with decimals 8 and description "ETH / USD", before its first round.
    function _reads() internal virtual returns (IAggregatorV2V3);

    /// @dev Makes the next round.
    function _makeRound(int96 answer, uint32 observed) internal virtual;

    /// @return How many rounds are kept.
    function _kept() internal view virtual returns (uint256);

    function same(string memory what, IAggregatorV2V3 feed, uint80 asked, bytes memory wanted) private view {
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.getRoundData(asked);
        eq(what, abi.encode(id, answer, startedAt, updatedAt, answeredIn), wanted);
    }

    function sameLatest(IAggregatorV2V3 feed, bytes memory wanted) private view {
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        eq("latestRoundData", abi.encode(id, answer, startedAt, updatedAt, answeredIn), wanted);
    }

    function test_reading_what_the_feed_is_about() public {
        IAggregatorV2V3 feed = _reads();
        eq("decimals", feed.decimals(), 8);
        eq("description", bytes(feed.description()), "ETH / USD");
    }

    function test_reading_before_the_first_round_gives_zeros() public {
        IAggregatorV2V3 feed = _reads();
        sameLatest(feed, new bytes(160));
        same("round 0", feed, 0, new bytes(160));
        same("round 1", feed, 1, abi.encode(1, 0, 0, 0, 1));
        eqInt("latestAnswer", feed.latestAnswer(), 0);
        eq("latestTimestamp", feed.latestTimestamp(), 0);
        eq("latestRound", feed.latestRound(), 0);
    }

    function test_reading_every_round_that_is_kept() public {
        IAggregatorV2V3 feed = _reads();
        for (uint256 latest = 1; latest <= 5; latest++) {
            vm.warp(START + 100 * latest);
            _makeRound(int96(int256(1000 + latest)), uint32(START - 7 + 90 * latest));

            sameLatest(feed, wantedOf(latest, latest));
            eqInt("latestAnswer", feed.latestAnswer(), int256(1000 + latest));
            eq("latestTimestamp", feed.latestTimestamp(), START + 100 * latest);
            eq("latestRound", feed.latestRound(), latest);
            for (uint256 round = 0; round <= latest + 1; round++) {
                bool known = round != 0 && round <= latest && round + _kept() > latest;
                same("getRoundData", feed, uint80(round), known ? wantedOf(round, round) : wantedOf(round, 0));
                eqInt("getAnswer", feed.getAnswer(round), known ? int256(1000 + round) : int256(0));
                eq("getTimestamp", feed.getTimestamp(round), known ? START + 100 * round : 0);
            }
        }
    }

    /// @param round Whose data are wanted; 0 if they are not known.
    function wantedOf(uint256 id, uint256 round) private pure returns (bytes memory) {
        if (round == 0) return abi.encode(id, 0, 0, 0, id);
        return abi.encode(id, 1000 + round, START - 7 + 90 * round, START + 100 * round, id);
    }

    function test_reading_rounds_that_cannot_be() public {
        IAggregatorV2V3 feed = _reads();
        vm.warp(START);
        _makeRound(1000, uint32(START));
        uint80 wide = uint80(1 << 32) + 1; // is not round 1
        same("wide", feed, wide, new bytes(160));
        same("widest", feed, type(uint80).max, new bytes(160));
        same("last", feed, type(uint32).max, abi.encode(type(uint32).max, 0, 0, 0, type(uint32).max));
        eqInt("getAnswer", feed.getAnswer(wide), 0);
        eq("getTimestamp", feed.getTimestamp(wide), 0);
        eqInt("getAnswer", feed.getAnswer(type(uint256).max), 0);
        eq("getTimestamp", feed.getTimestamp(type(uint256).max), 0);
    }
}
