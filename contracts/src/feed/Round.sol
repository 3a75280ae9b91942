// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title One round of an aggregator in one word of storage
/// @dev From the least significant bit: answer (192), and of OCR2 observations timestamp (32), transmission timestamp (32), of
/// OCR1 the time of the block (64). A word and not a struct, so that it is written with one SSTORE and read without a copy in memory. Zero is "no such round".
type Round is uint256;

using {answer, times, timesOfBlock} for Round global;

/// @param answer_ An int192.
/// @param observationsTimestamp_ A uint32.
/// @param transmissionTimestamp_ Cut to 32 bits.
function newRound(int256 answer_, uint256 observationsTimestamp_, uint256 transmissionTimestamp_) pure returns (Round) {
    return Round.wrap(
        (uint256(answer_) & type(uint192).max) | (observationsTimestamp_ << 192) | (transmissionTimestamp_ << 224)
    );
}

/// @notice A round of OCR1.
/// @param answer_ An int192.
/// @param blockTimestamp_ A uint64.
function newRoundOfBlock(int256 answer_, uint256 blockTimestamp_) pure returns (Round) {
    return Round.wrap((uint256(answer_) & type(uint192).max) | (blockTimestamp_ << 192));
}

function answer(Round round) pure returns (int192) {
    return int192(uint192(Round.unwrap(round)));
}

/// @return startedAt When the oracles observed.
/// @return updatedAt The time of the block that brought the round.
function times(Round round) pure returns (uint256 startedAt, uint256 updatedAt) {
    assembly ("memory-safe") {
        startedAt := and(shr(192, round), 0xffffffff)
        updatedAt := shr(224, round)
    }
}

/// @notice The same of a round of OCR1: both are the time of the block.
function timesOfBlock(Round round) pure returns (uint256 startedAt, uint256 updatedAt) {
    assembly ("memory-safe") {
        startedAt := shr(192, round)
        updatedAt := startedAt
    }
}
