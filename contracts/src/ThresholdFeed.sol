// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAggregatorV2V3} from "./interfaces/IAggregatorV2V3.sol";
import {ITypeAndVersion} from "./interfaces/ITypeAndVersion.sol";
import {IThresholdBatch} from "./interfaces/IThresholdBatch.sol";

/// @title One feed of a batch, in the form that readers of price feeds know
/// @notice Only the latest round is known; earlier ones read like rounds that never were. The feed's rounds grow, but not always by
/// one: they are those of the batch. AnswerUpdated and NewRound are not emitted; the batch emits BatchUpdated.
/// @dev It has no state, no owner, and no power. Anyone may make one.
contract ThresholdFeed is IAggregatorV2V3, ITypeAndVersion {
    IThresholdBatch public immutable batch;
    uint256 public immutable feed;

    uint8 public immutable override decimals;

    /// @dev The version of this kind of aggregator.
    uint256 public constant override version = 1;

    constructor(IThresholdBatch batch_, uint256 feed_) {
        (batch, feed) = (batch_, feed_);
        (, decimals) = batch_.feedInfo(feed_); // Refuses a feed that is not there.
    }

    /// @inheritdoc IAggregatorV2V3
    function latestRoundData()
        external
        view
        override
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        (roundId, answer, startedAt, updatedAt) = batch.readFeed(feed);
        answeredInRound = roundId;
    }

    /// @inheritdoc IAggregatorV2V3
    function getRoundData(uint80 roundId)
        external
        view
        override
        returns (uint80 roundId_, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        if (roundId > type(uint32).max) {
            return (0, 0, 0, 0, 0);
        }
        (uint80 latest, int256 answer_, uint256 startedAt_, uint256 updatedAt_) = batch.readFeed(feed);
        if (roundId != latest) return (roundId, 0, 0, 0, roundId);
        return (roundId, answer_, startedAt_, updatedAt_, roundId);
    }

    /// @inheritdoc IAggregatorV2V3
    function latestAnswer() external view override returns (int256 answer) {
        (, answer,,) = batch.readFeed(feed);
    }

    /// @inheritdoc IAggregatorV2V3
    function latestTimestamp() external view override returns (uint256 updatedAt) {
        (,,, updatedAt) = batch.readFeed(feed);
    }

    /// @inheritdoc IAggregatorV2V3
    function latestRound() external view override returns (uint256 roundId) {
        (roundId,,,) = batch.readFeed(feed);
    }

    /// @inheritdoc IAggregatorV2V3
    function getAnswer(uint256 roundId) external view override returns (int256) {
        (uint256 latest, int256 answer,,) = batch.readFeed(feed);
        return roundId == latest ? answer : int256(0);
    }

    /// @inheritdoc IAggregatorV2V3
    function getTimestamp(uint256 roundId) external view override returns (uint256) {
        (uint256 latest,,, uint256 updatedAt) = batch.readFeed(feed);
        return roundId == latest ? updatedAt : 0;
    }

    /// @inheritdoc IAggregatorV2V3
    function description() external view override returns (string memory text) {
        (text,) = batch.feedInfo(feed);
    }

    /// @inheritdoc ITypeAndVersion
    function typeAndVersion() external pure override returns (string memory) {
        return "ThresholdFeed 1.0.0";
    }
}
