// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOwned} from "../interfaces/IOwned.sol";

/// @title One owner, who hands over in two steps
/// @dev The second step proves that the new owner can act, so ownership is never lost to a mistyped address.
abstract contract Owned is IOwned {
    address public override owner;
    address private s_pendingOwner;

    modifier onlyOwner() {
        _requireOwner();
        _;
    }

    constructor() {
        owner = msg.sender;
    }

    /// @inheritdoc IOwned
    function transferOwnership(address to) external override onlyOwner {
        if (to == msg.sender) revert CannotTransferToSelf(msg.sender);
        s_pendingOwner = to;
        emit OwnershipTransferRequested(msg.sender, to);
    }

    /// @inheritdoc IOwned
    function acceptOwnership() external override {
        if (msg.sender != s_pendingOwner) revert OnlyPendingOwner(msg.sender, s_pendingOwner);
        address from = owner;
        owner = msg.sender;
        s_pendingOwner = address(0);
        emit OwnershipTransferred(from, msg.sender);
    }

    /// @dev A function, so that the modifier does not copy the check into every function that it guards.
    function _requireOwner() private view {
        if (msg.sender != owner) revert OnlyOwner(msg.sender, owner);
    }
}
