// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR2Aggregator} from "./OCR2Aggregator.sol";
import {AccessControlledFeed} from "./feed/AccessControlledFeed.sol";
import {Feed} from "./feed/Feed.sol";
import {IAccessController} from "./interfaces/IAccessController.sol";
import {ILinkToken} from "./interfaces/ILinkToken.sol";

/// @title An OCR2 price feed that only listed contracts can read on chain
contract AccessControlledOCR2Aggregator is OCR2Aggregator, AccessControlledFeed {
    constructor(
        ILinkToken link,
        int192 minAnswer_,
        int192 maxAnswer_,
        IAccessController billingAccessController,
        IAccessController requesterAccessController,
        uint8 decimals_,
        string memory description_
    )
        OCR2Aggregator(
            link, minAnswer_, maxAnswer_, billingAccessController, requesterAccessController, decimals_, description_
        )
    {}

    function _requireReader() internal view override(AccessControlledFeed, Feed) {
        AccessControlledFeed._requireReader();
    }

    function typeAndVersion() external pure override returns (string memory) {
        return "AccessControlledOCR2Aggregator 1.0.0";
    }
}
