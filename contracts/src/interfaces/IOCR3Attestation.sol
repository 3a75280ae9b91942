// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// @title Why keys or an attestation are refused
/// @notice An attestation proves that f+1 oracles have signed a report. OCR3 spec 17.2, the ECDSA form:
///
///     attestation  4 bytes, bit i set: oracle i signed; then r (32) and s (32) of exactly f+1 signatures, ascending by oracle
///     signed       keccak256(configDigest (32) || seqNr (32) || keccak256(report))
///     keys         20 bytes for each oracle: the address of its key
///
/// There is no v: a signer whose signature would need v = 28 gives the group order less s instead, and v is always 27.
/// @dev The names are the original's, so that callers know them by their selectors.
interface IOCR3Attestation {
    error KeysOfInvalidSize();
    error InvalidNumberOfKeys();
    /// @notice The bits of an attestation name 32 oracles.
    error MaximumNumberOfKeysExceeded();
    /// @notice A key is the zero address.
    error InvalidKey();
    /// @notice Two oracles have one key, so one of them alone could sign for both. The original accepts that.
    error RepeatedKey(uint256 first, uint256 second);

    error InvalidAttestationLength();
    /// @notice Bits of oracles that do not exist, or more bits than signatures.
    error InvalidAttestationAttributionBitmask();
    /// @notice Fewer than f+1 of the signatures are by the oracles that the bits name.
    error InvalidAttestationNumberOfSignatures();
}
