// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAggregatorV2V3} from "../../src/interfaces/IAggregatorV2V3.sol";
import {IAggregatorValidator} from "../../src/interfaces/IAggregatorValidator.sol";
import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOCR2Aggregator} from "../../src/interfaces/IOCR2Aggregator.sol";
import {FeedTest} from "../support/FeedTest.sol";
import {Vm} from "../support/Vm.sol";

/// @title transmit: what is accepted, what it does, what is refused and why
abstract contract TransmitSuite is FeedTest {
    bytes4 private constant MALFORMED = IFeed.MalformedReport.selector;

    // -- accepted

    function accepted(uint256 n) private {
        start(n);
        vm.recordLogs();
        Call memory call = next(n);
        transmit(call, n - 1);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("three events", logs.length, 3);

        (uint32 timestamp, bytes32 observers, int192[] memory observations, int192 rate) =
            abi.decode(call.report, (uint32, bytes32, int192[], int192));
        bytes memory shortened = new bytes(n);
        for (uint256 i = 0; i < n; i++) {
            shortened[i] = observers[i];
        }
        int192 answer = observations[n / 2];

        eq("topic", logs[0].topics[0], IOCR2Aggregator.NewTransmission.selector);
        eq("round", uint256(logs[0].topics[1]), 1);
        bytes memory data = abi.encode(
            answer,
            transmitterOf(n - 1),
            timestamp,
            observations,
            shortened,
            rate,
            digest,
            uint40(uint256(call.context[1]))
        );
        eq("NewTransmission", logs[0].data, data);

        eq("topic", logs[1].topics[0], IAggregatorV2V3.NewRound.selector);
        eq("round", uint256(logs[1].topics[1]), 1);
        eq("started by", uint256(logs[1].topics[2]), 0);
        eq("NewRound", logs[1].data, abi.encode(uint256(timestamp)));

        eq("topic", logs[2].topics[0], IAggregatorV2V3.AnswerUpdated.selector);
        eqInt("answer", int256(uint256(logs[2].topics[1])), answer);
        eq("round", uint256(logs[2].topics[2]), 1);
        eq("AnswerUpdated", logs[2].data, abi.encode(block.timestamp));

        eqInt("latestAnswer", feed.latestAnswer(), answer);
        (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        eq("id", id, 1);
        eqInt("value", value, answer);
        eq("startedAt", startedAt, timestamp);
        eq("updatedAt", updatedAt, block.timestamp);
        eq("answeredInRound", answeredIn, 1);
        (,, uint32 epoch_) = feed.latestConfigDigestAndEpoch();
        eq("epoch", epoch_, 1);
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

    function test_every_transmitter_may_bring_every_report() public {
        start(4);
        for (uint256 i = 0; i < 4; i++) {
            transmit(next(4), i);
        }
        eq("rounds", feed.latestRound(), 4);
    }

    /// @dev 2^191 - 1 and -2^191, the ends of int192, are read as they are. The price of PRICE is the median.
    function test_observations_may_be_as_far_apart_as_numbers_go() public {
        start(4);
        int192[] memory observations = new int192[](4);
        (observations[0], observations[1], observations[2], observations[3]) =
        (type(int192).min, -1, PRICE, type(int192).max);
        transmit(next(4, reportOf(1, observations, type(int192).max)), 0);
        eqInt("answer", feed.latestAnswer(), PRICE);
    }

    function test_the_answer_is_the_upper_median() public {
        start(7);
        for (uint256 k = 3; k <= 7; k++) {
            transmit(next(7, reportOf(1, observationsOf(k, PRICE), RATE)), 0);
            eqInt("answer", feed.latestAnswer(), PRICE + int256(k / 2) * 123_457);
        }
    }

    function test_every_number_of_observations_is_announced_as_it_was() public {
        start(7);
        for (uint256 k = 3; k <= 31; k++) {
            Call memory call =
                next(7, reportOf(uint32(k), observationsOf(k, int192(int256(k))), int192(int256(k)) - 10));
            vm.recordLogs();
            transmit(call, k % 7);
            bytes memory data = logOf(IOCR2Aggregator.NewTransmission.selector).data;
            eq("NewTransmission", data, announced(call, k, transmitterOf(k % 7)));
        }
    }

    function announced(Call memory call, uint256 k, address transmitter) private view returns (bytes memory) {
        (uint32 time, bytes32 raw, int192[] memory observations, int192 rate) =
            abi.decode(call.report, (uint32, bytes32, int192[], int192));
        bytes memory observers = new bytes(k);
        for (uint256 i = 0; i < k; i++) {
            observers[i] = raw[i];
        }
        uint40 epochAndRound = uint40(uint256(call.context[1]));
        return abi.encode(observations[k / 2], transmitter, time, observations, observers, rate, digest, epochAndRound);
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
            feed.transmit.selector,
            abi.encode(call.context, uint256(0x1a0), uint256(0xe0), uint256(0x140), call.rawVs),
            abi.encodePacked(uint256(2), call.rs, uint256(2), call.ss, call.report.length, call.report)
        );
        (bool ok,) = send(transmitterOf(0), data);
        yes("accepted", ok);
        eq("round", feed.latestRound(), 1);
    }

    function test_the_other_of_two_equivalent_signatures_is_as_good() public {
        start(4);
        Call memory call = next(4);
        call.ss[0] = bytes32(N_ORDER - uint256(call.ss[0]));
        call.rawVs ^= bytes32(uint256(1) << 248);
        transmit(call, 0);
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
        (,, uint32 epoch_) = feed.latestConfigDigestAndEpoch();
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

    // -- refused, in the order of the checks

    function test_epochs_and_rounds_only_grow() public {
        start(4);
        bytes4 why = IFeed.StaleReport.selector;
        refused(
            signedBy(contextOf(digest, 0, 0), report(4), 0, 2, 4), abi.encodeWithSelector(why, uint40(0), uint40(0))
        );
        transmit(signedBy(contextOf(digest, 0, 1), report(4), 0, 2, 4), 0);
        transmit(signedBy(contextOf(digest, 5, 3), report(4), 0, 2, 4), 0);
        uint40 latest = 5 * 256 + 3;
        uint32[3] memory epochs = [uint32(5), 5, 4];
        uint8[3] memory rounds = [3, 2, 255];
        for (uint256 i = 0; i < 3; i++) {
            Call memory call = signedBy(contextOf(digest, epochs[i], rounds[i]), report(4), 0, 2, 4);
            refused(call, abi.encodeWithSelector(why, uint40(epochs[i]) * 256 + rounds[i], latest));
        }
        transmit(signedBy(contextOf(digest, 5, 4), report(4), 0, 2, 4), 0);
        transmit(signedBy(contextOf(digest, type(uint32).max, 255), report(4), 0, 2, 4), 0);
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
        bytes32 other = keccak256("another");
        Call memory call = signedBy(contextOf(other, 1, 1), report(4), 0, 2, 4);
        refused(call, abi.encodeWithSelector(IFeed.ConfigDigestMismatch.selector, other, digest));
    }

    function test_calldata_is_exactly_as_long_as_it_must_be() public {
        start(4);
        bytes memory data = encode(next(4));
        bytes4 why = IFeed.CalldataLengthMismatch.selector;
        refused(
            transmitterOf(0), bytes.concat(data, hex"00"), abi.encodeWithSelector(why, data.length + 1, data.length)
        );
        // A report whose length is no multiple of 32 is padded by every encoder.
        Call memory call = next(4);
        call = signedBy(call.context, bytes.concat(call.report, hex"00"), 0, 2, 4);
        data = encode(call);
        refused(transmitterOf(0), data, abi.encodeWithSelector(why, data.length, data.length - 31));
    }

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

    function test_a_signature_of_a_stranger_is_refused() public {
        start(4);
        Call memory call = next(4);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(12345, signedHash(call.report, call.context));
        (call.rs[1], call.ss[1]) = (r, s);
        call.rawVs = (call.rawVs & bytes32(uint256(0xff) << 248)) | bytes32(uint256(v - 27) << 240);
        refused(call, abi.encodeWithSelector(IFeed.InvalidSignature.selector, 1, vm.addr(12345)));
    }

    function test_a_signature_of_another_report_is_refused() public {
        start(4);
        Call memory call = next(4);
        call.report = reportOf(uint32(block.timestamp), observationsOf(4, PRICE + 1), RATE);
        (bool ok, bytes memory ret) = send(transmitterOf(0), encode(call));
        yes("refused", !ok);
        if (_ours()) eq("error", bytes4(ret), IFeed.InvalidSignature.selector);
    }

    function test_recovery_ids_are_0_and_1() public {
        start(4);
        uint8[5] memory wrong = [2, 27, 28, 228, 255];
        for (uint256 i = 0; i < wrong.length; i++) {
            Call memory call = next(4);
            call.rawVs = (call.rawVs & bytes32(type(uint256).max >> 8)) | bytes32(uint256(wrong[i]) << 248);
            refused(call, abi.encodeWithSelector(IFeed.InvalidSignature.selector, 0, address(0)));
        }
    }

    function test_unusable_r_and_s_are_refused() public {
        start(4);
        bytes32[2] memory wrong = [bytes32(0), bytes32(N_ORDER)];
        for (uint256 i = 0; i < 2; i++) {
            Call memory call = next(4);
            call.rs[0] = wrong[i];
            refused(call, abi.encodeWithSelector(IFeed.InvalidSignature.selector, 0, address(0)));
            call = next(4);
            call.ss[1] = wrong[i];
            refused(call, abi.encodeWithSelector(IFeed.InvalidSignature.selector, 1, address(0)));
        }
    }

    function test_no_signer_twice() public {
        start(4);
        Call memory call = next(4);
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

    function test_counts_that_wrap_are_refused() public {
        start(4);
        uint256[5] memory counts =
            [uint256(1) << 59, (uint256(1) << 251) + 4, uint256(1) << 255, type(uint256).max, uint256(1) << 64];
        for (uint256 i = 0; i < counts.length; i++) {
            bytes memory report_ = report(4);
            uint256 count = counts[i];
            assembly {
                mstore(add(report_, 0xa0), count)
            }
            malformed(report_);
        }
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

    function test_the_median_is_within_the_bounds() public {
        start(4);
        int192[4] memory wrong = [MIN - 1, MAX + 1, type(int192).min, type(int192).max];
        for (uint256 i = 0; i < 4; i++) {
            int192[] memory observations = new int192[](2);
            (observations[0], observations[1]) = (PRICE, wrong[i]);
            bytes4 why = IFeed.MedianOutOfRange.selector;
            refused(next(4, reportOf(1, observations, RATE)), abi.encodeWithSelector(why, wrong[i], MIN, MAX));
        }
        int192[2] memory right = [MIN, MAX];
        for (uint256 i = 0; i < 2; i++) {
            int192[] memory observations = new int192[](2);
            (observations[0], observations[1]) = (PRICE, right[i]);
            transmit(next(4, reportOf(1, observations, RATE)), 0);
            eqInt("answer", feed.latestAnswer(), right[i]);
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
        Call memory call = next(4);
        bytes memory data = encode(call);
        uint256 bit = seed % (data.length * 8);
        data[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        (bool ok,) = send(transmitterOf(0), data);
        if (ok) eqInt("the signed answer", feed.latestAnswer(), PRICE + 2 * 123_457);
        else eq("no round", feed.latestRound(), 0);
    }

    // -- validator

    function test_the_validator_is_told_both_answers_with_exactly_its_gas() public {
        start(4);
        RecordingValidator validator = new RecordingValidator(feed);
        vm.recordLogs();
        feed.setValidatorConfig(IAggregatorValidator(address(validator)), 300_000);
        Vm.Log memory log = logOf(IFeed.ValidatorConfigSet.selector);
        eq("previous", uint256(log.topics[1]), 0);
        eq("current", address(uint160(uint256(log.topics[2]))), address(validator));
        eq("gas limits", log.data, abi.encode(uint32(0), uint32(300_000)));
        (IAggregatorValidator who, uint32 gasLimit) = feed.getValidatorConfig();
        eq("validator", address(who), address(validator));
        eq("gas limit", gasLimit, 300_000);

        transmit(next(4, reportOf(1, observationsOf(4, PRICE), RATE)), 0);
        transmit(next(4, reportOf(1, observationsOf(4, PRICE + 1000), RATE)), 1);
        eq("previous round", validator.previousRoundId(), 1);
        eqInt("previous answer", validator.previousAnswer(), PRICE + 2 * 123_457);
        eq("current round", validator.currentRoundId(), 2);
        eqInt("current answer", validator.currentAnswer(), PRICE + 1000 + 2 * 123_457);
        yes("all of its gas", validator.gasSeen() > 299_000 && validator.gasSeen() <= 300_000);
        eq("the round is stored", validator.latestRoundSeen(), 2);
        // Paid by then are the observations, but not this transmission.
        eq("owed to its transmitter", validator.owedSeen(), 2 * 400_000 gwei);
    }

    function test_a_failing_or_missing_validator_stops_nothing() public {
        start(4);
        feed.setValidatorConfig(IAggregatorValidator(address(new FailingValidator())), 100_000);
        transmit(4);
        feed.setValidatorConfig(IAggregatorValidator(address(0xdead)), 100_000);
        transmit(4);
        eq("rounds", feed.latestRound(), 2);
    }

    function test_a_validator_cannot_be_starved() public {
        start(4);
        RecordingValidator validator = new RecordingValidator(feed);
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
        configure(4, 1);
        (IAggregatorValidator who, uint32 gasLimit) = feed.getValidatorConfig();
        eq("survives a new config", address(who), address(1));
        eq("survives a new config", gasLimit, 1);
    }
}

contract RecordingValidator is IAggregatorValidator {
    IOCR2Aggregator private immutable i_feed;
    uint256 public previousRoundId;
    int256 public previousAnswer;
    uint256 public currentRoundId;
    int256 public currentAnswer;
    uint256 public gasSeen;
    uint256 public latestRoundSeen;
    uint256 public owedSeen;

    constructor(IOCR2Aggregator feed) {
        i_feed = feed;
    }

    function validate(uint256 previousRound, int256 previous, uint256 currentRound, int256 current)
        external
        override
        returns (bool)
    {
        gasSeen = gasleft();
        (previousRoundId, previousAnswer, currentRoundId, currentAnswer) =
        (previousRound, previous, currentRound, current);
        latestRoundSeen = i_feed.latestRound();
        owedSeen = i_feed.owedPayment(tx.origin);
        return false;
    }
}

contract FailingValidator is IAggregatorValidator {
    function validate(uint256, int256, uint256, int256) external pure override returns (bool) {
        revert("no");
    }
}
