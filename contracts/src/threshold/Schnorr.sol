// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Schnorr signatures over secp256k1, checked with one `ecrecover`
/// @notice A key is a point P, given as its x-coordinate, 0 < x < N, and the parity of y (0 even, 1 odd). A signature is the
/// Ethereum address r of the nonce point R, and s, 0 < s < N. With
///
///     e = keccak256(x (32 bytes) ‖ parity (1) ‖ message (32) ‖ r (20)) mod N
///
/// it is valid if and only if address(sG - eP) = r. It cannot be turned into another signature of the same message: s + N
/// is refused, and any other s belongs to another point, whose address would have to collide with r.
/// @dev `ecrecover(z, 27 + parity, x, t)` is the address of (tP - zG) / x for the point P with this x and parity, so with
/// t = -e * x and z = -s * x it is the address of sG - eP. That x is the number by which everything is divided is why x has to
/// be less than N. Ethereum's precompile gives no address for the point at infinity; Solidity's `ecrecover` then gives zero,
/// which is refused.
library Schnorr {
    /// @param r The Ethereum address of the nonce point.
    /// @param s The response, 0 < s < N.
    struct Signature {
        address r;
        uint256 s;
    }

    /// @dev The order of the curve.
    uint256 internal constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 private constant N_LESS_1 = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140;

    /// @param x Of a key that `isKey` holds for; or zero, with which nothing is valid.
    /// @param parity 0 or 1.
    /// @return valid Whether it is a signature of `message` under the key (x, parity).
    function isValid(uint256 x, uint256 parity, bytes32 message, Signature calldata signature)
        internal
        view
        returns (bool valid)
    {
        assembly ("memory-safe") {
            // The first four words of memory do: two are scratch, the pointer to free memory and the zero behind it are put
            // back. What is hashed is written back to front, since a word is 32 bytes and parity one.
            let r := calldataload(signature)
            let s := calldataload(add(signature, 0x20))
            let free := mload(0x40)
            mstore(0x41, shl(96, r))
            mstore(0x21, message)
            mstore8(0x20, parity)
            mstore(0, x)
            let e := mod(keccak256(0, 0x55), N)

            mstore(0, sub(N, mulmod(s, x, N))) // z
            mstore(0x20, add(27, parity))
            mstore(0x40, x)
            mstore(0x60, sub(N, mulmod(e, x, N))) // t, which is N, and so refused by the precompile, if e is 0
            pop(staticcall(gas(), 1, 0, 0x80, 0, 0x20))
            mstore(0x40, free)
            mstore(0x60, 0)

            // If the precompile finds no address it returns nothing. What it finds is not wider than an address,
            // so neither is an r that is equal. 0 < s < N is s - 1 < N - 1 without signs.
            valid := and(and(eq(mload(0), r), gt(returndatasize(), 0)), and(gt(r, 0), lt(sub(s, 1), N_LESS_1)))
        }
    }

    /// @return Whether (x, parity) can be a key: 0 < x < N, parity 0 or 1. That a point with this x exists is not looked at:
    /// without one `ecrecover` finds nothing, so no signature is valid, a proof of possession least of all.
    function isKey(uint256 x, uint256 parity) internal pure returns (bool) {
        return x != 0 && x < N && parity < 2;
    }
}
