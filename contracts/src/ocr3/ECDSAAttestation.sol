// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOCR3Attestation} from "../interfaces/IOCR3Attestation.sol";
import {ConfigData} from "../feed/ConfigData.sol";

/// @title Is this report signed by f+1 oracles, each with its ECDSA key?
/// @notice The keys live in the code of a data contract, because all of them then cost one EXTCODECOPY: 2,600 gas where
/// storage costs 2,100 for each signer. Formats are described at IOCR3Attestation.
library ECDSAAttestation {
    uint256 private constant KEY_LENGTH = 20;
    uint256 private constant MAX_KEYS = 32;

    /// @dev Byte `(b * 0x077cb531 mod 2^32) >> 27` of this word is i, for each b = 2^i below 2^32: in that number, a de Bruijn
    /// sequence, every run of five bits occurs once, and the multiplication shifts another run to the top.
    uint256 private constant PLACES = 0x00011c021d0e18031e16140f191104081f1b0d17151310071a0c12060b050a09;

    /// @notice Keeps n keys.
    /// @param keys n addresses of 20 bytes, none of them zero and no two the same.
    /// @return pointer The data contract that holds them from now on.
    function keep(uint8 n, bytes calldata keys) internal returns (address pointer) {
        if (keys.length % KEY_LENGTH != 0) revert IOCR3Attestation.KeysOfInvalidSize();
        if (keys.length / KEY_LENGTH != n) revert IOCR3Attestation.InvalidNumberOfKeys();
        if (n > MAX_KEYS) revert IOCR3Attestation.MaximumNumberOfKeysExceeded();
        for (uint256 i = 0; i < n; i++) {
            bytes20 key = _keyAt(keys, i);
            if (key == 0) revert IOCR3Attestation.InvalidKey();
            for (uint256 earlier = 0; earlier < i; earlier++) {
                if (_keyAt(keys, earlier) == key) revert IOCR3Attestation.RepeatedKey(earlier, i);
            }
        }
        return ConfigData.deploy(keys);
    }

    function hashOf(bytes32 configDigest, uint64 seqNr, bytes calldata report) internal pure returns (bytes32) {
        return keccak256(abi.encode(configDigest, seqNr, keccak256(report)));
    }

    /// @notice Requires that exactly f+1 of the n oracles have signed the hash.
    /// @param pointer What `keep` returned for the keys of these n oracles; without keys nothing is ever signed.
    function requireValid(address pointer, uint8 n, uint8 f, bytes32 hash, bytes calldata attestation) internal view {
        uint256 quorum = f + 1;
        if (attestation.length != 4 + 64 * quorum) revert IOCR3Attestation.InvalidAttestationLength();
        uint256 bits = uint32(bytes4(attestation));
        if (bits >> n != 0) revert IOCR3Attestation.InvalidAttestationAttributionBitmask();
        (uint256 good, uint256 left) = _countGood(pointer, n, hash, attestation, bits);
        if (good != quorum) revert IOCR3Attestation.InvalidAttestationNumberOfSignatures();
        if (left != 0) revert IOCR3Attestation.InvalidAttestationAttributionBitmask();
    }

    /// @return good How many signatures are by the oracle of their bit, the lowest bit first.
    /// @return left The bits that are left when all signatures were looked at.
    function _countGood(address pointer, uint256 n, bytes32 hash, bytes calldata attestation, uint256 bits)
        private
        view
        returns (uint256 good, uint256 left)
    {
        left = bits;
        // Uses the memory behind the free pointer without keeping it: the four words that ecrecover, the precompile at
        // address 1, takes (hash, v, r, s), then the keys. A key is read as a word, of which the last 12 bytes are dropped.
        assembly ("memory-safe") {
            let input := mload(0x40)
            let keys := add(input, 0x80)
            mstore(input, hash)
            mstore(add(input, 0x20), 27)
            extcodecopy(pointer, keys, 1, mul(n, 20))
            let end := add(attestation.offset, attestation.length)
            for { let at := add(attestation.offset, 4) } lt(at, end) { at := add(at, 0x40) } {
                let bit := and(left, sub(0, left))
                left := xor(left, bit)
                let seat := byte(and(shr(27, mul(bit, 0x077cb531)), 31), PLACES)
                calldatacopy(add(input, 0x40), at, 0x40)
                // A failed recovery writes nothing, so the word is cleared before. Zero is nobody's key, whatever lies in the
                // memory that is read for a seat without one; and a signature without a bit is nobody's either.
                mstore(0, 0)
                pop(staticcall(gas(), 1, input, 0x80, 0, 0x20))
                let signer := mload(0)
                let same := eq(signer, shr(96, mload(add(keys, mul(seat, 20)))))
                good := add(good, and(same, iszero(or(iszero(signer), iszero(bit)))))
            }
        }
    }

    function _keyAt(bytes calldata keys, uint256 i) private pure returns (bytes20) {
        return bytes20(keys[i * KEY_LENGTH:(i + 1) * KEY_LENGTH]);
    }
}
