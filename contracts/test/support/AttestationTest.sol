// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Check} from "./Check.sol";

/// @title The functions of the original's demonstration contracts
/// @dev Whoever sets a configuration, and whatever digest a report names: the contracts show verifiers, and nothing else.
interface IAttestationDemo {
    function setConfig(uint32 configVersion, uint8 n, uint8 f, bytes calldata keys) external;
    function transmit(bytes32 configDigest, uint64 seqNr, bytes calldata report, bytes calldata attestation) external;
}

/// @title A committee with ECDSA keys that attests reports
abstract contract AttestationTest is Check {
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    bytes32 internal constant DIGEST = bytes32(uint256(0x0001) << 240 | 0xd1935);

    /// @dev keccak of a constant is never zero nor above the order in practice; `vm.addr` would refuse it.
    function keyOf(uint256 oracle) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("attesting key", oracle)));
    }

    function keysOf(uint256 n) internal pure returns (bytes memory keys) {
        for (uint256 i = 0; i < n; i++) {
            keys = bytes.concat(keys, bytes20(vm.addr(keyOf(i))));
        }
    }

    function hashOf(bytes32 digest, uint64 seqNr, bytes memory report) internal pure returns (bytes32) {
        return keccak256(abi.encode(digest, seqNr, keccak256(report)));
    }

    /// @return r and s of the signature that recovers with v = 27.
    function signatureOf(uint256 oracle, bytes32 hash) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf(oracle), hash);
        return bytes.concat(r, v == 27 ? s : bytes32(ORDER - uint256(s)));
    }

    /// @return attestation By the oracles whose bits are set.
    function attest(bytes32 hash, uint32 bits) internal pure returns (bytes memory attestation) {
        attestation = bytes.concat(bytes4(bits));
        for (uint256 i = 0; i < 32; i++) {
            if (bits >> i & 1 == 1) attestation = bytes.concat(attestation, signatureOf(i, hash));
        }
    }

    /// @return bits `count` of n bits, chosen by a seed.
    function pick(uint256 seed, uint256 n, uint256 count) internal pure returns (uint32 bits) {
        for (uint256 left = count; left > 0;) {
            uint32 bit = uint32(1) << uint32(seed % n);
            seed = uint256(keccak256(abi.encode(seed)));
            if (bits & bit != 0) continue;
            bits |= bit;
            left--;
        }
    }
}
