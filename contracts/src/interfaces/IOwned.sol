// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// @title One owner, who hands over in two steps
interface IOwned {
    /// @notice The owner offers ownership to `to`, who has to accept.
    event OwnershipTransferRequested(address indexed from, address indexed to);
    event OwnershipTransferred(address indexed from, address indexed to);

    /// @notice A function of the owner was called by `caller`.
    error OnlyOwner(address caller, address owner);
    /// @notice Only the address that was offered ownership can accept it.
    error OnlyPendingOwner(address caller, address pendingOwner);
    error CannotTransferToSelf(address caller);

    function owner() external view returns (address);
    function transferOwnership(address to) external;
    function acceptOwnership() external;
}
