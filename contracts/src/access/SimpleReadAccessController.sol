// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SimpleWriteAccessController} from "./SimpleWriteAccessController.sol";

/// @title The list, plus everyone who reads directly and not through a contract
/// @dev `tx.origin` keeps other contracts out, and nothing else: it is true for every transaction's first call and for
/// every plain `eth_call`. Since EIP-7702 such an account can run code, so this keeps a contract from reading on behalf
/// of strangers, not from reading.
contract SimpleReadAccessController is SimpleWriteAccessController {
    /// @inheritdoc SimpleWriteAccessController
    function hasAccess(address user, bytes memory data) public view virtual override returns (bool) {
        return super.hasAccess(user, data) || user == tx.origin;
    }
}
