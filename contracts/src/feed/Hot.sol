// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The one word of storage that every transmission reads and writes
/// @dev From the least significant bit: config data contract (160), latest epoch and round of the oracles' protocol (40),
/// latest round of the aggregator (32), history limit (16; see IFeed.setHistoryLimit), number of oracles (8). A word
/// and not a struct, so that it is loaded and stored exactly once per transmission. The assembly of attestations,
/// aggregators and Feed knows this layout.
type Hot is uint256;

using {
    configData,
    epochAndRound,
    roundId,
    historyLimit,
    numberOfOracles,
    afterTransmission,
    withConfigData,
    afterConfig,
    withHistoryLimit
} for Hot global;

uint256 constant EPOCH_AND_ROUND_AT = 160;
uint256 constant ROUND_ID_AT = 200;
uint256 constant HISTORY_LIMIT_AT = 232;
uint256 constant ORACLES_AT = 248;
uint256 constant CONFIG_DATA_MASK = (1 << 160) - 1;

/// @return The contract whose code holds the configuration; 0 before the first.
function configData(Hot hot) pure returns (address) {
    return address(uint160(Hot.unwrap(hot)));
}

/// @return Epoch times 256 plus round of the latest report under the present configuration; 0 before the first.
function epochAndRound(Hot hot) pure returns (uint40) {
    return uint40(Hot.unwrap(hot) >> EPOCH_AND_ROUND_AT);
}

/// @return The latest round of the aggregator; 0 before the first.
function roundId(Hot hot) pure returns (uint32) {
    return uint32(Hot.unwrap(hot) >> ROUND_ID_AT);
}

/// @return How many rounds are kept; 0 means all.
function historyLimit(Hot hot) pure returns (uint16) {
    return uint16(Hot.unwrap(hot) >> HISTORY_LIMIT_AT);
}

/// @return The size of the present committee.
function numberOfOracles(Hot hot) pure returns (uint256) {
    return Hot.unwrap(hot) >> ORACLES_AT;
}

/// @return The same, one round later.
/// @dev The round is 32 bits wide; after the last one it is 0, and the history limit is wrong: not to be stored then.
function afterTransmission(Hot hot, uint256 newEpochAndRound) pure returns (Hot) {
    unchecked {
        uint256 cleared = Hot.unwrap(hot) & ~(uint256(type(uint40).max) << EPOCH_AND_ROUND_AT);
        return Hot.wrap((cleared | (newEpochAndRound << EPOCH_AND_ROUND_AT)) + (1 << ROUND_ID_AT));
    }
}

/// @return The same, with other data of the same configuration.
function withConfigData(Hot hot, address data) pure returns (Hot) {
    return Hot.wrap((Hot.unwrap(hot) & ~CONFIG_DATA_MASK) | uint160(data));
}

/// @return The start of a new configuration: its data, its size, and no report yet. Rounds go on.
function afterConfig(Hot hot, address data, uint256 n) pure returns (Hot) {
    uint256 kept = Hot.unwrap(hot) & (((1 << ORACLES_AT) - 1) ^ ((1 << ROUND_ID_AT) - 1));
    return Hot.wrap(kept | uint160(data) | (n << ORACLES_AT));
}

function withHistoryLimit(Hot hot, uint16 limit) pure returns (Hot) {
    uint256 rest = Hot.unwrap(hot) & ~(uint256(type(uint16).max) << HISTORY_LIMIT_AT);
    return Hot.wrap(rest | (uint256(limit) << HISTORY_LIMIT_AT));
}
