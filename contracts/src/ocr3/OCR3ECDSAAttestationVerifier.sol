// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOCR3Attestation} from "../interfaces/IOCR3Attestation.sol";
import {ECDSAAttestation} from "./ECDSAAttestation.sol";

/// @title The base of a contract that takes OCR3 reports
/// @notice The inheriting contract says who may set keys, keeps n, f and the config digest, and refuses old sequence numbers:
/// an attestation is valid for ever and for everyone. OCR3Verifier is such a contract.
/// @dev Its first variables share the slot of the keys if they are small (12 bytes). A contract whose n, f and latest
/// sequence number are there reads one slot for a report.
abstract contract OCR3ECDSAAttestationVerifier is IOCR3Attestation {
    address private s_keys;

    /// @notice Replaces the keys.
    /// @param n How many oracles there are, at most 32.
    /// @param keys Their addresses, 20 bytes each.
    function _setVerificationKeys(uint8 n, bytes calldata keys) internal {
        s_keys = ECDSAAttestation.keep(n, keys);
    }

    /// @notice Requires that f+1 of the n oracles whose keys were set have signed this report.
    function _verifyAttestation(
        bytes32 configDigest,
        uint64 seqNr,
        uint8 n,
        uint8 f,
        bytes calldata report,
        bytes calldata attestation
    ) internal view {
        bytes32 hash = ECDSAAttestation.hashOf(configDigest, seqNr, report);
        ECDSAAttestation.requireValid(s_keys, n, f, hash, attestation);
    }
}
