// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// @title Which contract is this?
interface ITypeAndVersion {
    /// @return The contract's name and version, such as "OCR2Aggregator 1.0.0".
    function typeAndVersion() external pure returns (string memory);
}
