// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../interfaces/IAccessController.sol";
import {Owned} from "./Owned.sol";

/// @title A list of addresses that may do something, kept by the owner
contract SimpleWriteAccessController is IAccessController, Owned {
    event AddedAccess(address user);
    event RemovedAccess(address user);
    event CheckAccessEnabled();
    event CheckAccessDisabled();

    /// @notice `user` is not on the list of a contract that asks for it.
    error NoAccess(address user);

    /// @notice While this is false everyone has access.
    bool public checkEnabled = true;
    mapping(address user => bool listed) private s_listed;

    /// @inheritdoc IAccessController
    function hasAccess(address user, bytes memory) public view virtual override returns (bool) {
        return s_listed[user] || !checkEnabled;
    }

    function addAccess(address user) external onlyOwner {
        if (s_listed[user]) return;
        s_listed[user] = true;
        emit AddedAccess(user);
    }

    function removeAccess(address user) external onlyOwner {
        if (!s_listed[user]) return;
        s_listed[user] = false;
        emit RemovedAccess(user);
    }

    function enableAccessCheck() external onlyOwner {
        if (checkEnabled) return;
        checkEnabled = true;
        emit CheckAccessEnabled();
    }

    function disableAccessCheck() external onlyOwner {
        if (!checkEnabled) return;
        checkEnabled = false;
        emit CheckAccessDisabled();
    }

    /// @dev About the direct caller. A feed's own list decides by the caller alone, so the call's data is not copied for it.
    function _requireAccess() internal view {
        if (!hasAccess(msg.sender, "")) revert NoAccess(msg.sender);
    }
}
