// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ThresholdAggregator} from "../../src/ThresholdAggregator.sol";
import {IAggregatorV2V3} from "../../src/interfaces/IAggregatorV2V3.sol";
import {IGroupKey} from "../../src/interfaces/IGroupKey.sol";
import {IThresholdAggregator} from "../../src/interfaces/IThresholdAggregator.sol";
import {Schnorr} from "../../src/threshold/Schnorr.sol";
import {Mode} from "../support/Modes.sol";
import {Vm} from "../support/Vm.sol";
import {GroupKeySuite} from "./GroupKeySuite.sol";
import {ReadSuite} from "./ReadSuite.sol";

/// @title One feed that a group updates, in any mode
abstract contract ThresholdSuite is GroupKeySuite, ReadSuite, Mode {
    /// @dev Where the rounds are: after owner, pending owner, latest, x and description.
    uint256 private constant ROUNDS = 5;
    uint256 private constant CONTRIBUTORS = (1 << 255) | (1 << 96) | (1 << 95) | 0xd;

    int96 internal constant MIN = type(int96).min + 5;
    int96 internal constant MAX = type(int96).max - 5;

    ThresholdAggregator private feed;

    function setUp() public override {
        super.setUp();
        feed = ThresholdAggregator(address(target));
    }

    function _new(int96 min, int96 max) private returns (ThresholdAggregator) {
        return new ThresholdAggregator(min, max, 8, "ETH / USD", _roundsKept(), _attribution(), _announces());
    }

    function _deploy() internal override returns (IGroupKey) {
        return _new(MIN, MAX);
    }

    function _contributors() private pure returns (uint256) {
        return _attribution() ? CONTRIBUTORS : 0;
    }

    function _sample(uint32 epoch, uint8 round) internal view override returns (uint256) {
        return reportOf(250_000_617_285, uint32(block.timestamp - 5), epoch, round);
    }

    function _message(IGroupKey to, uint256 report) internal view override returns (bytes32) {
        return ThresholdAggregator(address(to)).reportMessage(report, _contributors());
    }

    function _call(uint256 report, Schnorr.Signature memory signature) internal pure override returns (bytes memory) {
        return _call(report, _contributors(), signature);
    }

    function _call(uint256 report, uint256 contributors, Schnorr.Signature memory signature)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(
            IThresholdAggregator.updateAnswer, (IThresholdAggregator.SignedReport(report, contributors, signature))
        );
    }

    function signed(uint256 report, uint256 contributors) private returns (bytes memory) {
        return _call(report, contributors, sign(key(1), feed.reportMessage(report, contributors)));
    }

    // -- as ReadSuite reads

    function _reads() internal view override returns (IAggregatorV2V3) {
        return feed;
    }

    function _makeRound(int96 answer, uint32 observed) internal override {
        (, uint32 epoch,,) = feed.latestUpdate();
        accepted(signed(reportOf(answer, observed, epoch + 1, 0), _contributors()));
    }

    function _kept() internal pure override returns (uint256) {
        return _roundsKept();
    }

    // -- what this feed says of itself

    function test_what_the_feed_is() public view {
        eqInt("minAnswer", feed.minAnswer(), MIN);
        eqInt("maxAnswer", feed.maxAnswer(), MAX);
        eq("roundsKept", feed.roundsKept(), _roundsKept());
        yes("attribution", feed.attribution() == _attribution());
        yes("announces", feed.announces() == _announces());
        eq("version", feed.version(), 1);
        eq("feedId", feed.feedId(), keccak256(abi.encodePacked(uint8(8), "ETH / USD")));
        eq("typeAndVersion", bytes(feed.typeAndVersion()), "ThresholdAggregator 1.0.0");
    }

    function test_what_is_deployed_must_make_sense() public {
        vm.expectRevert(abi.encodeWithSelector(IThresholdAggregator.NoAnswerInRange.selector, 1, 0));
        _new(1, 0);
        ThresholdAggregator one = _new(7, 7);
        eqInt("min", one.minAnswer(), 7);
        eqInt("max", one.maxAnswer(), 7);
        vm.expectRevert(IThresholdAggregator.NoRoundKept.selector);
        new ThresholdAggregator(1, 2, 8, "", 0, _attribution(), _announces());
    }

    function test_a_report_is_bound_to_the_feed() public {
        ThresholdAggregator other =
            new ThresholdAggregator(MIN, MAX, 9, "ETH / USD", _roundsKept(), _attribution(), _announces());
        yes("decimals", other.feedId() != feed.feedId());
        bytes memory words =
            abi.encode(keccak256("dodona threshold report v1"), block.chainid, address(feed), 1, feed.feedId(), 11, 12);
        eq("reportMessage", feed.reportMessage(11, 12), keccak256(words));
        // The same contract, but for its feed, at the same address.
        bytes memory call = update(key(1), 1, 1);
        bytes memory code = address(feed).code;
        vm.etch(address(feed), address(other).code);
        notSigned(call, _sample(1, 1));
        vm.etch(address(feed), code);
        accepted(call);
    }

    // -- updates

    function testFuzz_what_was_signed_is_what_is_read(
        int96 answer,
        uint32 observed,
        uint40 epochAndRound,
        uint256 contributors,
        uint32 time
    ) public {
        vm.assume(epochAndRound != 0);
        vm.warp(time);
        if (answer < MIN) answer = MIN;
        if (answer > MAX) answer = MAX;
        if (!_attribution()) contributors = 0;
        else if (contributors == 0) contributors = 1;

        uint256 report = reportOf(answer, observed, uint32(epochAndRound >> 8), uint8(epochAndRound));
        vm.recordLogs();
        accepted(signed(report, contributors));
        announced(1, answer, observed, contributors);
        state(1, uint32(epochAndRound >> 8), uint8(epochAndRound), 1);
        (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        bytes memory wanted = abi.encode(1, answer, observed, time, 1);
        eq("latestRoundData", abi.encode(id, value, startedAt, updatedAt, answeredIn), wanted);
        (id, value, startedAt, updatedAt, answeredIn) = feed.getRoundData(1);
        eq("getRoundData", abi.encode(id, value, startedAt, updatedAt, answeredIn), wanted);
        eqInt("latestAnswer", feed.latestAnswer(), answer);
        eq("contributors", feed.contributorsOf(1), contributors);
        inStorage(answer, observed, time, epochAndRound, contributors);
    }

    /// @dev The layout that the contract's documentation draws.
    function inStorage(int96 answer, uint32 observed, uint32 time, uint40 epochAndRound, uint256 contributors)
        private
        view
    {
        (, uint8 parity,) = feed.groupKey();
        uint256 round = (uint256(uint96(answer)) << 64) | (uint256(observed) << 32) | time;
        uint256 low = (uint256(epochAndRound) << 56) | (1 << 24) | (1 << 1) | parity;
        bool split = _attribution() || _roundsKept() > 1;
        eq("latest", uint256(vm.load(address(feed), LATEST)), ((split ? contributors >> 96 : round) << 96) | low);
        uint256 slot = ROUNDS + (_roundsKept() == type(uint32).max ? 1 : 1 % _roundsKept());
        uint256 wanted = split ? (round << 96) | uint96(contributors) : 0;
        eq("round", uint256(vm.load(address(feed), bytes32(slot))), wanted);
    }

    function announced(uint256 roundId, int96 answer, uint32 observed, uint256 contributors) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("events", logs.length, (_attribution() ? 1 : 0) + (_announces() ? 2 : 0));
        uint256 i;
        if (_attribution()) {
            eq("Attributed: topics", logs[i].topics.length, 1);
            eq("Attributed: contributors", uint256(logs[i].topics[0]), contributors);
            eq("Attributed: data", logs[i++].data, "");
        }
        if (_announces()) {
            eq("NewRound", logs[i].topics[0], IAggregatorV2V3.NewRound.selector);
            eq("NewRound: round", uint256(logs[i].topics[1]), roundId);
            eq("NewRound: nobody", uint256(logs[i].topics[2]), 0);
            eq("NewRound: observed", logs[i++].data, abi.encode(observed));
            eq("AnswerUpdated", logs[i].topics[0], IAggregatorV2V3.AnswerUpdated.selector);
            eqInt("AnswerUpdated: answer", int256(uint256(logs[i].topics[1])), answer);
            eq("AnswerUpdated: round", uint256(logs[i].topics[2]), roundId);
            eq("AnswerUpdated: time", logs[i].data, abi.encode(block.timestamp));
        }
    }

    /// @dev In 2106 seconds leave 32 bits. As in OCR2 the stored time goes round, and the event has it uncut.
    function testFuzz_a_time_of_more_than_32_bits_is_cut(uint40 time, int96 answer) public {
        vm.assume(answer >= MIN && answer <= MAX);
        vm.warp(time);
        vm.recordLogs();
        accepted(signed(reportOf(answer, 7, 1, 1), _contributors()));
        announced(1, answer, 7, _contributors());
        (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        eq(
            "latestRoundData",
            abi.encode(id, value, startedAt, updatedAt, answeredIn),
            abi.encode(1, answer, 7, uint32(time), 1)
        );
    }

    function testFuzz_answers_are_within_their_bounds(int96 min, int96 max, int96 answer) public {
        vm.assume(min <= max);
        target = feed = _new(min, max);
        install(feed, key(1));
        uint256 report = reportOf(answer, 1, 1, 1);
        bytes memory call = signed(report, _contributors());
        if (answer >= min && answer <= max) accepted(call);
        else refused(call, abi.encodeWithSelector(IThresholdAggregator.AnswerOutOfRange.selector, answer, min, max));
    }

    function test_the_bounds_themselves_are_answers() public {
        _makeRound(MIN, 1);
        _makeRound(MAX, 1);
        bytes4 why = IThresholdAggregator.AnswerOutOfRange.selector;
        refused(signed(reportOf(MIN - 1, 1, 9, 1), _contributors()), abi.encodeWithSelector(why, MIN - 1, MIN, MAX));
        refused(signed(reportOf(MAX + 1, 1, 9, 1), _contributors()), abi.encodeWithSelector(why, MAX + 1, MIN, MAX));
    }

    function testFuzz_contributors_are_named_if_and_only_if_they_are_kept(uint256 contributors) public {
        if (contributors % 2 == 0) contributors = 0;
        bytes memory call = signed(_sample(1, 1), contributors);
        if ((contributors != 0) == _attribution()) {
            accepted(call);
        } else {
            bytes4 why = IGroupKey.ContributorsMismatch.selector;
            refused(call, abi.encodeWithSelector(why, contributors, _attribution()));
        }
    }

    function testFuzz_answer_and_contributors_are_signed(uint256 bit) public {
        uint256 report = reportOf(1 << 40, 1, 1, 1);
        Schnorr.Signature memory signature = sign(key(1), feed.reportMessage(report, _contributors()));
        uint256 other = report ^ (1 << (160 + bit % 94)); // below the bounds all the same
        notSigned(_call(other, signature), other);
        if (_attribution()) {
            uint256 contributors = _contributors() ^ (1 << (bit % 256));
            refused(
                _call(report, contributors, signature),
                abi.encodeWithSelector(IGroupKey.InvalidSignature.selector, feed.reportMessage(report, contributors))
            );
        }
        accepted(_call(report, signature));
    }

    /// @dev The update reads calldata itself, so it is the one to refuse what is no address.
    function testFuzz_an_r_wider_than_an_address_is_refused(uint256 bit) public {
        bytes memory sent = update(key(1), 1, 1);
        uint256 wide = 1 << (160 + bit % 96);
        assembly {
            let at := add(add(sent, 0x24), 0x40)
            mstore(at, or(mload(at), wide))
        }
        notSigned(sent, _sample(1, 1));
    }

    function test_bytes_after_the_call_change_nothing() public {
        accepted(bytes.concat(update(key(1), 1, 1), new bytes(77)));
    }

    function test_contributors_of_earlier_rounds_are_known_as_far_as_they_are_kept() public {
        for (uint256 round = 1; round <= 4; round++) {
            uint256 contributors = _attribution() ? (uint256(keccak256(abi.encode(round))) | 1) : 0;
            accepted(signed(_sample(uint32(round), 1), contributors));
            for (uint256 i = 0; i <= round + 1; i++) {
                uint256 wanted = i == 0 || i > round || !_attribution() ? 0 : uint256(keccak256(abi.encode(i))) | 1;
                if (i < round) wanted = i + _roundsKept() > round ? uint96(wanted) : 0;
                eq("contributors", feed.contributorsOf(i), wanted);
            }
        }
        eq("of no round", feed.contributorsOf(type(uint256).max), 0);
    }

    function test_a_new_key_leaves_the_rounds_alone() public {
        _makeRound(42, 1_699_999_999);
        install(feed, key(2));
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        bytes memory wanted = abi.encode(1, 42, 1_699_999_999, block.timestamp, 1);
        eq("latestRoundData", abi.encode(id, answer, startedAt, updatedAt, answeredIn), wanted);
        eq("contributors", feed.contributorsOf(1), _contributors());
    }
}
