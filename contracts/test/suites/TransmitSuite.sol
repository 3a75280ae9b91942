// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAggregatorV2V3} from "../../src/interfaces/IAggregatorV2V3.sol";
import {IAggregatorValidator} from "../../src/interfaces/IAggregatorValidator.sol";
import {IFeed} from "../../src/interfaces/IFeed.sol";
import {FeedTest} from "../support/FeedTest.sol";
import {Vm} from "../support/Vm.sol";

/// @title transmit: what is accepted, what it does, what is refused and why
abstract contract TransmitSuite is FeedTest {
    /// @return Where in a report the number of observations stands.
    function _countAt() internal pure virtual returns (uint256);

    // -- accepted

    function accepted(uint256 n) private {
        start(n);
        Call memory call = next(n);
        vm.recordLogs();
        transmit(call, n - 1);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("three events", logs.length, 3);
        int192 answer = PRICE + int192(int256(n / 2)) * 123_457;

        eq("topic", logs[0].topics[0], newTransmission());
        eq("round", uint256(logs[0].topics[1]), 1);
        eq("NewTransmission", logs[0].data, announced(call, transmitterOf(n - 1)));

        eq("topic", logs[1].topics[0], IAggregatorV2V3.NewRound.selector);
        eq("round", uint256(logs[1].topics[1]), 1);
        eq("started by", uint256(logs[1].topics[2]), 0);
        eq("NewRound", logs[1].data, abi.encode(startOfRound()));

        eq("topic", logs[2].topics[0], IAggregatorV2V3.AnswerUpdated.selector);
        eqInt("answer", int256(uint256(logs[2].topics[1])), answer);
        eq("round", uint256(logs[2].topics[2]), 1);
        eq("AnswerUpdated", logs[2].data, abi.encode(block.timestamp));

        eqInt("latestAnswer", feed.latestAnswer(), answer);
        (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        eq(
            "latestRoundData",
            abi.encode(id, value, startedAt, updatedAt, answeredIn),
            abi.encode(1, answer, startOfRound(), block.timestamp, 1)
        );
        (, uint32 epoch_,,,) = details();
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

    function test_observations_may_be_equal() public {
        start(4);
        int192[] memory observations = new int192[](4);
        (observations[0], observations[1], observations[2], observations[3]) = (PRICE, PRICE, PRICE, PRICE);
        transmit(next(4, observations), 0);
        eqInt("answer", feed.latestAnswer(), PRICE);
    }

    function test_the_answer_is_the_upper_median() public {
        start(7);
        for (uint256 k = fewest(2); k <= 7; k++) {
            transmit(next(7, observationsOf(k, PRICE)), 0);
            eqInt("answer", feed.latestAnswer(), PRICE + int256(k / 2) * 123_457);
        }
    }

    function test_the_other_of_two_equivalent_signatures_is_as_good() public {
        start(4);
        Call memory call = next(4);
        call.ss[0] = bytes32(N_ORDER - uint256(call.ss[0]));
        call.rawVs ^= bytes32(uint256(1) << 248);
        transmit(call, 0);
        eq("round", feed.latestRound(), 1);
    }

    // -- refused

    function test_epochs_and_rounds_only_grow() public {
        start(4);
        bytes4 why = IFeed.StaleReport.selector;
        refused(callOf(0, 0, 4), abi.encodeWithSelector(why, uint40(0), uint40(0)));
        transmit(callOf(0, 1, 4), 0);
        transmit(callOf(5, 3, 4), 0);
        uint40 latest = 5 * 256 + 3;
        uint32[3] memory epochs = [uint32(5), 5, 4];
        uint8[3] memory rounds = [3, 2, 255];
        for (uint256 i = 0; i < 3; i++) {
            Call memory call = callOf(epochs[i], rounds[i], 4);
            refused(call, abi.encodeWithSelector(why, uint40(epochs[i]) * 256 + rounds[i], latest));
        }
        transmit(callOf(5, 4, 4), 0);
        transmit(callOf(type(uint32).max, 255, 4), 0);
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
        bytes32[2] memory others = [bytes32(bytes16(keccak256("another"))), digest ^ bytes32(uint256(1) << 128)];
        for (uint256 i = 0; i < 2; i++) {
            Call memory call = callOf(others[i], 1, 1, observationsOf(4, PRICE), 4);
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
        Call memory call = next(4);
        call.report = bytes.concat(call.report, hex"00");
        data = encode(sign(call, 0, 2, 4));
        refused(transmitterOf(0), data, abi.encodeWithSelector(why, data.length, data.length - 31));
    }

    function test_a_signature_of_a_stranger_is_refused() public {
        start(4);
        Call memory call = next(4);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(12345, hashOf(call));
        (call.rs[1], call.ss[1]) = (r, s);
        call.rawVs = (call.rawVs & bytes32(uint256(0xff) << 248)) | bytes32(uint256(v - 27) << 240);
        refused(call, abi.encodeWithSelector(IFeed.InvalidSignature.selector, 1, vm.addr(12345)));
    }

    function test_a_signature_of_another_report_is_refused() public {
        start(4);
        Call memory call = next(4);
        call.report = callOf(digest, epoch, 1, observationsOf(4, PRICE + 1), 4).report;
        (bool ok, bytes memory ret) = send(transmitterOf(0), encode(call));
        yes("refused", !ok);
        if (_ours()) eq("error", bytes4(ret), IFeed.InvalidSignature.selector);
    }

    function test_recovery_ids_are_0_and_1() public {
        start(4);
        uint8[6] memory wrong = [2, 27, 28, 228, 229, 255];
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

    function test_counts_that_wrap_are_refused() public {
        start(4);
        uint256[6] memory counts =
            [uint256(1) << 59, (uint256(1) << 251) + 4, uint256(1) << 255, type(uint256).max, uint256(1) << 64, 5];
        for (uint256 i = 0; i < counts.length; i++) {
            Call memory call = next(4);
            bytes memory report_ = call.report;
            uint256 where = _countAt();
            uint256 count = counts[i];
            assembly {
                mstore(add(add(report_, 0x20), where), count)
            }
            refused(sign(call, 0, 2, 4), abi.encodeWithSelector(IFeed.MalformedReport.selector));
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
        RecordingValidator validator = new RecordingValidator(feed);
        vm.recordLogs();
        feed.setValidatorConfig(IAggregatorValidator(address(validator)), 300_000);
        Vm.Log memory log = logOf(IFeed.ValidatorConfigSet.selector);
        eq("previous", uint256(log.topics[1]), 0);
        eq("current", address(uint160(uint256(log.topics[2]))), address(validator));
        eq("gas limits", log.data, abi.encode(uint32(0), uint32(300_000)));
        (IAggregatorValidator who, uint32 gasLimit) = validatorConfig();
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
        feed.setValidatorConfig(IAggregatorValidator(address(new FailingValidator())), 100_000);
        transmit(4);
        feed.setValidatorConfig(IAggregatorValidator(address(0xdead)), 100_000);
        transmit(4);
        eq("rounds", feed.latestRound(), 2);
    }

    /// @dev The least gas that is enough is looked for, because there a validator would get less. Its limit is so high that the
    /// 64th part that stays with the feed is enough for the rest.
    function test_a_validator_cannot_be_starved() public {
        start(4);
        RecordingValidator validator = new RecordingValidator(feed);
        feed.setValidatorConfig(IAggregatorValidator(address(validator)), 3_000_000);
        bytes memory data = encode(next(4));
        (uint256 little, uint256 enough) = (80_000, 4_000_000);
        while (enough - little > 1) {
            uint256 gasLimit = (little + enough) / 2;
            uint256 id = vm.snapshotState();
            vm.prank(transmitterOf(0));
            (bool ok,) = address(feed).call{gas: gasLimit}(data);
            if (ok) yes("told with all its gas", validator.gasSeen() > 2_999_000);
            vm.revertToState(id);
            (little, enough) = ok ? (little, gasLimit) : (gasLimit, enough);
        }
        yes("enough gas is enough", enough < 4_000_000);
    }

    function test_validator_settings_are_the_owners_and_unchanged_ones_are_silent() public {
        onlyOwner(abi.encodeCall(feed.setValidatorConfig, (IAggregatorValidator(address(1)), 1)));
        feed.setValidatorConfig(IAggregatorValidator(address(1)), 1);
        vm.recordLogs();
        feed.setValidatorConfig(IAggregatorValidator(address(1)), 1);
        eq("no event", countLogs(), 0);
        feed.setValidatorConfig(IAggregatorValidator(address(1)), 2);
        (IAggregatorValidator who, uint32 gasLimit) = validatorConfig();
        eq("the limit alone changes", gasLimit, 2);
        feed.setValidatorConfig(IAggregatorValidator(address(3)), 2);
        (who,) = validatorConfig();
        eq("the validator alone changes", address(who), address(3));
        start(4);
        (who, gasLimit) = validatorConfig();
        eq("survives a new config", address(who), address(3));
        eq("survives a new config", gasLimit, 2);
    }
}

contract RecordingValidator is IAggregatorValidator {
    IFeed private immutable i_feed;
    uint256 public previousRoundId;
    int256 public previousAnswer;
    uint256 public currentRoundId;
    int256 public currentAnswer;
    uint256 public gasSeen;
    uint256 public latestRoundSeen;
    uint256 public owedSeen;

    constructor(IFeed feed) {
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
