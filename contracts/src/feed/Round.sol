// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title One round of an aggregator in one word of storage
/// @dev From the least significant bit: answer (192), and of OCR2 observations timestamp (32), transmission timestamp (32), of
/// OCR1 the time of the block (64). A word and not a struct, so that it is written with one SSTORE and read without a copy in memory. Zero is "no such round".
type Round is uint256;

using {answer, observationsTimestamp, transmissionTimestamp, blockTimestamp} for Round global;

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

/// @return When the oracles observed.
function observationsTimestamp(Round round) pure returns (uint32) {
    return uint32(Round.unwrap(round) >> 192);
}

/// @return The time of the block that brought the round.
function transmissionTimestamp(Round round) pure returns (uint32) {
    return uint32(Round.unwrap(round) >> 224);
}

/// @return The time of the block that brought the round, of OCR1.
function blockTimestamp(Round round) pure returns (uint64) {
    return uint64(Round.unwrap(round) >> 192);
}
