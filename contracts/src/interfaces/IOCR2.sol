// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

import {ITypeAndVersion} from "./ITypeAndVersion.sol";

/// @title What oracles need from any contract that they bring OCR2 or OCR3 reports to
interface IOCR2 is ITypeAndVersion {
    /// @notice A new configuration; oracles follow this event.
    /// @param previousConfigBlockNumber Block of the configuration before, 0 if there is none: a chain of hints backwards.
    /// @param configDigest The name of this configuration; every signature and message of its oracles carries it.
    /// @param configCount How many configurations there were, this one included.
    /// @param signers Addresses of the keys that sign reports; the i-th is oracle i's.
    /// @param transmitters Addresses that may bring reports; the i-th is oracle i's.
    /// @param f How many oracles may lie or fail.
    /// @param onchainConfig What the contract itself needs to know.
    /// @param offchainConfigVersion Which form the next field has.
    /// @param offchainConfig What only the oracles need to know; the contract never looks inside.
    event ConfigSet(
        uint32 previousConfigBlockNumber,
        bytes32 configDigest,
        uint64 configCount,
        address[] signers,
        address[] transmitters,
        uint8 f,
        bytes onchainConfig,
        uint64 offchainConfigVersion,
        bytes offchainConfig
    );

    /// @notice A report was accepted; emitted only by contracts whose `latestConfigDigestAndEpoch` says `scanLogs`.
    event Transmitted(bytes32 configDigest, uint32 epoch);

    /// @notice Sets a new configuration; see `ConfigSet` for the fields.
    function setConfig(
        address[] memory signers,
        address[] memory transmitters,
        uint8 f,
        bytes memory onchainConfig,
        uint64 offchainConfigVersion,
        bytes memory offchainConfig
    ) external;

    /// @notice Takes a report that f+1 oracles signed.
    /// @param reportContext Config digest; 27 zero bytes, epoch (4 bytes) and round (1 byte); extra hash.
    /// @param report The report, opaque to the protocol.
    /// @param rs The r of each signature.
    /// @param ss The s of each signature.
    /// @param rawVs Byte i is the recovery id, 0 or 1, of the i-th signature.
    function transmit(
        bytes32[3] calldata reportContext,
        bytes calldata report,
        bytes32[] calldata rs,
        bytes32[] calldata ss,
        bytes32 rawVs
    ) external;

    /// @notice Where to find the event of the present configuration, and what it is called.
    function latestConfigDetails() external view returns (uint32 configCount, uint32 blockNumber, bytes32 configDigest);

    /// @notice How far the present configuration has come.
    /// @return scanLogs Whether digest and epoch must be learned from `Transmitted` instead.
    /// @return configDigest The present configuration.
    /// @return epoch The epoch of its latest report, 0 before the first.
    function latestConfigDigestAndEpoch() external view returns (bool scanLogs, bytes32 configDigest, uint32 epoch);
}
