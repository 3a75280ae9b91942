// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// @title Where oracles find the configuration that a digest names
/// @notice For contracts that know only the digest of their configuration, and for chains on which events are hard to find.
/// Anyone may add one: a digest is the hash of what is stored under it, so nothing false can be stored.
///
/// The digest is that of `ConfigDigest`: of this chain, and of the contract and count that the configuration names. The store does not
/// ask whether that contract knows about it, nor whether n and f make sense.
interface IOCRConfigurationStore {
    struct ConfigurationEVMSimple {
        address[] signers;
        address[] transmitters;
        bytes onchainConfig;
        bytes offchainConfig;
        address contractAddress;
        uint64 offchainConfigVersion;
        uint32 configCount;
        uint8 f;
    }

    /// @notice The configuration of this digest can be read from now on, or was added once more.
    event NewConfiguration(bytes32 indexed configDigest);

    /// @return The digest of the configuration.
    function addConfig(ConfigurationEVMSimple calldata configuration) external returns (bytes32);

    /// @return The configuration, empty if nobody has added it.
    function readConfig(bytes32 configDigest) external view returns (ConfigurationEVMSimple memory);
}
