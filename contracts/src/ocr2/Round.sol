// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title One round of an aggregator in one word of storage
/// @dev From the least significant bit: answer (192), observations timestamp (32), transmission timestamp (32). A word and
/// not a struct, so that it is written with one SSTORE and read without a copy in memory. Zero is "no such round".
type Round is uint256;

using {answer, observationsTimestamp, transmissionTimestamp} for Round global;

function newRound(int192 answer_, uint32 observationsTimestamp_, uint32 transmissionTimestamp_) pure returns (Round) {
    return Round.wrap(
        uint256(uint192(answer_)) | (uint256(observationsTimestamp_) << 192) | (uint256(transmissionTimestamp_) << 224)
    );
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
