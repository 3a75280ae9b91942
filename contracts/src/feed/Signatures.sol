// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFeed} from "../interfaces/IFeed.sol";

/// @title What is wrong with this signature?
/// @dev The loops that recover signers are in the attestation of each protocol, word by word the same: as one function here
/// they would cost every transmission of OCR2 60 gas, and as one function the copies to memory before them would cost 45.
/// Where four oracles transmit, 17 are left.
library Signatures {
    /// @notice Says what is wrong with the signature at `index`, the first that is not good.
    /// @dev Its signer is still in the word at zero, if nothing was hashed after it was recovered; one who was seen before is
    /// told from one whom nobody knows.
    /// @param config The configuration in memory; see ConfigData.
    /// @param seen Bit i: oracle i has signed.
    function refuse(uint256 config, uint256 index, uint256 seen) internal pure {
        address signer;
        assembly ("memory-safe") {
            signer := mload(0)
        }
        for (uint256 seat = 0; seat < 31; seat++) {
            bool known = seen & (1 << seat) != 0;
            if (known && _signerAt(config, seat) == signer) revert IFeed.DuplicateSigner(index, signer);
        }
        revert IFeed.InvalidSignature(index, signer);
    }

    function _signerAt(uint256 config, uint256 seat) private pure returns (address signer) {
        assembly ("memory-safe") {
            signer := shr(96, mload(add(add(config, 0x180), mul(seat, 20))))
        }
    }
}
