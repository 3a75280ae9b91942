// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Schnorr} from "../threshold/Schnorr.sol";
import {IGroupKey} from "./IGroupKey.sol";

/// @title Up to 96 price feeds that are updated together by one signature of their committee
/// @notice A batch names the feeds that it updates. All of it is accepted or none: there is one epoch and round for all feeds, so
/// a batch is either newer than everything here or stale as a whole. **A feed of which the committee has nothing new is
/// left out of the batch**, and then keeps its answer, its round and its times, so that its readers see its age; it does not spoil
/// the others. Were it listed again with its old answer, it would look fresh.
///
/// A consumer reads a feed through its ThresholdFeed, which has the interface that readers of price feeds know.
interface IThresholdBatch is IGroupKey {
    /// @notice Feeds were updated; their answers are in the calldata of the transaction, and can be read.
    /// @param roundId The round of every feed that was updated.
    /// @param head Which feeds (upper 96 bits), when the oracles observed, epoch and round, as in `updateAnswers`.
    /// @param contributors Bit i is oracle i; zero without attribution.
    event BatchUpdated(uint256 indexed roundId, uint256 head, uint256 contributors);

    error WrongNumberOfAnswers(uint256 got, uint256 wanted);
    error WrongNumberOfFeeds(uint256 descriptions, uint256 decimals, uint256 max);
    error UnknownFeed(uint256 got, uint256 feedCount);

    /// @notice Takes a batch that the group signed; anyone may bring it.
    /// @param head From the most significant bit: set of feeds (96; feed i is bit 160 + i of the word), time of the
    /// observations (32), 32 zero bits, epoch (32), round (8), 56 zero bits.
    /// @param contributors Bit i: an observation of oracle i went into an answer. Zero without attribution.
    /// @param answers Groups of four feeds that have at least one in the set, ascending: feed 4g + j of group g is an int64 at bit
    /// 64j of its word. The places of feeds that are not in the set are not looked at.
    /// @param signature The group's, of `batchMessage(head, contributors, answers)`.
    function updateAnswers(
        uint256 head,
        uint256 contributors,
        uint256[] calldata answers,
        Schnorr.Signature calldata signature
    ) external;

    /// @return What the group has to sign for this batch now.
    function batchMessage(uint256 head, uint256 contributors, uint256[] calldata answers)
        external
        view
        returns (bytes32);

    /// @return keccak256 of the ids of all feeds, one after the other, where the id of a feed is keccak256 of its decimals (one
    /// byte) and its description.
    function feedsId() external view returns (bytes32);
    function feedCount() external view returns (uint256);

    /// @notice What a feed is about, and how many digits after the point its answers have.
    function feedInfo(uint256 feed) external view returns (string memory description, uint8 decimals);

    /// @notice The latest update of a feed; all zero before the first.
    /// @return roundId The round of the latest batch that named this feed: it grows with each, by one or more.
    /// @return answer What the batch said.
    /// @return startedAt When the oracles observed.
    /// @return updatedAt The time of the block that brought it.
    function readFeed(uint256 feed)
        external
        view
        returns (uint32 roundId, int64 answer, uint32 startedAt, uint32 updatedAt);

    /// @notice Who contributed to the latest batch; 0 without attribution.
    function latestContributors() external view returns (uint256);
}
