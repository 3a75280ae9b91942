// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the calldata of this transaction has cost
/// @dev True for the call that the transaction itself makes.
library CalldataGas {
    uint256 private constant PER_BYTE = 4;
    uint256 private constant PER_NON_ZERO_BYTE_MORE = 12;

    /// @return Gas, for at most 8,160 bytes of calldata.
    function cost() internal pure returns (uint256) {
        unchecked {
            return PER_BYTE * msg.data.length + PER_NON_ZERO_BYTE_MORE * _nonZeroBytes();
        }
    }

    function _nonZeroBytes() private pure returns (uint256 count) {
        assembly ("memory-safe") {
            // 32 counters of a byte each, one for each place in a word: 255 words do not fill them. Behind its end calldata
            // reads as zeros.
            let counters := 0
            let low := 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f
            let ones := 0x0101010101010101010101010101010101010101010101010101010101010101
            for { let at := 0 } lt(at, calldatasize()) { at := add(at, 32) } {
                let bytes_ := calldataload(at)
                // The highest bit of each byte that is not zero: it is set, or the bits below it carry into it.
                counters := add(counters, and(shr(7, or(bytes_, add(and(bytes_, low), low))), ones))
            }
            // Pairs, so that their sum has room; then all of them, by a multiplication that adds them up in the highest lane.
            let pairs := 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff
            counters := add(and(counters, pairs), and(shr(8, counters), pairs))
            count := shr(240, mul(counters, 0x0001000100010001000100010001000100010001000100010001000100010001))
        }
    }
}
