// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The name of a configuration on an EVM chain
/// @dev OCR2 spec 2.2. Chain, contract and count are part of it, so no two configurations anywhere share a name.
library ConfigDigest {
    /// @dev The first two bytes say which function made the digest; 0x0001 is this one.
    uint256 private constant PREFIX = uint256(0x0001) << 240;
    uint256 private constant PREFIX_MASK = uint256(0xffff) << 240;

    function compute(
        address contractAddress,
        uint64 configCount,
        address[] memory signers,
        address[] memory transmitters,
        uint8 f,
        bytes memory onchainConfig,
        uint64 offchainConfigVersion,
        bytes memory offchainConfig
    ) internal view returns (bytes32) {
        bytes memory encoded = abi.encode(
            block.chainid,
            contractAddress,
            configCount,
            signers,
            transmitters,
            f,
            onchainConfig,
            offchainConfigVersion,
            offchainConfig
        );
        return bytes32((uint256(keccak256(encoded)) & ~PREFIX_MASK) | PREFIX);
    }
}
