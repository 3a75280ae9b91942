// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOCR2Aggregator} from "../../src/interfaces/IOCR2Aggregator.sol";
import {IOwned} from "../../src/interfaces/IOwned.sol";
import {Ocr2Test} from "../support/Ocr2Test.sol";
import {FeedSuite} from "./FeedSuite.sol";

/// @title What consumers read of an OCR2 feed, and who owns it
abstract contract Ocr2FeedSuite is FeedSuite, Ocr2Test {
    function _version() internal pure override returns (uint256) {
        return 6;
    }

    function _roundRequested() internal pure override returns (bytes32) {
        return IOCR2Aggregator.RoundRequested.selector;
    }

    function test_negative_answers_are_read_as_they_are() public {
        // The bounds of this feed exclude them, so one is put where the answer is: low 192 bits of its round.
        start(4);
        transmit(4);
        for (uint256 slot = 0; slot < 40; slot++) {
            bytes32[2] memory where = [bytes32(slot + 1), keccak256(abi.encode(1, slot))];
            for (uint256 k = 0; k < 2; k++) {
                uint256 word = uint256(vm.load(address(feed), where[k]));
                if (word << 64 >> 64 != uint192(int192(feed.latestAnswer()))) continue;
                vm.store(address(feed), where[k], bytes32(word >> 192 << 192 | uint192(int192(-5))));
                eqInt("latestAnswer", feed.latestAnswer(), -5);
                eqInt("getAnswer", feed.getAnswer(1), -5);
                (, int256 value,,,) = feed.latestRoundData();
                eqInt("latestRoundData", value, -5);
                return;
            }
        }
        revert NotTrue("the round is stored in one word");
    }

    function test_a_number_that_can_never_be_a_round_has_zeros() public {
        start(4);
        transmit(4);
        uint80 never = uint80(type(uint32).max) + 1;
        eqInt("getAnswer", feed.getAnswer(never), 0);
        eq("getTimestamp", feed.getTimestamp(never), 0);
        (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.getRoundData(never);
        eq("getRoundData", abi.encode(id, value, startedAt, updatedAt, answeredIn), new bytes(160));
    }

    function test_ownership_is_not_offered_to_oneself() public {
        refused(
            abi.encodeCall(IOwned.transferOwnership, (address(this))),
            abi.encodeWithSelector(IOwned.CannotTransferToSelf.selector, address(this))
        );
    }
}
