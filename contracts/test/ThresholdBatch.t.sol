// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ThresholdBatch} from "../src/ThresholdBatch.sol";
import {ThresholdFeed} from "../src/ThresholdFeed.sol";
import {IAggregatorV2V3} from "../src/interfaces/IAggregatorV2V3.sol";
import {IGroupKey} from "../src/interfaces/IGroupKey.sol";
import {IThresholdBatch} from "../src/interfaces/IThresholdBatch.sol";
import {Schnorr} from "../src/threshold/Schnorr.sol";
import {GroupKeySuite} from "./suites/GroupKeySuite.sol";
import {ReadSuite} from "./suites/ReadSuite.sol";
import {Group} from "./support/Group.sol";
import {Vm} from "./support/Vm.sol";

/// @dev A batch of feeds, with signers.
abstract contract Batches is Group {
    function deploy(uint256 feeds, bool attribution) internal returns (ThresholdBatch) {
        string[] memory descriptions = new string[](feeds);
        uint8[] memory decimals = new uint8[](feeds);
        for (uint256 i = 0; i < feeds; i++) {
            descriptions[i] = string.concat("FEED ", vm.toString(i), " / USD");
            decimals[i] = uint8(i % 19);
        }
        return new ThresholdBatch(descriptions, decimals, attribution);
    }

    /// @return words The answers of the feeds in the set, and noise in the places of others.
    function wordsOf(uint96 set, int64[] memory answers) internal pure returns (uint256[] memory words) {
        uint256 groups;
        for (uint256 g = 0; g < 24; g++) {
            if ((set >> (4 * g)) & 15 != 0) groups++;
        }
        words = new uint256[](groups);
        uint256 next;
        for (uint256 g = 0; g < 24; g++) {
            if ((set >> (4 * g)) & 15 == 0) continue;
            for (uint256 j = 0; j < 4; j++) {
                uint256 feed = 4 * g + j;
                uint64 answer = (set >> feed) & 1 == 0
                    ? uint64(uint256(keccak256(abi.encode("noise", feed))))
                    : uint64(answers[feed]);
                words[next] |= uint256(answer) << (64 * j);
            }
            next++;
        }
    }

    function callOf(ThresholdBatch batch, Key memory by, uint256 head, uint256 contributors, uint256[] memory words)
        internal
        view
        returns (bytes memory)
    {
        Schnorr.Signature memory signature = sign(by, batch.batchMessage(head, contributors, words));
        return abi.encodeCall(batch.updateAnswers, (head, contributors, words, signature));
    }
}

