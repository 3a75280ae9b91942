// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// @title Who may do this?
interface IAccessController {
    /// @param user The address that asks.
    /// @param data The call that it wants to make.
    /// @return Whether it may.
    function hasAccess(address user, bytes calldata data) external view returns (bool);
}
