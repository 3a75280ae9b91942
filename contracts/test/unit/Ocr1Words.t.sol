// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CalldataGas} from "../../src/billing/CalldataGas.sol";
import {ObservationCounts} from "../../src/billing/ObservationCounts.sol";
import {Hot} from "../../src/feed/Hot.sol";
import {Round, newRoundOfBlock} from "../../src/feed/Round.sol";
import {Check} from "../support/Check.sol";

contract ObservationCountsTest is Check {
    /// @dev A lane at a time, with numbers near the end as often as others.
    function testFuzz_lanes_count_for_themselves_and_stop_at_the_end(uint256 seed, uint256 ones) public pure {
        uint256 word;
        for (uint256 lane = 0; lane < 16; lane++) {
            uint256 random = uint256(keccak256(abi.encode(seed, lane)));
            uint256 value = random % 3 == 0 ? 65_535 - (random >> 8) % 3 : (random >> 8) & 0xffff;
            if (value == 0) value = 1;
            word |= value << (16 * lane);
        }
        ones &= type(uint256).max / type(uint16).max;
        ObservationCounts before = ObservationCounts.wrap(word);
        ObservationCounts afterwards = before.plus(ones);
        for (uint256 lane = 0; lane < 16; lane++) {
            uint256 count = before.observations(lane);
            eq("count", count, uint16(word >> (16 * lane)) - 1);
            if ((ones >> (16 * lane)) & 1 == 1 && count < 65_534) count++;
            eq("one more", afterwards.observations(lane), count);
        }
        uint256 chosen = seed % 16;
        ObservationCounts anew = before.countedAnew(chosen);
        for (uint256 lane = 0; lane < 16; lane++) {
            eq("only this one", anew.observations(lane), lane == chosen ? 0 : before.observations(lane));
        }
    }

    /// @dev A seat that was never taken has a lane of zero, which nobody reads; taking it starts a count.
    function test_a_lane_that_was_never_in_use_starts_at_zero() public pure {
        for (uint256 lane = 0; lane < 16; lane++) {
            eq("count", ObservationCounts.wrap(0).countedAnew(lane).observations(lane), 0);
        }
    }
}

contract CalldataGasTest is Check {
    fallback(bytes calldata) external returns (bytes memory) {
        return abi.encode(CalldataGas.cost());
    }

    function costOf(bytes memory data) private view returns (uint256) {
        (bool ok, bytes memory ret) = address(this).staticcall(data);
        yes("no failure", ok);
        return abi.decode(ret, (uint256));
    }

    function model(bytes memory data) private pure returns (uint256 gas_) {
        for (uint256 i = 0; i < data.length; i++) {
            gas_ += data[i] == 0 ? 4 : 16;
        }
    }

    /// @dev The first byte is one that no function of this contract has, so that the fallback is reached.
    function testFuzz_four_gas_a_zero_byte_and_sixteen_another(bytes memory data, uint256 zeros) public view {
        data = bytes.concat(hex"ffffffff", data);
        for (uint256 i = 4; i < data.length; i++) {
            if ((zeros >> (i % 256)) & 1 == 1) data[i] = 0;
        }
        eq("gas", costOf(data), model(data));
    }

    function test_every_byte_in_every_place() public view {
        for (uint256 value = 0; value < 256; value += 5) {
            bytes memory data = new bytes(36 + 64);
            (data[0], data[1]) = (0xff, 0xff);
            for (uint256 place = 4; place < 68; place += 3) {
                data[place] = bytes1(uint8(value));
                eq("gas", costOf(data), model(data));
            }
        }
    }

    function test_the_longest_call_there_is() public view {
        bytes memory data = new bytes(8160);
        for (uint256 i = 0; i < data.length; i++) {
            data[i] = 0xff;
        }
        eq("gas", costOf(data), 16 * 8160);
        bytes memory zeros = bytes.concat(hex"ff", new bytes(8159));
        eq("gas", costOf(zeros), 16 + 4 * 8159);
    }
}

contract Ocr1WordsTest is Check {
    function testFuzz_round_of_a_block(int192 answer, uint64 time) public pure {
        Round round = newRoundOfBlock(answer, time);
        eqInt("answer", round.answer(), answer);
        (uint256 startedAt, uint256 updatedAt) = round.timesOfBlock();
        eq("time", startedAt, time);
        eq("time", updatedAt, time);
    }

    function testFuzz_size_of_the_committee(uint256 word, address data, uint8 n) public pure {
        eq("n", Hot.wrap(word).numberOfOracles(), word >> 248);
        eq("n", Hot.wrap(word).afterConfig(data, n).numberOfOracles(), n);
    }
}
