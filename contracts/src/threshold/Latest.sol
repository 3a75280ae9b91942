// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The one word of storage that every update of a threshold feed reads and writes
/// @dev From the most significant bit:
///
///     160  what the contract wants to find at once: see ThresholdAggregator and ThresholdBatch
///      40  epoch (32) and round (8) of the oracles' protocol in the latest update under the present key
///      32  latest round of the feed
///      23  generation of the group key
///       1  parity of the group key
///
/// In a report, as it is signed and sent, the upper 160 bits are: what is reported (96: an answer, or a set of feeds), the
/// time of the observations (32), and 32 zero bits where the contract puts its own time. Epoch and round stand where they
/// stand here, and the lower 56 bits are zero. So a report becomes this word by filling in its zeros.
type Latest is uint256;

using {epochAndRound, roundId, generation, parity, head, startedAt, updatedAt, afterUpdate, afterKey} for Latest global;

/// @dev The bits of a report that only the contract fills in.
uint256 constant OWN_BITS = 0xffffffff0000000000ffffffffffffff;
uint256 constant HEAD_AT = 160;
uint256 constant OBSERVED_AT = 128;
uint256 constant UPDATED_AT = 96;
uint256 constant EPOCH_AND_ROUND_AT = 56;
uint256 constant ROUND_ID_AT = 24;
uint256 constant GENERATION_AT = 1;
uint256 constant GENERATION_MAX = (1 << 23) - 1;

/// @return Epoch times 256 plus round of the oracles' protocol; 0 before the first update under the present key.
function epochAndRound(Latest latest) pure returns (uint40) {
    return uint40(Latest.unwrap(latest) >> EPOCH_AND_ROUND_AT);
}

/// @return The latest round of the feed; 0 before the first.
function roundId(Latest latest) pure returns (uint32) {
    return uint32(Latest.unwrap(latest) >> ROUND_ID_AT);
}

/// @return How many group keys there have been, the present one included.
function generation(Latest latest) pure returns (uint32) {
    return uint24(Latest.unwrap(latest)) >> uint24(GENERATION_AT);
}

/// @return 0 or 1: whether the y-coordinate of the group key is odd.
function parity(Latest latest) pure returns (uint8) {
    return uint8(Latest.unwrap(latest) & 1);
}

/// @return The upper 96 bits: an answer as in two's complement, or a set of feeds.
function head(Latest latest) pure returns (uint96) {
    return uint96(Latest.unwrap(latest) >> HEAD_AT);
}

/// @return When the oracles observed.
function startedAt(Latest latest) pure returns (uint32) {
    return uint32(Latest.unwrap(latest) >> OBSERVED_AT);
}

/// @return The time of the block that brought the update.
function updatedAt(Latest latest) pure returns (uint32) {
    return uint32(Latest.unwrap(latest) >> UPDATED_AT);
}

/// @param report Upper 160 bits as they are to be, epoch and round, and 56 zero bits.
/// @return What follows the given word after an update: a round later, under the same key.
/// @dev The round is 32 bits wide; after the last one it is 0 again, and not to be stored.
function afterUpdate(Latest latest, uint256 report) pure returns (Latest) {
    unchecked {
        uint256 kept = (Latest.unwrap(latest) + (1 << ROUND_ID_AT)) & ((1 << EPOCH_AND_ROUND_AT) - 1);
        return Latest.wrap(report | kept);
    }
}

/// @return The same with the next key: a generation later, and no update under it yet. Rounds go on.
/// @param parity_ 0 or 1.
function afterKey(Latest latest, uint8 parity_) pure returns (Latest) {
    uint256 upper = Latest.unwrap(latest) >> UPDATED_AT << UPDATED_AT;
    uint256 next = uint256(generation(latest)) + 1;
    return Latest.wrap(upper | (uint256(roundId(latest)) << ROUND_ID_AT) | (next << GENERATION_AT) | parity_);
}
