// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ThresholdAggregator} from "../src/ThresholdAggregator.sol";
import {ThresholdBatch} from "../src/ThresholdBatch.sol";
import {IGroupKey} from "../src/interfaces/IGroupKey.sol";
import {IThresholdAggregator} from "../src/interfaces/IThresholdAggregator.sol";
import {Schnorr} from "../src/threshold/Schnorr.sol";
import {Group} from "./support/Group.sol";

/// @title Everybody who acts on a threshold feed and on a batch, at random; and what they have seen
/// @dev The two live side by side under the same keys, so that what is signed for one is tried on the other.
contract ThresholdActors is Group {
    uint256 private constant FEEDS = 9;
    uint96 private constant ALL = (1 << 9) - 1;

    ThresholdAggregator public immutable single;
    ThresholdBatch public immutable batch;

    uint256 public present = 1; // number of the key that both have
    uint32 public epoch;

    uint256 public roundMoved;
    uint256 public epochWentBack;
    uint256 public forgedAccepted;
    uint256 public strangerSetKey;
    uint256 public honestRefused;
    uint256 public accepted;

    mapping(uint256 roundId => bytes32 content) public content;
    mapping(uint256 feed => bytes32 content) public feedContent;

    constructor() {
        single = new ThresholdAggregator(0, type(int96).max, 8, "ETH / USD", type(uint32).max, true, true);
        string[] memory descriptions = new string[](FEEDS);
        batch = new ThresholdBatch(descriptions, new uint8[](FEEDS), true);
        install(single, key(1));
        install(batch, key(1));
        for (uint256 feed = 0; feed < FEEDS; feed++) {
            feedContent[feed] = readOf(feed);
        }
    }

    // -- the group

    function update(uint64 answer, uint32 skip, uint32 time) external {
        vm.warp(uint256(time) + 1);
        epoch += 1 + skip % 3;
        uint256 report = reportOf(int96(uint96(answer)), time, epoch, uint8(skip));
        if (bring(report, 1 + uint256(answer), key(present))) accepted++;
        else honestRefused++;
    }

    function updateBatch(uint96 set, uint256 noise, uint32 skip, uint32 time) external {
        vm.warp(uint256(time) + 1);
        set &= ALL;
        if (set == 0) set = ALL;
        epoch += 1 + skip % 3;
        uint256 head = word(set, time, epoch, uint8(skip));
        if (bringBatch(head, set, noise, key(present))) accepted++;
        else honestRefused++;
    }

    function rotate(uint256 next, bool byGroup) external {
        next = 1 + next % 5;
        Key memory to = key(next);
        IGroupKey[2] memory both = [IGroupKey(single), IGroupKey(batch)];
        for (uint256 i = 0; i < 2; i++) {
            if (byGroup) {
                Schnorr.Signature memory consent = sign(key(present), both[i].rotationMessage(to.x, to.parity));
                vm.prank(address(0xbad));
                both[i].rotateGroupKey(to.x, to.parity, proofOf(both[i], to), consent);
            } else {
                install(both[i], to);
            }
        }
        (present, epoch) = (next, 0);
    }

    // -- others

    /// @dev What must not count: another key's, signed for the other contract, changed, stale, or of an earlier generation.
    function forge(uint256 kind, uint256 noise) external {
        kind = kind % 5;
        uint256 report = reportOf(int96(uint96(uint64(noise))), uint32(noise), epoch + 1, 1);
        bytes32 message = single.reportMessage(report, 1);
        Key memory by = key(present);
        if (kind == 0) by = key(6 + noise % 5);
        if (kind == 1) message = batch.batchMessage(report, 1, new uint256[](0));
        if (kind == 3) {
            (, uint32 latest, uint8 round,) = single.latestUpdate();
            report = reportOf(1, 1, latest, round);
            message = single.reportMessage(report, 1);
        }
        if (kind == 4) {
            (,, uint32 generation) = single.groupKey();
            bytes32 tag = keccak256("dodona threshold report v1");
            message =
                keccak256(abi.encode(tag, block.chainid, address(single), generation - 1, single.feedId(), report, 1));
        }
        Schnorr.Signature memory signature = sign(by, message);
        if (kind == 2) report ^= 1 << (160 + noise % 90);
        if (attempt(report, 1, signature)) forgedAccepted++;
    }

    function strange(address who, uint256 next, uint256 which) external {
        if (who == address(this) || who == address(0)) return;
        Key memory to = key(6 + next % 5);
        Schnorr.Signature memory proof = proofOf(single, to);
        Schnorr.Signature memory consent = sign(to, single.rotationMessage(to.x, to.parity));
        bytes[3] memory calls = [
            abi.encodeCall(single.setGroupKey, (to.x, to.parity, proof)),
            abi.encodeCall(single.rotateGroupKey, (to.x, to.parity, proof, consent)),
            abi.encodeCall(single.transferOwnership, (who))
        ];
        vm.prank(who);
        (bool ok,) = address(single).call(calls[which % 3]);
        if (ok) strangerSetKey++;
    }

    // -- inside

    function bring(uint256 report, uint256 contributors, Key memory by) private returns (bool) {
        return attempt(report, contributors, sign(by, single.reportMessage(report, contributors)));
    }

    function attempt(uint256 report, uint256 contributors, Schnorr.Signature memory signature)
        private
        returns (bool ok)
    {
        (uint32 generation, uint32 e, uint8 r, uint32 round) = single.latestUpdate();
        try single.updateAnswer(IThresholdAggregator.SignedReport(report, contributors, signature)) {
            ok = true;
        } catch {}
        (uint32 generationAfter, uint32 eAfter, uint8 rAfter, uint32 roundAfter) = single.latestUpdate();
        if (roundAfter != round + (ok ? 1 : 0) || generationAfter != generation) roundMoved++;
        if (ok && (uint256(eAfter) << 8) + rAfter <= (uint256(e) << 8) + r) epochWentBack++;
        if (ok) content[roundAfter] = roundContent(roundAfter);
    }

    function bringBatch(uint256 head, uint96 set, uint256 noise, Key memory by) private returns (bool ok) {
        uint256[] memory words = new uint256[]((set & 15 != 0 ? 1 : 0) + ((set >> 4) & 15 != 0 ? 1 : 0) + (set >> 8));
        for (uint256 i = 0; i < words.length; i++) {
            words[i] = uint256(keccak256(abi.encode(noise, i)));
        }
        Schnorr.Signature memory signature = sign(by, batch.batchMessage(head, 1, words));
        (,,, uint32 round) = batch.latestUpdate();
        try batch.updateAnswers(head, 1, words, signature) {
            ok = true;
        } catch {}
        (,,, uint32 roundAfter) = batch.latestUpdate();
        if (roundAfter != round + (ok ? 1 : 0)) roundMoved++;
        for (uint256 feed = 0; feed < FEEDS; feed++) {
            if (ok && (set >> feed) & 1 != 0) feedContent[feed] = readOf(feed);
        }
    }

    function roundContent(uint256 round) public view returns (bytes32) {
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
            single.getRoundData(uint80(round));
        uint96 contributors = uint96(single.contributorsOf(round));
        return keccak256(abi.encode(id, answer, startedAt, updatedAt, answeredIn, contributors));
    }

    function readOf(uint256 feed) public view returns (bytes32) {
        (uint32 round, int64 answer, uint32 startedAt, uint32 updatedAt) = batch.readFeed(feed);
        return keccak256(abi.encode(round, answer, startedAt, updatedAt));
    }
}

