// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SimpleReadAccessController} from "../access/SimpleReadAccessController.sol";
import {Feed} from "./Feed.sol";

/// @title A price feed that only listed contracts can read on chain
/// @notice Everyone can read it off chain. The owner of the feed keeps the list.
abstract contract AccessControlledFeed is Feed, SimpleReadAccessController {
    function _requireReader() internal view virtual override {
        _requireAccess();
    }
}
