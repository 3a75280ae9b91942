// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// @title Is told of every new answer
interface IAggregatorValidator {
    /// @notice Called with a fixed amount of gas after each accepted report. The aggregator ignores result and failure.
    function validate(uint256 previousRoundId, int256 previousAnswer, uint256 currentRoundId, int256 currentAnswer)
        external
        returns (bool);
}
