// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR3ECDSAAttestationVerifier} from "../../src/ocr3/OCR3ECDSAAttestationVerifier.sol";
import {IAttestationDemo} from "./AttestationTest.sol";

/// @title The original's demonstration contract, with our verifier
/// @dev Like the original it writes its one slot with each report, though nothing changes, as a contract would that keeps the
/// latest sequence number. So the two can be compared.
contract AttestationDemo is IAttestationDemo, OCR3ECDSAAttestationVerifier {
    uint32 private s_configVersion; // in the slot of the keys, as are the next two
    uint8 private s_n;
    uint8 private s_f;

    function setConfig(uint32 configVersion, uint8 n, uint8 f, bytes calldata keys) external override {
        (s_configVersion, s_n, s_f) = (configVersion, n, f);
        _setVerificationKeys(n, keys);
    }

    function transmit(bytes32 configDigest, uint64 seqNr, bytes calldata report, bytes calldata attestation)
        external
        override
    {
        uint32 configVersion = s_configVersion;
        _verifyAttestation(configDigest, seqNr, s_n, s_f, report, attestation);
        s_configVersion = configVersion;
    }
}
