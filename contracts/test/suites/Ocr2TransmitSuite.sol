// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAggregatorV2V3} from "../../src/interfaces/IAggregatorV2V3.sol";
import {IAggregatorValidator} from "../../src/interfaces/IAggregatorValidator.sol";
import {IFeed} from "../../src/interfaces/IFeed.sol";
import {Ocr2Test} from "../support/Ocr2Test.sol";
import {RecordingValidator, TransmitSuite} from "./TransmitSuite.sol";

/// @title transmit of OCR2: its context, its report, its number of signatures
abstract contract Ocr2TransmitSuite is TransmitSuite, Ocr2Test {
    bytes4 private constant MALFORMED = IFeed.MalformedReport.selector;

    function _countAt() internal pure override returns (uint256) {
        return 0x80;
    }

    // -- accepted

    function test_every_quorum_in_every_order_is_accepted() public {
        start(4);
        for (uint256 a = 0; a < 4; a++) {
            for (uint256 b = 0; b < 4; b++) {
                if (a == b) continue;
                Call memory call = next(4);
                Call memory first = signedBy(call.context, call.report, a, 1, 4);
                Call memory second = signedBy(call.context, call.report, b, 1, 4);
                (call.rs[0], call.rs[1], call.ss[0], call.ss[1]) =
                (first.rs[0], second.rs[0], first.ss[0], second.ss[0]);
                call.rawVs = first.rawVs | (second.rawVs >> 8);
                transmit(call, 0);
            }
        }
        eq("rounds", feed.latestRound(), 12);
    }

    function test_every_number_of_observations_is_announced_as_it_was() public {
        start(7);
        for (uint256 k = 3; k <= 31; k++) {
            Call memory call =
                next(7, reportOf(uint32(k), observationsOf(k, int192(int256(k))), int192(int256(k)) - 10));
            vm.recordLogs();
            transmit(call, k % 7);
            bytes memory data = logOf(newTransmission()).data;
            eq("NewTransmission", data, announced(call, transmitterOf(k % 7)));
        }
    }

    /// @dev Order and authorship of observations are what f+1 signatures vouch for.
    function test_unsorted_observations_and_strange_observers_are_taken_from_the_signers() public {
        start(4);
        int192[] memory observations = new int192[](4);
        (observations[0], observations[1], observations[2], observations[3]) = (PRICE + 9, PRICE, PRICE + 3, PRICE);
        bytes32 observers = bytes32(hex"c8c8c8ffffff");
        transmit(next(4, abi.encode(uint32(1), observers, observations, RATE)), 0);
        eqInt("answer", feed.latestAnswer(), PRICE + 3);
    }

    function test_tails_of_the_arguments_may_come_in_any_order() public {
        start(4);
        Call memory call = next(4);
        // rs, ss, report
        bytes memory data = abi.encodePacked(
            ocr2().transmit.selector,
            abi.encode(call.context, uint256(0x1a0), uint256(0xe0), uint256(0x140), call.rawVs),
            abi.encodePacked(uint256(2), call.rs, uint256(2), call.ss, call.report.length, call.report)
        );
        (bool ok,) = send(transmitterOf(0), data);
        yes("accepted", ok);
        eq("round", feed.latestRound(), 1);
    }

    function test_the_extra_hash_is_signed_and_otherwise_free() public {
        start(4);
        bytes32 extraHash = keccak256("query and observations");
        bytes32[3] memory context = contextOf(digest, 1, 1);
        context[2] = extraHash;
        Call memory call = signedBy(context, report(4), 0, 2, 4);
        call.context[2] = bytes32(0);
        (bool ok,) = send(transmitterOf(0), encode(call));
        yes("another extra hash is refused", !ok);
        call.context[2] = extraHash;
        transmit(call, 0);
    }

    function test_bytes_above_epoch_and_round_are_ignored() public {
        start(4);
        bytes32[3] memory context = contextOf(digest, 3, 7);
        context[1] |= bytes32(uint256(0xabc) << 40);
        transmit(signedBy(context, report(4), 0, 2, 4), 0);
        (,, uint32 epoch_) = ocr2().latestConfigDigestAndEpoch();
        eq("epoch", epoch_, 3);
    }

    function test_the_transmission_time_is_cut_to_32_bits_in_storage_only() public {
        start(4);
        vm.warp((1 << 32) + 77);
        vm.recordLogs();
        transmit(next(4, reportOf(9, observationsOf(4, PRICE), RATE)), 0);
        eq("AnswerUpdated", logOf(IAggregatorV2V3.AnswerUpdated.selector).data, abi.encode((uint256(1) << 32) + 77));
        eq("latestTimestamp", feed.latestTimestamp(), 77);
    }

    function test_the_rate_may_be_as_large_as_numbers_go() public {
        start(4);
        transmit(next(4, reportOf(1, observationsOf(4, PRICE), type(int192).max)), 0);
        eqInt("answer", feed.latestAnswer(), PRICE + 2 * 123_457);
    }

    // -- refused

    function test_exactly_f_plus_1_signatures() public {
        start(7);
        bytes4 why = IFeed.WrongNumberOfSignatures.selector;
        uint256[4] memory counts = [uint256(0), 2, 4, 7];
        for (uint256 i = 0; i < counts.length; i++) {
            Call memory call = signedBy(contextOf(digest, 1, 1), report(7), 0, counts[i], 7);
            refused(call, abi.encodeWithSelector(why, counts[i], counts[i], 3));
        }
        Call memory uneven = signedBy(contextOf(digest, 1, 1), report(7), 0, 3, 7);
        uneven.ss = new bytes32[](2);
        refused(uneven, abi.encodeWithSelector(why, 3, 2, 3));
        uneven = signedBy(contextOf(digest, 1, 1), report(7), 0, 3, 7);
        uneven.rs = new bytes32[](2);
        refused(uneven, abi.encodeWithSelector(why, 2, 3, 3));
    }

    function malformed(bytes memory report_) private {
        refused(next(4, report_), abi.encodeWithSelector(MALFORMED));
    }

    function test_a_report_is_exactly_as_long_as_its_observations_need() public {
        start(4);
        malformed("");
        malformed(new bytes(32));
        malformed(new bytes(128));
        malformed(new bytes(160 + 32));
        malformed(bytes.concat(report(4), bytes32(0)));
        bytes memory short = report(4);
        assembly {
            mstore(short, sub(mload(short), 32))
        }
        malformed(short);
    }

    function test_numbers_outside_of_their_types_are_refused() public {
        start(4);
        uint256 wide = uint256(1) << 191;
        uint256 low = type(uint256).max << 191;
        for (uint256 k = 0; k < 4; k++) {
            bytes memory report_ = report(4);
            assembly {
                mstore(add(report_, add(0xc0, mul(k, 0x20))), wide)
            }
            malformed(report_);
            assembly {
                mstore(add(report_, add(0xc0, mul(k, 0x20))), sub(low, 1))
            }
            malformed(report_);
        }
        bytes memory rate = report(4);
        assembly {
            mstore(add(rate, 0x80), wide)
        }
        malformed(rate);
        bytes memory time = report(4);
        assembly {
            mstore(add(time, 0x20), shl(32, 1))
        }
        malformed(time);
    }

    function test_more_than_f_and_at_most_31_observations() public {
        start(7);
        bytes4 why = IFeed.WrongNumberOfObservations.selector;
        for (uint256 k = 0; k <= 2; k++) {
            bytes memory few = reportOf(1, observationsOf(k, PRICE), RATE);
            refused(next(7, few), abi.encodeWithSelector(why, k, 3, 31));
        }
        transmit(next(7, reportOf(1, observationsOf(3, PRICE), RATE)), 0);
        transmit(next(7, reportOf(1, observationsOf(31, PRICE), RATE)), 0);
        int192[] memory many = observationsOf(32, PRICE);
        refused(
            next(7, abi.encode(uint32(1), bytes32(0), many, RATE)),
            abi.encodeWithSelector(IFeed.MalformedReport.selector)
        );
    }

    // -- validator

    function test_when_the_validator_is_told_the_round_is_stored_and_only_observations_are_earned() public {
        start(4);
        RecordingValidator validator = new RecordingValidator(feed);
        feed.setValidatorConfig(IAggregatorValidator(address(validator)), 300_000);
        transmit(next(4), 0);
        transmit(next(4), 1);
        eq("the round is stored", validator.latestRoundSeen(), 2);
        eq("owed to its transmitter", validator.owedSeen(), 2 * PER_OBSERVATION);
    }
}
