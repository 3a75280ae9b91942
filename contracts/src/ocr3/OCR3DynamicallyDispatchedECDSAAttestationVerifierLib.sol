// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSAAttestation} from "./ECDSAAttestation.sol";

/// @title The verifier as a library on chain, for contracts that choose theirs when they are deployed
/// @notice A drop-in for the original's library of this name: same functions, called by `delegatecall`.
/// @dev The caller hands over the slots that it reserves for keys. The original keeps a key in each; here the first holds the
/// data contract with all keys, and the others stay empty. So a caller that changes libraries sets its keys again.
library OCR3DynamicallyDispatchedECDSAAttestationVerifierLib {
    function setVerificationKeys(uint256[32] storage slots, uint8 n, bytes calldata keys) external {
        slots[0] = uint160(ECDSAAttestation.keep(n, keys));
    }

    function verifyAttestation(
        uint256[32] storage slots,
        uint8 n,
        uint8 f,
        bytes32 reportHash,
        bytes calldata attestation
    ) external view {
        ECDSAAttestation.requireValid(address(uint160(slots[0])), n, f, reportHash, attestation);
    }

    /// @return The selectors of the two functions. A storage argument is part of a signature, so callers cannot compute them.
    function getSelectors() external pure returns (bytes4, bytes4) {
        return (
            OCR3DynamicallyDispatchedECDSAAttestationVerifierLib.setVerificationKeys.selector,
            OCR3DynamicallyDispatchedECDSAAttestationVerifierLib.verifyAttestation.selector
        );
    }
}
