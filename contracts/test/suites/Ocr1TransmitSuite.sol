// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAggregatorV2V3} from "../../src/interfaces/IAggregatorV2V3.sol";
import {IAggregatorValidator} from "../../src/interfaces/IAggregatorValidator.sol";
import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOffchainAggregator} from "../../src/interfaces/IOffchainAggregator.sol";
import {Ocr1Test} from "../support/Ocr1Test.sol";
import {Vm} from "../support/Vm.sol";

/// @title transmit of OCR1: what is accepted, what it does, what is refused and why
abstract contract Ocr1TransmitSuite is Ocr1Test {
    // -- accepted

    function announced(Ocr1Call memory call, address transmitter) private pure returns (bytes memory) {
        (bytes32 context, bytes32 raw, int192[] memory observations) =
            abi.decode(call.report, (bytes32, bytes32, int192[]));
        uint256 k = observations.length;
        bytes memory observers = new bytes(k);
        for (uint256 i = 0; i < k; i++) {
            observers[i] = raw[i];
        }
        return abi.encode(observations[k / 2], transmitter, observations, observers, context);
    }

    function accepted(uint256 n) private {
        start(n);
        Ocr1Call memory call = next(n);
        vm.recordLogs();
        transmit(call, n - 1);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("three events", logs.length, 3);
        int192 answer = PRICE + int192(int256(n / 2)) * 123_457;

        eq("topic", logs[0].topics[0], IOffchainAggregator.NewTransmission.selector);
        eq("round", uint256(logs[0].topics[1]), 1);
        eq("NewTransmission", logs[0].data, announced(call, transmitterOf(n - 1)));

        eq("topic", logs[1].topics[0], IAggregatorV2V3.NewRound.selector);
        eq("round", uint256(logs[1].topics[1]), 1);
        eq("started by", uint256(logs[1].topics[2]), 0);
        eq("NewRound", logs[1].data, abi.encode(block.timestamp));

        eq("topic", logs[2].topics[0], IAggregatorV2V3.AnswerUpdated.selector);
        eqInt("answer", int256(uint256(logs[2].topics[1])), answer);
        eq("round", uint256(logs[2].topics[2]), 1);
        eq("AnswerUpdated", logs[2].data, abi.encode(block.timestamp));

        (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        eq(
            "latestRoundData",
            abi.encode(id, value, startedAt, updatedAt, answeredIn),
            abi.encode(1, answer, block.timestamp, block.timestamp, 1)
        );
        eqInt("latestAnswer", feed.latestAnswer(), answer);
    }

    function test_4_oracles() public {
        accepted(4);
    }

    function test_7_oracles() public {
        accepted(7);
    }

    function test_16_oracles() public {
        accepted(16);
    }

    function test_31_oracles() public {
        accepted(31);
    }

    function test_every_number_of_observations_is_announced_as_it_was() public {
        start(31);
        for (uint256 k = 21; k <= 31; k++) {
            Ocr1Call memory call = next(31, observationsOf(k, int192(int256(k))));
            vm.recordLogs();
            transmit(call, k % 7);
            bytes memory data = logOf(IOffchainAggregator.NewTransmission.selector).data;
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

    function test_every_transmitter_may_bring_every_report() public {
        start(4);
        for (uint256 i = 0; i < 4; i++) {
            transmit(next(4), i);
        }
        eq("rounds", feed.latestRound(), 4);
    }

    /// @dev 2^191 - 1 and -2^191, the ends of int192, are read as they are. PRICE is the median.
    function test_observations_may_be_as_far_apart_as_numbers_go() public {
        start(4);
        int192[] memory observations = new int192[](4);
        (observations[0], observations[1], observations[2], observations[3]) =
        (type(int192).min, -1, PRICE, type(int192).max);
        transmit(next(4, observations), 0);
        eqInt("answer", feed.latestAnswer(), PRICE);
    }

    function test_equal_observations_are_sorted() public {
        start(4);
        int192[] memory observations = new int192[](4);
        (observations[0], observations[1], observations[2], observations[3]) = (PRICE, PRICE, PRICE, PRICE);
        transmit(next(4, observations), 0);
        eqInt("answer", feed.latestAnswer(), PRICE);
    }

    function test_the_answer_is_the_upper_median() public {
        start(7);
        for (uint256 k = 5; k <= 7; k++) {
            transmit(next(7, observationsOf(k, PRICE)), 0);
            eqInt("answer", feed.latestAnswer(), PRICE + int256(k / 2) * 123_457);
        }
    }

    function test_tails_of_the_arguments_may_come_in_any_order() public {
        start(4);
        Ocr1Call memory call = next(4);
        // rs, ss, report
        bytes memory data = abi.encodePacked(
            feed.transmit.selector,
            abi.encode(uint256(0x140), uint256(0x80), uint256(0xe0), call.rawVs),
            abi.encodePacked(uint256(2), call.rs, uint256(2), call.ss, call.report.length, call.report)
        );
        (bool ok,) = send(transmitterOf(0), data);
        yes("accepted", ok);
        eq("round", feed.latestRound(), 1);
    }

    function test_the_other_of_two_equivalent_signatures_is_as_good() public {
        start(4);
        Ocr1Call memory call = next(4);
        call.ss[0] = bytes32(N_ORDER - uint256(call.ss[0]));
        call.rawVs ^= bytes32(uint256(1) << 248);
        transmit(call, 0);
        eq("round", feed.latestRound(), 1);
    }

    function test_bytes_before_the_digest_and_behind_the_observers_are_ignored() public {
        start(4);
        bytes32 context = nextContext() | bytes32(uint256(0xabcdef) << 232) | bytes32(uint256(1) << 168);
        bytes32 observers = bytes32(hex"0003010202ff1e");
        Ocr1Call memory call = signed(abi.encode(context, observers, observationsOf(4, PRICE)), 4);
        vm.recordLogs();
        transmit(call, 1);
        eq(
            "NewTransmission",
            logOf(IOffchainAggregator.NewTransmission.selector).data,
            announced(call, transmitterOf(1))
        );
    }

    // -- refused

    function test_epochs_and_rounds_only_grow() public {
        start(4);
        bytes4 why = IFeed.StaleReport.selector;
        int192[] memory observations = observationsOf(4, PRICE);
        refused(
            signed(report(ocr1Context(digest, 0, 0), observations), 4),
            abi.encodeWithSelector(why, uint40(0), uint40(0))
        );
        transmit(signed(report(ocr1Context(digest, 0, 1), observations), 4), 0);
        transmit(signed(report(ocr1Context(digest, 5, 3), observations), 4), 0);
        uint40 latest = 5 * 256 + 3;
        uint32[3] memory epochs = [uint32(5), 5, 4];
        uint8[3] memory rounds = [3, 2, 255];
        for (uint256 i = 0; i < 3; i++) {
            Ocr1Call memory call = signed(report(ocr1Context(digest, epochs[i], rounds[i]), observations), 4);
            refused(call, abi.encodeWithSelector(why, uint40(epochs[i]) * 256 + rounds[i], latest));
        }
        transmit(signed(report(ocr1Context(digest, 5, 4), observations), 4), 0);
        transmit(signed(report(ocr1Context(digest, type(uint32).max, 255), observations), 4), 0);
        eq("rounds", feed.latestRound(), 4);
    }

    function test_only_transmitters_transmit() public {
        start(4);
        bytes memory data = encode(next(4));
        address[3] memory others = [stranger, address(this), vm.addr(signerKey(0))];
        for (uint256 i = 0; i < others.length; i++) {
            refused(others[i], data, abi.encodeWithSelector(IFeed.UnauthorizedTransmitter.selector, others[i]));
        }
    }

    function test_another_digest_is_refused() public {
        start(4);
        bytes16[2] memory others = [bytes16(keccak256("another")), digest ^ bytes16(uint128(1))];
        for (uint256 i = 0; i < 2; i++) {
            Ocr1Call memory call = signed(report(ocr1Context(others[i], 1, 1), observationsOf(4, PRICE)), 4);
            refused(call, abi.encodeWithSelector(IFeed.ConfigDigestMismatch.selector, others[i], digest));
        }
    }

    function test_calldata_is_exactly_as_long_as_it_must_be() public {
        start(4);
        bytes memory data = encode(next(4));
        bytes4 why = IFeed.CalldataLengthMismatch.selector;
        refused(
            transmitterOf(0), bytes.concat(data, hex"00"), abi.encodeWithSelector(why, data.length + 1, data.length)
        );
        // A report whose length is no multiple of 32 is padded by every encoder.
        Ocr1Call memory call = signed(bytes.concat(next(4).report, hex"00"), 4);
        data = encode(call);
        refused(transmitterOf(0), data, abi.encodeWithSelector(why, data.length, data.length - 31));
    }

    function test_more_signatures_than_the_threshold_and_no_more_than_oracles() public {
        start(7);
        bytes4 why = IFeed.WrongNumberOfSignatures.selector;
        bytes memory report_ = report(ocr1Context(digest, 1, 1), observationsOf(7, PRICE));
        uint256[3] memory counts = [uint256(0), 1, 2];
        for (uint256 i = 0; i < counts.length; i++) {
            refused(signed(report_, 0, counts[i], 7), abi.encodeWithSelector(why, counts[i], counts[i], 3));
        }
        Ocr1Call memory uneven = signed(report_, 0, 4, 7);
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
        Ocr1Call memory call = signed(report(nextContext(), observationsOf(31, PRICE)), 0, 31, 31);
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

    function test_a_signature_of_a_stranger_is_refused() public {
        start(4);
        Ocr1Call memory call = next(4);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(12345, keccak256(call.report));
        (call.rs[1], call.ss[1]) = (r, s);
        call.rawVs = (call.rawVs & bytes32(uint256(0xff) << 248)) | bytes32(uint256(v - 27) << 240);
        refused(call, abi.encodeWithSelector(IFeed.InvalidSignature.selector, 1, vm.addr(12345)));
    }

    function test_a_transmitter_is_no_signer() public {
        start(4);
        address[] memory transmitters = transmittersOf(4);
        address[] memory payees = payeesOf(4);
        (transmitters[0], payees[0]) = (vm.addr(777), address(1));
        feed.setPayees(transmitters, payees);
        feed.setConfig(signersOf(4), transmitters, 1, 1, "");
        (,, digest) = feed.latestConfigDetails();
        Ocr1Call memory call = next(4);
        uint8 v;
        (v, call.rs[1], call.ss[1]) = vm.sign(777, keccak256(call.report));
        call.rawVs = (call.rawVs & bytes32(uint256(0xff) << 248)) | bytes32(uint256(v - 27) << 240);
        refused(
            transmitterOf(1), encode(call), abi.encodeWithSelector(IFeed.InvalidSignature.selector, 1, vm.addr(777))
        );
    }

    function test_a_signature_of_another_report_is_refused() public {
        start(4);
        Ocr1Call memory call = next(4);
        call.report = report(ocr1Context(digest, epoch, 1), observationsOf(4, PRICE + 1));
        (bool ok, bytes memory ret) = send(transmitterOf(0), encode(call));
        yes("refused", !ok);
        if (_ours()) eq("error", bytes4(ret), IFeed.InvalidSignature.selector);
    }

    function test_recovery_ids_are_0_and_1() public {
        start(4);
        uint8[6] memory wrong = [2, 27, 28, 228, 229, 255];
        for (uint256 i = 0; i < wrong.length; i++) {
            Ocr1Call memory call = next(4);
            call.rawVs = (call.rawVs & bytes32(type(uint256).max >> 8)) | bytes32(uint256(wrong[i]) << 248);
            refused(call, abi.encodeWithSelector(IFeed.InvalidSignature.selector, 0, address(0)));
        }
    }

    function test_unusable_r_and_s_are_refused() public {
        start(4);
        bytes32[2] memory wrong = [bytes32(0), bytes32(N_ORDER)];
        for (uint256 i = 0; i < 2; i++) {
            Ocr1Call memory call = next(4);
            call.rs[0] = wrong[i];
            refused(call, abi.encodeWithSelector(IFeed.InvalidSignature.selector, 0, address(0)));
            call = next(4);
            call.ss[1] = wrong[i];
            refused(call, abi.encodeWithSelector(IFeed.InvalidSignature.selector, 1, address(0)));
        }
    }

    function test_no_signer_twice() public {
        start(4);
        Ocr1Call memory call = next(4);
        (call.rs[1], call.ss[1]) = (call.rs[0], call.ss[0]);
        uint8 v = uint8(call.rawVs[0]);
        call.rawVs = bytes32((uint256(v) << 248) | (uint256(v) << 240));
        address signer = vm.addr(signerKey(epoch % 4));
        refused(call, abi.encodeWithSelector(IFeed.DuplicateSigner.selector, 1, signer));

        // The other one of two equivalent signatures is by the same signer.
        call.ss[1] = bytes32(N_ORDER - uint256(call.ss[0]));
        call.rawVs = bytes32((uint256(v) << 248) | (uint256(v ^ 1) << 240));
        refused(call, abi.encodeWithSelector(IFeed.DuplicateSigner.selector, 1, signer));
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
        start31();
        bytes32 both = observersOf(31);
        both = (both & ~bytes32(uint256(0xffff) << 240)) | bytes32(hex"1e1e");
        bytes4 reason = IOffchainAggregator.RepeatedObserver.selector;
        refused(next(31, both, observationsOf(31, PRICE)), abi.encodeWithSelector(reason, 1, 30));
    }

    function start31() private {
        configure(31);
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

    function test_the_median_is_within_the_bounds() public {
        start(4);
        bytes4 why = IFeed.MedianOutOfRange.selector;
        int192[4] memory wrong = [MIN - 1, MAX + 1, type(int192).min, type(int192).max];
        for (uint256 i = 0; i < 4; i++) {
            refused(next(4, all(wrong[i])), abi.encodeWithSelector(why, wrong[i], MIN, MAX));
        }
        int192[2] memory right = [MIN, MAX];
        for (uint256 i = 0; i < 2; i++) {
            transmit(next(4, all(right[i])), 0);
            eqInt("answer", feed.latestAnswer(), right[i]);
        }
    }

    function all(int192 value) private pure returns (int192[] memory observations) {
        observations = new int192[](4);
        (observations[0], observations[1], observations[2], observations[3]) = (value, value, value, value);
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

    function test_counts_that_wrap_are_refused() public {
        start(4);
        uint256[6] memory counts =
            [uint256(1) << 59, (uint256(1) << 251) + 4, uint256(1) << 255, type(uint256).max, uint256(1) << 64, 5];
        for (uint256 i = 0; i < counts.length; i++) {
            bytes memory report_ = report(nextContext(), observationsOf(4, PRICE));
            uint256 count = counts[i];
            assembly {
                mstore(add(report_, 0x80), count)
            }
            refused(signed(report_, 4), abi.encodeWithSelector(IFeed.MalformedReport.selector));
        }
    }

    function test_no_value_is_taken() public {
        start(4);
        bytes memory data = encode(next(4));
        vm.deal(transmitterOf(0), 1 ether);
        vm.prank(transmitterOf(0));
        (bool ok,) = address(feed).call{value: 1}(data);
        yes("refused", !ok);
        (ok,) = address(feed).call("");
        yes("no data", !ok);
        (ok,) = address(feed).call(hex"12345678");
        yes("unknown selector", !ok);
    }

    function test_cut_off_arguments_are_refused() public {
        start(4);
        bytes memory data = encode(next(4));
        for (uint256 cut = 1; cut < data.length; cut += 41) {
            bytes memory part = new bytes(data.length - cut);
            for (uint256 i = 0; i < part.length; i++) {
                part[i] = data[i];
            }
            (bool ok,) = send(transmitterOf(0), part);
            yes("refused", !ok);
        }
    }

    /// @dev Whatever one bit is turned over, the call is refused, or it is the same report: bits that nobody signs are the
    /// padding of rawVs and nothing else, since offsets that differ do not decode to the same lengths.
    function testFuzz_one_wrong_bit_never_changes_the_answer(uint256 seed) public {
        start(4);
        bytes memory data = encode(next(4));
        uint256 bit = seed % (data.length * 8);
        data[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        (bool ok,) = send(transmitterOf(0), data);
        if (ok) eqInt("the signed answer", feed.latestAnswer(), PRICE + 2 * 123_457);
        else eq("no round", feed.latestRound(), 0);
    }

    // -- validator

    function test_the_validator_is_told_both_answers_with_exactly_its_gas() public {
        start(4);
        Ocr1RecordingValidator validator = new Ocr1RecordingValidator();
        vm.recordLogs();
        feed.setValidatorConfig(IAggregatorValidator(address(validator)), 300_000);
        Vm.Log memory log = logOf(IFeed.ValidatorConfigSet.selector);
        eq("previous", uint256(log.topics[1]), 0);
        eq("current", address(uint160(uint256(log.topics[2]))), address(validator));
        eq("gas limits", log.data, abi.encode(uint32(0), uint32(300_000)));
        (IAggregatorValidator who, uint32 gasLimit) = feed.validatorConfig();
        eq("validator", address(who), address(validator));
        eq("gas limit", gasLimit, 300_000);

        transmit(next(4), 0);
        transmit(next(4, observationsOf(4, PRICE + 1000)), 1);
        eq("previous round", validator.previousRoundId(), 1);
        eqInt("previous answer", validator.previousAnswer(), PRICE + 2 * 123_457);
        eq("current round", validator.currentRoundId(), 2);
        eqInt("current answer", validator.currentAnswer(), PRICE + 1000 + 2 * 123_457);
        yes("all of its gas", validator.gasSeen() > 299_000 && validator.gasSeen() <= 300_000);
    }

    function test_a_failing_or_missing_validator_stops_nothing() public {
        start(4);
        feed.setValidatorConfig(IAggregatorValidator(address(new Ocr1FailingValidator())), 100_000);
        transmit(4);
        feed.setValidatorConfig(IAggregatorValidator(address(0xdead)), 100_000);
        transmit(4);
        eq("rounds", feed.latestRound(), 2);
    }

    function test_a_validator_cannot_be_starved() public {
        start(4);
        Ocr1RecordingValidator validator = new Ocr1RecordingValidator();
        feed.setValidatorConfig(IAggregatorValidator(address(validator)), 300_000);
        bytes memory data = encode(next(4));
        bool once;
        for (uint256 gasLimit = 80_000; gasLimit < 700_000; gasLimit += 10_000) {
            uint256 id = vm.snapshotState();
            vm.prank(transmitterOf(0));
            (bool ok,) = address(feed).call{gas: gasLimit}(data);
            if (ok) {
                once = true;
                yes("told with all its gas", validator.gasSeen() > 299_000);
            }
            vm.revertToState(id);
        }
        yes("enough gas is enough", once);
    }

    function test_validator_settings_are_the_owners_and_unchanged_ones_are_silent() public {
        onlyOwner(abi.encodeCall(feed.setValidatorConfig, (IAggregatorValidator(address(1)), 1)));
        feed.setValidatorConfig(IAggregatorValidator(address(1)), 1);
        vm.recordLogs();
        feed.setValidatorConfig(IAggregatorValidator(address(1)), 1);
        eq("no event", countLogs(), 0);
        start(4);
        (IAggregatorValidator who, uint32 gasLimit) = feed.validatorConfig();
        eq("survives a new config", address(who), address(1));
        eq("survives a new config", gasLimit, 1);
    }
}

contract Ocr1RecordingValidator is IAggregatorValidator {
    uint256 public previousRoundId;
    int256 public previousAnswer;
    uint256 public currentRoundId;
    int256 public currentAnswer;
    uint256 public gasSeen;

    function validate(uint256 previousRound, int256 previous, uint256 currentRound, int256 current)
        external
        override
        returns (bool)
    {
        gasSeen = gasleft();
        (previousRoundId, previousAnswer, currentRoundId, currentAnswer) =
        (previousRound, previous, currentRound, current);
        return false;
    }
}

contract Ocr1FailingValidator is IAggregatorValidator {
    function validate(uint256, int256, uint256, int256) external pure override returns (bool) {
        revert("no");
    }
}
