// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title How many observations of 16 oracles were not paid yet, in one word of storage
/// @dev Sixteen lanes of 16 bits, from the least significant. A lane holds one more than the count, so that a word never
/// becomes zero, which would make its next change cost as much as a new slot; and it stays at 65,535 once it is there.
type ObservationCounts is uint256;

using {observations, countedAnew, plus} for ObservationCounts global;

/// @dev One in each lane, 15 bits in each lane.
uint256 constant LANES = type(uint256).max / type(uint16).max;
uint256 constant LOW_BITS = LANES * 0x7fff;

/// @return The count of a lane that is in use.
function observations(ObservationCounts counts, uint256 lane) pure returns (uint16) {
    return uint16(ObservationCounts.unwrap(counts) >> (16 * lane)) - 1;
}

/// @return The same with a count of zero in one lane.
function countedAnew(ObservationCounts counts, uint256 lane) pure returns (ObservationCounts) {
    uint256 rest = ObservationCounts.unwrap(counts) & ~(uint256(type(uint16).max) << (16 * lane));
    return ObservationCounts.wrap(rest | (1 << (16 * lane)));
}

/// @param ones One in the lane of each oracle that has observed once more, zero in others.
function plus(ObservationCounts counts, uint256 ones) pure returns (ObservationCounts) {
    unchecked {
        uint256 value = ObservationCounts.unwrap(counts);
        // The highest bit of a lane that is full: it is set, and the bits below it carry into it if one is added.
        uint256 full = ((value & LOW_BITS) + LANES) & value & ~LOW_BITS;
        return ObservationCounts.wrap(value + (ones & ~(full >> 15)));
    }
}