contract ThresholdBatchTest is GroupKeySuite, Batches {
    uint256 private constant FEEDS = 10; // two full groups and a half
    uint96 private constant ALL = (1 << 10) - 1;

    ThresholdBatch private batch;

    function setUp() public override {
        super.setUp();
        batch = ThresholdBatch(address(target));
    }

    function _deploy() internal override returns (IGroupKey) {
        return deploy(FEEDS, true);
    }

    function _sample(uint32 epoch, uint8 round) internal view override returns (uint256) {
        return word(ALL, uint32(block.timestamp - 5), epoch, round);
    }

    function answersOf(uint256 seed) private pure returns (int64[] memory answers) {
        answers = new int64[](96);
        for (uint256 i = 0; i < 96; i++) {
            answers[i] = int64(uint64(uint256(keccak256(abi.encode(seed, i)))));
        }
    }

    function _message(IGroupKey to, uint256 report) internal view override returns (bytes32) {
        return ThresholdBatch(address(to)).batchMessage(report, 1, wordsOf(uint96(report >> 160), answersOf(0)));
    }

    function _call(uint256 report, Schnorr.Signature memory signature) internal pure override returns (bytes memory) {
        uint256[] memory words = wordsOf(uint96(report >> 160), answersOf(0));
        return abi.encodeCall(IThresholdBatch.updateAnswers, (report, 1, words, signature));
    }

    // -- what it says of itself

    function test_what_the_batch_is() public {
        eq("feedCount", batch.feedCount(), FEEDS);
        yes("attribution", batch.attribution());
        eq("typeAndVersion", bytes(batch.typeAndVersion()), "ThresholdBatch 1.0.0");
        bytes memory ids;
        for (uint256 i = 0; i < FEEDS; i++) {
            (string memory description, uint8 decimals) = batch.feedInfo(i);
            eq("description", bytes(description), bytes(string.concat("FEED ", vm.toString(i), " / USD")));
            eq("decimals", decimals, i % 19);
            ids = bytes.concat(ids, keccak256(abi.encodePacked(decimals, description)));
        }
        eq("feedsId", batch.feedsId(), keccak256(ids));
        bytes memory unknown = abi.encodeWithSelector(IThresholdBatch.UnknownFeed.selector, FEEDS, FEEDS);
        vm.expectRevert(unknown);
        batch.feedInfo(FEEDS);
        vm.expectRevert(unknown);
        batch.readFeed(FEEDS);
        vm.expectRevert(unknown);
        new ThresholdFeed(batch, FEEDS);
    }

    function test_there_are_one_to_96_feeds() public {
        deploy(1, false);
        eq("96", deploy(96, false).feedCount(), 96);
        vm.expectRevert(abi.encodeWithSelector(IThresholdBatch.WrongNumberOfFeeds.selector, 0, 0, 96));
        deploy(0, false);
        vm.expectRevert(abi.encodeWithSelector(IThresholdBatch.WrongNumberOfFeeds.selector, 97, 97, 96));
        deploy(97, false);
        vm.expectRevert(abi.encodeWithSelector(IThresholdBatch.WrongNumberOfFeeds.selector, 2, 1, 96));
        new ThresholdBatch(new string[](2), new uint8[](1), false);
    }

    function test_the_message_is_that_of_the_specification() public view {
        uint256[] memory words = new uint256[](2);
        (words[0], words[1]) = (21, 22);
        bytes memory head =
            abi.encode(keccak256("dodona threshold batch v1"), block.chainid, address(batch), 1, batch.feedsId());
        bytes memory tail = abi.encode(11, 12, keccak256(abi.encode(21, 22)));
        eq("batchMessage", batch.batchMessage(11, 12, words), keccak256(bytes.concat(head, tail)));
    }

    // -- updates

    /// @dev What a feed should read like.
    struct Model {
        uint256 round;
        int64 answer;
        uint32 startedAt;
        uint256 updatedAt;
    }

    Model[96] private models;

    function bring(uint96 set, uint256 seed, uint256 contributors) private {
        (,,, uint32 latest) = batch.latestUpdate();
        int64[] memory answers = answersOf(seed);
        uint32 observed = uint32(seed >> 7);
        vm.warp(1_700_000_000 + 60 * uint256(latest));
        uint256 head = word(set, observed, latest + 1, uint8(seed));
        vm.recordLogs();
        accepted(callOf(batch, key(1), head, contributors, wordsOf(set, answers)));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("one event", logs.length, 1);
        eq("its name", logs[0].topics[0], IThresholdBatch.BatchUpdated.selector);
        eq("its round", uint256(logs[0].topics[1]), latest + 1);
        eq("its data", logs[0].data, abi.encode(head, contributors));
        eq("contributors", batch.latestContributors(), contributors);
        for (uint256 feed = 0; feed < 96; feed++) {
            if ((set >> feed) & 1 != 0) models[feed] = Model(latest + 1, answers[feed], observed, block.timestamp);
        }
    }

    function readsLikeModels() private view {
        for (uint256 feed = 0; feed < batch.feedCount(); feed++) {
            (uint32 round, int64 answer, uint32 startedAt, uint32 updatedAt) = batch.readFeed(feed);
            Model memory wanted = models[feed];
            eq(
                vm.toString(feed),
                abi.encode(round, answer, startedAt, updatedAt),
                abi.encode(wanted.round, wanted.answer, wanted.startedAt, wanted.updatedAt)
            );
        }
    }

    function testFuzz_a_feed_is_what_the_last_batch_with_it_said(uint256 seed) public {
        target = batch = deploy(96, true);
        install(batch, key(1));
        readsLikeModels();
        for (uint256 i = 0; i < 4; i++) {
            uint256 noise = uint256(keccak256(abi.encode(seed, i)));
            // Many, few or whole groups; sometimes all.
            uint96 set = uint96(noise);
            if (noise >> 254 == 0) set &= uint96(noise >> 96) & uint96(noise >> 128);
            if (noise >> 254 == 1) set |= ~uint96(uint256(0xf) << ((noise >> 200) % 24 * 4));
            if (noise >> 254 == 2) set = type(uint96).max;
            bring(set == 0 ? 1 : set, noise, noise | 1);
            readsLikeModels();
        }
    }

    function test_every_feed_and_any_single_one_can_be_updated() public {
        bring(ALL, 1, 1);
        readsLikeModels();
        for (uint256 feed = 0; feed < FEEDS; feed++) {
            bring(uint96(1 << feed), 100 + feed, 1 << feed);
            readsLikeModels();
        }
    }

    function test_a_feed_that_is_left_out_keeps_its_age_through_any_number_of_batches_and_keys() public {
        bring(ALL, 1, 1);
        bring(ALL ^ 2, 2, 1);
        bring(ALL ^ 3, 3, 1);
        install(batch, key(1));
        readsLikeModels();
        (uint32 round,,,) = batch.readFeed(1);
        eq("as old as it is", round, 1);
        (round,,,) = batch.readFeed(0);
        eq("as old as it is", round, 2);
        target = batch;
        bytes memory call = callOf(batch, key(1), word(2, 5, 1, 1), 1, wordsOf(2, answersOf(9)));
        accepted(call);
        (round,,,) = batch.readFeed(1);
        eq("new again", round, 4);
    }

    function test_a_time_of_more_than_32_bits_is_cut() public {
        vm.warp((1 << 32) + 9);
        accepted(callOf(batch, key(1), word(1, 5, 1, 1), 1, wordsOf(1, answersOf(9))));
        (uint32 round,, uint32 startedAt, uint32 updatedAt) = batch.readFeed(0);
        eq("times", abi.encode(round, startedAt, updatedAt), abi.encode(1, 5, 9));
    }

    function test_a_stale_batch_is_refused_as_a_whole() public {
        bring(ALL, 1, 1);
        uint256 head = word(uint96(1 << 3), 1_700_000_001, 1, 0);
        bytes memory call = callOf(batch, key(1), head, 1, wordsOf(8, answersOf(5)));
        refused(call, abi.encodeWithSelector(IGroupKey.StaleReport.selector, 1 << 8, (1 << 8) | 1));
        readsLikeModels();
    }

    function test_a_batch_names_feeds_that_are_there() public {
        uint96[4] memory sets = [0, uint96(1 << 10), ALL | uint96(1 << 95), type(uint96).max];
        for (uint256 i = 0; i < 4; i++) {
            uint256 head = word(sets[i], 1, 1, 1);
            bytes memory call = callOf(batch, key(1), head, 1, wordsOf(sets[i], answersOf(0)));
            refused(call, abi.encodeWithSelector(IGroupKey.MalformedReport.selector, head));
        }
    }

    function testFuzz_a_batch_has_a_word_for_each_group_of_four(uint256 seed, uint8 count) public {
        uint96 set = uint96(seed) & ALL;
        if (set == 0) set = 1;
        uint256 wanted = wordsOf(set, answersOf(0)).length;
        uint256 got = count % 6;
        bytes memory call = callOf(batch, key(1), word(set, 1, 1, 1), 1, new uint256[](got));
        if (got == wanted) {
            accepted(call);
        } else if (got > wanted) {
            refused(call, abi.encodeWithSelector(IThresholdBatch.WrongNumberOfAnswers.selector, got, wanted));
        } else {
            refused(call, abi.encodeWithSelector(IThresholdBatch.WrongNumberOfAnswers.selector, got, got + 1));
        }
    }

    function testFuzz_everything_in_a_batch_is_signed(uint256 bit) public {
        uint256[] memory words = wordsOf(ALL, answersOf(3));
        uint256 head = word(ALL, 1, 1, 1);
        Schnorr.Signature memory signature = sign(key(1), batch.batchMessage(head, 7, words));
        uint256 contributors = 7;
        if (bit % 3 == 0) words[bit % words.length] ^= 1 << (bit % 256);
        if (bit % 3 == 1) contributors ^= 1 << (bit % 256);
        if (bit % 3 == 2) head ^= 1 << (160 + bit % FEEDS);
        refused(
            abi.encodeCall(batch.updateAnswers, (head, contributors, words, signature)),
            abi.encodeWithSelector(IGroupKey.InvalidSignature.selector, batch.batchMessage(head, contributors, words))
        );
    }

    function test_contributors_are_named_if_and_only_if_they_are_kept() public {
        bytes4 why = IGroupKey.ContributorsMismatch.selector;
        uint256[] memory words = wordsOf(1, answersOf(0));
        refused(callOf(batch, key(1), word(1, 1, 1, 1), 0, words), abi.encodeWithSelector(why, 0, true));
        target = batch = deploy(1, false);
        install(batch, key(1));
        refused(callOf(batch, key(1), word(1, 1, 1, 1), 1, words), abi.encodeWithSelector(why, 1, false));
        accepted(callOf(batch, key(1), word(1, 1, 1, 1), 0, words));
        eq("contributors", batch.latestContributors(), 0);
    }

    function test_an_r_wider_than_an_address_is_refused() public {
        bytes memory sent = update(key(1), 1, 1);
        assembly {
            let at := add(add(sent, 0x24), 0x60)
            mstore(at, or(mload(at), shl(200, 1)))
        }
        notSigned(sent, _sample(1, 1));
    }
}

