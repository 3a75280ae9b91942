// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Who has signed?
library Quorum {
    /// @notice Looks for the first signature that is not one of a signer who was not seen before.
    /// @param config What ConfigData.loadHot has loaded.
    /// @param rs As many as ss, and at most 31.
    /// @return index How many signatures there are before it: all of them, if there is none.
    /// @return signer Who made that signature, zero if nobody can have.
    /// @return repeated Whether that signer was seen before; otherwise it is no signer of the configuration.
    function firstFault(uint256 config, bytes32 hash, bytes32[] calldata rs, bytes32[] calldata ss, bytes32 rawVs)
        internal
        view
        returns (uint256 index, address signer, bool repeated)
    {
        assembly ("memory-safe") {
            // ecrecover, the precompile at address 1, takes hash, v, r, s from memory; v is 27 or 28.
            let input := mload(0x40)
            mstore(input, hash)
            let seen := 0 // bit i: oracle i has signed
            let multiplier := mload(add(config, 0x020))
            for {} lt(index, rs.length) { index := add(index, 1) } {
                let at32 := shl(5, index)
                mstore(add(input, 0x20), add(byte(index, rawVs), 27))
                mstore(add(input, 0x40), calldataload(add(rs.offset, at32)))
                mstore(add(input, 0x60), calldataload(add(ss.offset, at32)))
                // A failed recovery writes nothing, so the word is cleared before; zero is never a signer.
                mstore(0, 0)
                pop(staticcall(gas(), 1, input, 0x80, 0, 0x20))
                signer := mload(0)

                // The seat table names the only seat that this signer can have; see ConfigData. Both reads stay inside of
                // what loadHot has reserved, since a byte is at most 255 and a seat at most 30.
                let seat := byte(0, mload(add(add(config, 0x080), byte(0, mul(signer, multiplier)))))
                let seated := shr(96, mload(add(add(config, 0x180), mul(seat, 20))))
                let bit := shl(seat, 1)
                if or(xor(signer, seated), and(seen, bit)) {
                    repeated := eq(signer, seated)
                    break
                }
                seen := or(seen, bit)
            }
        }
    }
}
