// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOCRConfigurationStore} from "./interfaces/IOCRConfigurationStore.sol";
import {ITypeAndVersion} from "./interfaces/ITypeAndVersion.sol";
import {ConfigData} from "./feed/ConfigData.sol";
import {ConfigDigest} from "./ocr2/ConfigDigest.sol";

/// @title Configurations, each under its digest
/// @notice They are kept as the code of data contracts, for 200 gas a byte where storage takes about 700.
contract OCRConfigurationStoreEVMSimple is IOCRConfigurationStore, ITypeAndVersion {
    /// @dev The largest code is 24,576 bytes, of which one is the STOP at the beginning.
    uint256 private constant PART_LENGTH_MAX = 24_575;

    /// @dev The encoding of the configuration, `readConfig`'s answer to the byte, in parts.
    mapping(bytes32 configDigest => address[] parts) private s_parts;

    /// @inheritdoc IOCRConfigurationStore
    function addConfig(ConfigurationEVMSimple calldata configuration) external override returns (bytes32) {
        bytes32 digest = ConfigDigest.compute(
            configuration.contractAddress,
            configuration.configCount,
            configuration.signers,
            configuration.transmitters,
            configuration.f,
            configuration.onchainConfig,
            configuration.offchainConfigVersion,
            configuration.offchainConfig
        );
        if (s_parts[digest].length == 0) _keep(s_parts[digest], abi.encode(configuration));
        emit NewConfiguration(digest);
        return digest;
    }

    /// @inheritdoc IOCRConfigurationStore
    function readConfig(bytes32 configDigest) external view override returns (ConfigurationEVMSimple memory config) {
        address[] memory parts = s_parts[configDigest];
        if (parts.length == 0) return config;
        bytes memory encoded;
        for (uint256 i = 0; i < parts.length; i++) {
            encoded = bytes.concat(encoded, ConfigData.load(parts[i]));
        }
        return abi.decode(encoded, (ConfigurationEVMSimple));
    }

    /// @inheritdoc ITypeAndVersion
    function typeAndVersion() external pure override returns (string memory) {
        return "OCRConfigurationStoreEVMSimple 1.0.0";
    }

    function _keep(address[] storage parts, bytes memory encoded) private {
        for (uint256 from = 0; from < encoded.length; from += PART_LENGTH_MAX) {
            uint256 left = encoded.length - from;
            bytes memory part = new bytes(left < PART_LENGTH_MAX ? left : PART_LENGTH_MAX);
            assembly ("memory-safe") {
                mcopy(add(part, 0x20), add(add(encoded, 0x20), from), mload(part))
            }
            parts.push(ConfigData.deploy(part));
        }
    }
}
