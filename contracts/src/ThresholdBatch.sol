// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IThresholdBatch} from "./interfaces/IThresholdBatch.sol";
import {ITypeAndVersion} from "./interfaces/ITypeAndVersion.sol";
import {GroupKey} from "./threshold/GroupKey.sol";
import {HEAD_AT, Latest, UPDATED_AT} from "./threshold/Latest.sol";
import {Schnorr} from "./threshold/Schnorr.sol";

/// @title Up to 96 price feeds that are updated together by one signature of their committee
/// @notice See IGroupKey for what one signature proves, IThresholdBatch for what becomes of a feed that a batch leaves out.
/// @dev What is shared by all feeds of a batch is stored once, and four answers are a word:
///
///     latest          feeds of the latest batch 96 | observed 32 | updated 32 | epoch and round 40 | round 32 | key 24
///     answers[g]      feeds 4g+3, 4g+2, 4g+1, 4g: int64 each
///     left[feed]      the latest word of the last batch that had this feed, if the latest one has not
///
/// A feed's time and round are those of the latest word while the latest batch has it. The first batch without it writes them
/// to `left`, so leaving a feed out costs once, and a batch with every feed costs nothing for it. The list of feeds is fixed
/// at creation and part of what is signed; other feeds are another contract.
contract ThresholdBatch is IThresholdBatch, GroupKey {
    struct Info {
        string description;
        uint8 decimals;
    }

    bytes32 private constant BATCH = keccak256("dodona threshold batch v1");
    uint256 private constant MAX_FEEDS = 96;
    /// @dev The lowest bit of each of the four answers of a word.
    uint256 private constant LOWEST = 1 | (1 << 64) | (1 << 128) | (1 << 192);

    bytes32 public immutable override feedsId;
    uint256 public immutable override feedCount;

    uint256[MAX_FEEDS / 4] private s_answers;
    Latest[MAX_FEEDS] private s_left;
    uint256 private s_contributors;
    Info[] private s_infos;

    /// @param descriptions What the answers of each feed are about, for people; batches are bound to it.
    /// @param decimals Digits after the point of each feed's answers, which are 64 bits wide: 18 digits in all.
    /// @param attribution_ Whether batches name whose observations went into them.
    constructor(string[] memory descriptions, uint8[] memory decimals, bool attribution_) GroupKey(attribution_) {
        uint256 count = descriptions.length;
        if (count == 0 || count > MAX_FEEDS || decimals.length != count) {
            revert WrongNumberOfFeeds(count, decimals.length, MAX_FEEDS);
        }
        bytes memory ids;
        for (uint256 i = 0; i < count; i++) {
            s_infos.push(Info(descriptions[i], decimals[i]));
            ids = bytes.concat(ids, keccak256(abi.encodePacked(decimals[i], descriptions[i])));
        }
        (feedCount, feedsId) = (count, keccak256(ids));
    }

    // -- updates

    /// @inheritdoc IThresholdBatch
    function updateAnswers(
        uint256 head,
        uint256 contributors,
        uint256[] calldata answers,
        Schnorr.Signature calldata signature
    ) external override {
        Latest latest = s_latest;
        _requireNext(latest, head, contributors);
        uint256 feeds = head >> HEAD_AT;
        if (feeds == 0 || feeds >> feedCount != 0) revert MalformedReport(head);
        _requireSigned(latest, _message(latest, head, contributors, answers), signature);

        _leave(latest, latest.head() & ~feeds);
        _answer(feeds, answers);
        latest = latest.afterUpdate(head);
        uint256 roundId = latest.roundId();
        if (roundId == 0) revert RoundsExhausted(); // It went round.
        s_latest = Latest.wrap(Latest.unwrap(latest) | (uint256(uint32(block.timestamp)) << UPDATED_AT));
        if (attribution) s_contributors = contributors;
        emit BatchUpdated(roundId, head, contributors);
    }

    /// @dev Keeps the times and rounds of feeds that were in the latest batch and are not in the next.
    function _leave(Latest latest, uint256 feeds) private {
        for (uint256 feed = 0; feeds != 0; feed++) {
            if (feeds & 1 != 0) s_left[feed] = latest;
            feeds >>= 1;
        }
    }

    /// @dev Stores the answers of the given feeds, and leaves those of others alone.
    function _answer(uint256 feeds, uint256[] calldata answers) private {
        unchecked {
            uint256 used;
            for (uint256 group = 0; feeds != 0; group++) {
                uint256 four = feeds & 15;
                feeds >>= 4;
                if (four == 0) continue;
                if (used == answers.length) revert WrongNumberOfAnswers(answers.length, used + 1);
                uint256 word;
                assembly ("memory-safe") {
                    word := calldataload(add(answers.offset, shl(5, used))) // used is less than the length
                }
                used++;
                if (four != 15) {
                    // Bit i of four moves to bit 64 * i, and fills the 64 bits from there.
                    uint256 mask = ((four | (four << 63) | (four << 126) | (four << 189)) & LOWEST) * type(uint64).max;
                    word = (word & mask) | (s_answers[group] & ~mask);
                }
                assembly ("memory-safe") {
                    sstore(add(s_answers.slot, group), word) // a set of 96 has 24 groups, and so has the array
                }
            }
            if (used != answers.length) revert WrongNumberOfAnswers(answers.length, used);
        }
    }

    /// @inheritdoc IThresholdBatch
    function batchMessage(uint256 head, uint256 contributors, uint256[] calldata answers)
        external
        view
        override
        returns (bytes32)
    {
        return _message(s_latest, head, contributors, answers);
    }

    function _message(Latest latest, uint256 head, uint256 contributors, uint256[] calldata answers)
        private
        view
        returns (bytes32)
    {
        bytes32 hash = keccak256(abi.encodePacked(answers));
        return keccak256(
            abi.encode(BATCH, block.chainid, address(this), latest.generation(), feedsId, head, contributors, hash)
        );
    }

    // -- reading

    /// @inheritdoc IThresholdBatch
    function readFeed(uint256 feed)
        external
        view
        override
        returns (uint32 roundId, int64 answer, uint32 startedAt, uint32 updatedAt)
    {
        _requireFeed(feed);
        Latest latest = s_latest;
        if ((latest.head() >> feed) & 1 == 0) latest = s_left[feed];
        answer = int64(uint64(s_answers[feed / 4] >> (64 * (feed % 4))));
        return (latest.roundId(), answer, latest.startedAt(), latest.updatedAt());
    }

    /// @inheritdoc IThresholdBatch
    function feedInfo(uint256 feed) external view override returns (string memory description, uint8 decimals) {
        _requireFeed(feed);
        return (s_infos[feed].description, s_infos[feed].decimals);
    }

    /// @inheritdoc IThresholdBatch
    function latestContributors() external view override returns (uint256) {
        return s_contributors;
    }

    /// @inheritdoc ITypeAndVersion
    function typeAndVersion() external pure override returns (string memory) {
        return "ThresholdBatch 1.0.0";
    }

    function _requireFeed(uint256 feed) private view {
        if (feed >= feedCount) revert UnknownFeed(feed, feedCount);
    }
}
