// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Owned} from "./access/Owned.sol";
import {IOCR3Verifier} from "./interfaces/IOCR3Verifier.sol";
import {ITypeAndVersion} from "./interfaces/ITypeAndVersion.sol";
import {ConfigData} from "./feed/ConfigData.sol";
import {ECDSAAttestation} from "./ocr3/ECDSAAttestation.sol";

/// @title Tells whether a report is attested by a committee
/// @dev One slot for each digest. Digests of configurations differ between chains and contracts, so an attestation that is
/// valid here was made for the configuration that the owner trusts, and for no other.
contract OCR3Verifier is IOCR3Verifier, ITypeAndVersion, Owned {
    struct Config {
        address keys; // a data contract, see ECDSAAttestation; stays when the configuration is revoked
        uint8 n; // 0: revoked
        uint8 f;
    }

    mapping(bytes32 configDigest => Config) private s_configs;

    /// @inheritdoc IOCR3Verifier
    function verify(bytes32 configDigest, uint64 seqNr, bytes calldata report, bytes calldata attestation)
        external
        view
        override
    {
        Config memory config = s_configs[configDigest];
        if (config.n == 0) revert ConfigNotTrusted(configDigest);
        bytes32 hash = ECDSAAttestation.hashOf(configDigest, seqNr, report);
        ECDSAAttestation.requireValid(config.keys, config.n, config.f, hash, attestation);
    }

    /// @inheritdoc IOCR3Verifier
    function trustConfig(bytes32 configDigest, uint8 n, uint8 f, bytes calldata keys) external override onlyOwner {
        if (f == 0 || 3 * uint256(f) >= n) revert FaultyOraclesOutOfRange(f, n);
        if (s_configs[configDigest].keys != address(0)) revert ConfigDigestUsed(configDigest);
        s_configs[configDigest] = Config(ECDSAAttestation.keep(n, keys), n, f);
        emit ConfigTrusted(configDigest, n, f, keys);
    }

    /// @inheritdoc IOCR3Verifier
    function revokeConfig(bytes32 configDigest) external override onlyOwner {
        if (s_configs[configDigest].n == 0) revert ConfigNotTrusted(configDigest);
        s_configs[configDigest].n = 0;
        emit ConfigRevoked(configDigest);
    }

    /// @inheritdoc IOCR3Verifier
    function getConfig(bytes32 configDigest) external view override returns (uint8 n, uint8 f, bytes memory keys) {
        Config memory config = s_configs[configDigest];
        if (config.n == 0) return (0, 0, "");
        return (config.n, config.f, ConfigData.load(config.keys));
    }

    /// @inheritdoc ITypeAndVersion
    function typeAndVersion() external pure override returns (string memory) {
        return "OCR3Verifier 1.0.0";
    }
}