/// @dev Numbers are those of docs/Invariants.md.
contract ThresholdInvariantsTest is Group {
    ThresholdActors private actors;

    function setUp() public {
        actors = new ThresholdActors();
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(actors);
    }

    function invariant_61_rounds_grow_by_one_and_never_change() public view {
        eq("steps", actors.roundMoved(), 0);
        uint256 latest = actors.single().latestRound();
        for (uint256 round = 1; round <= latest; round++) {
            eq("content", actors.content(round), actors.roundContent(round));
        }
        eq("none after the latest", actors.single().getTimestamp(latest + 1), 0);
    }

    function invariant_62_epochs_never_go_back_under_one_key() public view {
        eq("steps", actors.epochWentBack(), 0);
    }

    function invariant_63_nothing_changes_without_the_groups_signature() public view {
        eq("forged reports accepted", actors.forgedAccepted(), 0);
    }

    function invariant_64_only_owner_and_group_change_the_key() public {
        eq("strangers' calls that did something", actors.strangerSetKey(), 0);
        (uint256 x,,) = actors.single().groupKey();
        eq("the key of the group", x, key(actors.present()).x);
        eq("owner", actors.single().owner(), address(actors));
    }

    function invariant_65_an_honest_group_is_never_refused() public view {
        eq("refusals", actors.honestRefused(), 0);
    }

    function invariant_66_a_feed_of_a_batch_is_what_the_last_batch_with_it_said() public view {
        for (uint256 feed = 0; feed < actors.batch().feedCount(); feed++) {
            eq("content", actors.feedContent(feed), actors.readOf(feed));
        }
    }
}
