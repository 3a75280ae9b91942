// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

import {IOCR3Attestation} from "./IOCR3Attestation.sol";

/// @title Tells whether a report is attested by a committee
/// @notice For reports that users bring along: a consumer asks here, and then uses the report. Several configurations can be
/// trusted at a time, so a change of the committee does not invalidate reports that are on their way.
///
/// A consumer still has to check what only it can know: that the report is about what it wants, and that its sequence number or
/// its time is not older than what it has seen.
interface IOCR3Verifier is IOCR3Attestation {
    /// @notice Reports under this digest are trusted from now on, if f+1 of these oracles signed.
    event ConfigTrusted(bytes32 indexed configDigest, uint8 n, uint8 f, bytes keys);
    event ConfigRevoked(bytes32 indexed configDigest);

    /// @notice f has to be at least 1, and less than a third of n.
    error FaultyOraclesOutOfRange(uint256 f, uint256 n);
    /// @notice A digest names one configuration for ever; also a revoked one does not come back with other keys.
    error ConfigDigestUsed(bytes32 configDigest);
    /// @notice Nobody signs reports under this digest: it was never trusted, or was revoked.
    error ConfigNotTrusted(bytes32 configDigest);

    /// @notice Trusts a configuration. Only the owner.
    /// @param configDigest The digest that its oracles sign.
    /// @param n How many oracles there are.
    /// @param f How many of them may lie or fail.
    /// @param keys 20 bytes for each oracle, in the order of their indexes: the address of its key.
    function trustConfig(bytes32 configDigest, uint8 n, uint8 f, bytes calldata keys) external;

    /// @notice From now on no report under this digest is attested. Only the owner.
    function revokeConfig(bytes32 configDigest) external;

    /// @return n The number of oracles, 0 if the digest is not trusted.
    /// @return f How many of them may lie or fail.
    /// @return keys Their keys.
    function getConfig(bytes32 configDigest) external view returns (uint8 n, uint8 f, bytes memory keys);

    /// @notice Returns if f+1 oracles of this configuration have signed this report with this sequence number, else reverts.
    function verify(bytes32 configDigest, uint64 seqNr, bytes calldata report, bytes calldata attestation) external view;
}
