// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The name of an OCR1 configuration
/// @dev The chain is no part of it, in this protocol: on two chains, contracts with one address may have configurations of
/// one name. Use other keys there.
library OCR1ConfigDigest {
    function compute(
        address contractAddress,
        uint64 configCount,
        address[] memory signers,
        address[] memory transmitters,
        uint8 threshold,
        uint64 encodedConfigVersion,
        bytes memory encoded
    ) internal pure returns (bytes16) {
        return bytes16(
            keccak256(
                abi.encode(
                    contractAddress, configCount, signers, transmitters, threshold, encodedConfigVersion, encoded
                )
            )
        );
    }
}