/// @dev A feed of a batch is read like any feed; only the latest round is known.
contract ThresholdFeedReadTest is ReadSuite, Batches {
    uint256 private constant INDEX = 6;

    ThresholdBatch private batch;
    ThresholdFeed private feed;

    function setUp() public {
        string[] memory descriptions = new string[](9);
        uint8[] memory decimals = new uint8[](9);
        (descriptions[INDEX], decimals[INDEX]) = ("ETH / USD", 8);
        batch = new ThresholdBatch(descriptions, decimals, false);
        install(batch, key(1));
        feed = new ThresholdFeed(batch, INDEX);
    }

    function _reads() internal view override returns (IAggregatorV2V3) {
        return feed;
    }

    function _makeRound(int96 answer, uint32 observed) internal override {
        make(uint96(1 << INDEX), int64(answer), observed);
    }

    function make(uint96 set, int64 answer, uint32 observed) private {
        (, uint32 epoch,,) = batch.latestUpdate();
        int64[] memory answers = new int64[](96);
        answers[INDEX] = answer;
        uint256 head = word(set, observed, epoch + 1, 0);
        (bool ok, bytes memory ret) = address(batch).call(callOf(batch, key(1), head, 0, wordsOf(set, answers)));
        if (!ok) revert NotEqualBytes("refused", ret, "");
    }

    function _kept() internal pure override returns (uint256) {
        return 1;
    }

    function test_what_the_view_is() public view {
        eq("batch", address(feed.batch()), address(batch));
        eq("feed", feed.feed(), INDEX);
        eq("version", feed.version(), 1);
        eq("typeAndVersion", bytes(feed.typeAndVersion()), "ThresholdFeed 1.0.0");
    }

    function test_negative_answers_are_read_as_they_are() public {
        _makeRound(-5, 1);
        eqInt("latestAnswer", feed.latestAnswer(), -5);
        eqInt("getAnswer", feed.getAnswer(1), -5);
        (, int256 answer,,,) = feed.latestRoundData();
        eqInt("latestRoundData", answer, -5);
    }

    function test_batches_without_the_feed_do_not_make_it_fresh() public {
        vm.warp(1000);
        _makeRound(77, 990);
        vm.warp(2000);
        make(uint96(1 << 2), 0, 1990); // A neighbour in another group,
        make(uint96(1 << 7), 0, 1990); // and one in the same word.
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        eq("latestRoundData", abi.encode(id, answer, startedAt, updatedAt, answeredIn), abi.encode(1, 77, 990, 1000, 1));
        make(uint96(1 << INDEX), 78, 1995);
        (id, answer, startedAt, updatedAt, answeredIn) = feed.latestRoundData();
        eq("then", abi.encode(id, answer, startedAt, updatedAt, answeredIn), abi.encode(4, 78, 1995, 2000, 4));
        eqInt("its earlier round is not kept", feed.getAnswer(1), 0);
    }
}
