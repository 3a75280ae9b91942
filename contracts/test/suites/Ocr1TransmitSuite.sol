// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOffchainAggregator} from "../../src/interfaces/IOffchainAggregator.sol";
import {Ocr1Test} from "../support/Ocr1Test.sol";
import {TransmitSuite} from "./TransmitSuite.sol";

/// @title transmit of OCR1: its report, who observed, its number of signatures
abstract contract Ocr1TransmitSuite is TransmitSuite, Ocr1Test {
    function _countAt() internal pure override returns (uint256) {
        return 0x60;
    }

    // -- accepted

    function test_every_number_of_observations_is_announced_as_it_was() public {
        start(31);
        for (uint256 k = 21; k <= 31; k++) {
            Call memory call = next(31, observationsOf(k, int192(int256(k))));
            vm.recordLogs();
            transmit(call, k % 7);
            bytes memory data = logOf(newTransmission()).data;
            eq("NewTransmission", data, announced(call, transmitterOf(k % 7)));
        }
    }

    function test_every_number_of_signatures_above_the_threshold_is_enough() public {
        start(31);
        for (uint256 count = 11; count <= 31; count++) {
            transmit(signed(report(nextContext(), observationsOf(31, PRICE)), count, count, 31), 0);
        }
        eq("rounds", feed.latestRound(), 21);
    }

    function test_tails_of_the_arguments_may_come_in_any_order() public {
        start(4);
        Call memory call = next(4);
        // rs, ss, report
        bytes memory data = abi.encodePacked(
            ocr1().transmit.selector,
            abi.encode(uint256(0x140), uint256(0x80), uint256(0xe0), call.rawVs),
            abi.encodePacked(uint256(2), call.rs, uint256(2), call.ss, call.report.length, call.report)
        );
        (bool ok,) = send(transmitterOf(0), data);
        yes("accepted", ok);
        eq("round", feed.latestRound(), 1);
    }

    function test_bytes_before_the_digest_and_behind_the_observers_are_ignored() public {
        start(4);
        bytes32 context = nextContext() | bytes32(uint256(0xabcdef) << 232) | bytes32(uint256(1) << 168);
        bytes32 observers = bytes32(hex"0003010202ff1e");
        Call memory call = signed(abi.encode(context, observers, observationsOf(4, PRICE)), 4);
        vm.recordLogs();
        transmit(call, 1);
        eq("NewTransmission", logOf(newTransmission()).data, announced(call, transmitterOf(1)));
    }

    // -- refused

    function test_more_signatures_than_the_threshold_and_no_more_than_oracles() public {
        start(7);
        bytes4 why = IFeed.WrongNumberOfSignatures.selector;
        bytes memory report_ = report(ocr1Context(digest, 1, 1), observationsOf(7, PRICE));
        uint256[3] memory counts = [uint256(0), 1, 2];
        for (uint256 i = 0; i < counts.length; i++) {
            refused(signed(report_, 0, counts[i], 7), abi.encodeWithSelector(why, counts[i], counts[i], 3));
        }
        Call memory uneven = signed(report_, 0, 4, 7);
        uneven.ss = new bytes32[](3);
        refused(uneven, abi.encodeWithSelector(why, 4, 3, 3));
        uneven = signed(report_, 0, 4, 7);
        uneven.rs = new bytes32[](3);
        refused(uneven, abi.encodeWithSelector(why, 3, 4, 3));
        // An eighth can only be a second one of somebody.
        refused(
            signed(report_, 0, 8, 7), abi.encodeWithSelector(IFeed.DuplicateSigner.selector, 7, vm.addr(signerKey(0)))
        );
    }

    function test_32_signatures_are_refused() public {
        start(31);
        Call memory call = signed(report(nextContext(), observationsOf(31, PRICE)), 0, 31, 31);
        bytes32[] memory rs = new bytes32[](32);
        bytes32[] memory ss = new bytes32[](32);
        for (uint256 i = 0; i < 32; i++) {
            (rs[i], ss[i]) = (call.rs[i % 31], call.ss[i % 31]);
        }
        call.rawVs |= call.rawVs >> 248;
        (call.rs, call.ss) = (rs, ss);
        address first = vm.addr(signerKey(0));
        refused(call, abi.encodeWithSelector(IFeed.DuplicateSigner.selector, 31, first));
    }

    function test_a_transmitter_is_no_signer() public {
        start(4);
        address[] memory transmitters = transmittersOf(4);
        address[] memory payees = payeesOf(4);
        (transmitters[0], payees[0]) = (vm.addr(777), address(1));
        feed.setPayees(transmitters, payees);
        ocr1().setConfig(signersOf(4), transmitters, 1, 1, "");
        digest = configDigest();
        Call memory call = next(4);
        uint8 v;
        (v, call.rs[1], call.ss[1]) = vm.sign(777, keccak256(call.report));
        call.rawVs = (call.rawVs & bytes32(uint256(0xff) << 248)) | bytes32(uint256(v - 27) << 240);
        refused(
            transmitterOf(1), encode(call), abi.encodeWithSelector(IFeed.InvalidSignature.selector, 1, vm.addr(777))
        );
    }

    function test_more_than_2f_and_at_most_31_observations() public {
        start(7);
        bytes4 why = IFeed.WrongNumberOfObservations.selector;
        for (uint256 k = 0; k <= 4; k++) {
            refused(next(7, observationsOf(k, PRICE)), abi.encodeWithSelector(why, k, 5, 31));
        }
        transmit(next(7, observationsOf(5, PRICE)), 0);
        refused(next(7, observationsOf(32, PRICE)), abi.encodeWithSelector(IFeed.MalformedReport.selector));
    }

    function test_observations_are_sorted() public {
        start(4);
        for (uint256 i = 1; i < 4; i++) {
            int192[] memory observations = observationsOf(4, PRICE);
            observations[i] = observations[i - 1] - 1;
            bytes4 why = IOffchainAggregator.ObservationsNotSorted.selector;
            refused(next(4, observations), abi.encodeWithSelector(why, i));
        }
        int192[] memory signs = new int192[](4);
        (signs[0], signs[1], signs[2], signs[3]) = (1, 2, 3, -1);
        refused(next(4, signs), abi.encodeWithSelector(IOffchainAggregator.ObservationsNotSorted.selector, 3));
    }

    function test_no_observer_twice() public {
        start(4);
        bytes32[3] memory observers = [bytes32(hex"00000102"), bytes32(hex"03010203"), bytes32(hex"02020202")];
        uint8[3] memory index = [1, 3, 1];
        uint8[3] memory twice = [0, 3, 2];
        for (uint256 i = 0; i < 3; i++) {
            bytes4 why = IOffchainAggregator.RepeatedObserver.selector;
            refused(next(4, observers[i], observationsOf(4, PRICE)), abi.encodeWithSelector(why, index[i], twice[i]));
        }
        configure(31);
        bytes32 both = observersOf(31);
        both = (both & ~bytes32(uint256(0xffff) << 240)) | bytes32(hex"1e1e");
        bytes4 reason = IOffchainAggregator.RepeatedObserver.selector;
        refused(next(31, both, observationsOf(31, PRICE)), abi.encodeWithSelector(reason, 1, 30));
    }

    function test_observers_of_31_and_more_are_nobody() public {
        start(31);
        uint8[6] memory nobody = [31, 32, 47, 48, 128, 255];
        for (uint256 i = 0; i < nobody.length; i++) {
            bytes32 observers = observersOf(31) & ~bytes32(uint256(0xff) << 240);
            observers |= bytes32(uint256(nobody[i]) << 240);
            bytes4 why = IOffchainAggregator.UnknownObserver.selector;
            refused(next(31, observers, observationsOf(31, PRICE)), abi.encodeWithSelector(why, 1, nobody[i], 31));
        }
    }

    function test_reports_that_are_too_short_are_refused() public {
        start(4);
        bytes memory whole = next(4).report;
        for (uint256 length = 0; length < whole.length; length += 32) {
            bytes memory part = new bytes(length);
            for (uint256 i = 0; i < length; i++) {
                part[i] = whole[i];
            }
            (bool ok, bytes memory ret) = send(transmitterOf(0), encode(signed(part, 4)));
            yes("refused", !ok);
            // Without its first word a report has no epoch.
            bytes4 why = length == 0 ? IFeed.StaleReport.selector : IFeed.MalformedReport.selector;
            if (_ours()) eq("why", bytes4(ret), why);
        }
    }
}
