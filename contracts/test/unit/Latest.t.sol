// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GENERATION_MAX, Latest, OWN_BITS} from "../../src/threshold/Latest.sol";
import {Check} from "../support/Check.sol";

/// @dev A word that holds several numbers: each is read back, and writing some leaves the others alone.
contract LatestTest is Check {
    struct Parts {
        uint96 head;
        uint32 startedAt;
        uint32 updatedAt;
        uint40 epochAndRound;
        uint32 roundId;
        uint32 generation;
        bool odd;
    }

    function pack(Parts memory parts) private pure returns (Latest) {
        return Latest.wrap(
            (uint256(parts.head) << 160) | (uint256(parts.startedAt) << 128) | (uint256(parts.updatedAt) << 96)
                | (uint256(parts.epochAndRound) << 56) | (uint256(parts.roundId) << 24)
                | (uint256(parts.generation) << 1) | (parts.odd ? 1 : 0)
        );
    }

    function same(Latest latest, Parts memory parts) private pure {
        eq("head", latest.head(), parts.head);
        eq("startedAt", latest.startedAt(), parts.startedAt);
        eq("updatedAt", latest.updatedAt(), parts.updatedAt);
        eq("epochAndRound", latest.epochAndRound(), parts.epochAndRound);
        eq("roundId", latest.roundId(), parts.roundId);
        eq("generation", latest.generation(), parts.generation);
        eq("parity", latest.parity(), parts.odd ? 1 : 0);
    }

    function testFuzz_each_part_is_read_back(Parts memory parts) public pure {
        parts.generation %= uint32(GENERATION_MAX + 1);
        same(pack(parts), parts);
    }

    function testFuzz_a_key_starts_epochs_anew_and_changes_nothing_else(Parts memory parts, bool odd) public pure {
        parts.generation %= uint32(GENERATION_MAX);
        Latest latest = pack(parts).afterKey(odd ? 1 : 0);
        (parts.generation, parts.epochAndRound, parts.odd) = (parts.generation + 1, 0, odd);
        same(latest, parts);
    }

    function testFuzz_an_update_takes_the_report_and_counts(Parts memory parts, uint256 report) public pure {
        parts.generation %= uint32(GENERATION_MAX + 1);
        report &= ~OWN_BITS;
        Latest latest = pack(parts).afterUpdate(report);
        Latest reported = Latest.wrap(report);
        Parts memory wanted = Parts({
            head: reported.head(),
            startedAt: reported.startedAt(),
            updatedAt: 0,
            epochAndRound: reported.epochAndRound(),
            roundId: parts.roundId,
            generation: parts.generation,
            odd: parts.odd
        });
        unchecked {
            wanted.roundId++; // After the last comes zero.
        }
        same(latest, wanted);
    }

    function test_the_contracts_own_bits_are_its_time_round_and_key() public pure {
        Latest own = Latest.wrap(OWN_BITS);
        same(own, Parts(0, 0, type(uint32).max, 0, type(uint32).max, uint32(GENERATION_MAX), true));
    }
}
