// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// @title What a consumer reads from a price feed, in the form that readers of Chainlink feeds know
/// @notice Times are seconds since 1970. Answers are fixed-point numbers with `decimals()` digits after the point.
/// A round here is the aggregator's own number, which grows by one with every accepted report; it is not the round of
/// the oracles' protocol. Round 0 is "no round yet".
interface IAggregatorV2V3 {
    /// @notice A new answer is available.
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    /// @notice A round began; OCR rounds begin and end with one transaction, so nobody "started" it.
    event NewRound(uint256 indexed roundId, address indexed startedBy, uint256 startedAt);

    /// @return The answer of the latest round, 0 before the first.
    function latestAnswer() external view returns (int256);

    /// @return The time of the block that brought the latest round, 0 before the first.
    function latestTimestamp() external view returns (uint256);

    /// @return The latest round, 0 before the first.
    function latestRound() external view returns (uint256);

    /// @return The answer of a round, 0 if that round is not known.
    function getAnswer(uint256 roundId) external view returns (int256);

    /// @return The block time of a round, 0 if that round is not known.
    function getTimestamp(uint256 roundId) external view returns (uint256);

    /// @return The number of digits after the point of every answer.
    function decimals() external view returns (uint8);

    /// @return What the answers are about, for people.
    function description() external view returns (string memory);

    /// @return The version of the aggregator's interface.
    function version() external view returns (uint256);

    /// @notice The data of one round.
    /// @return roundId_ The given number, 0 if it can never be a round.
    /// @return answer The answer, 0 if the round is not known.
    /// @return startedAt When the oracles observed (OCR2) or the block time (OCR1).
    /// @return updatedAt The time of the block that brought the round.
    /// @return answeredInRound The same as roundId_.
    function getRoundData(uint80 roundId)
        external
        view
        returns (uint80 roundId_, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice The data of the latest round; all zero before the first.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
