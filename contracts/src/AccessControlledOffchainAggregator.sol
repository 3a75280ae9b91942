// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;
// The newer coder runs out of stack with twelve arguments of a constructor.
pragma abicoder v1;

import {OffchainAggregator} from "./OffchainAggregator.sol";
import {AccessControlledFeed} from "./feed/AccessControlledFeed.sol";
import {Feed} from "./feed/Feed.sol";
import {IAccessController} from "./interfaces/IAccessController.sol";
import {ILinkToken} from "./interfaces/ILinkToken.sol";

/// @title An OCR1 price feed that only listed contracts can read on chain
contract AccessControlledOffchainAggregator is OffchainAggregator, AccessControlledFeed {
    constructor(
        uint32 maximumGasPrice,
        uint32 reasonableGasPrice,
        uint32 microLinkPerEth,
        uint32 linkGweiPerObservation,
        uint32 linkGweiPerTransmission,
        ILinkToken link,
        int192 minAnswer_,
        int192 maxAnswer_,
        IAccessController billingAccessController_,
        IAccessController requesterAccessController_,
        uint8 decimals_,
        string memory description_
    )
        OffchainAggregator(
            maximumGasPrice,
            reasonableGasPrice,
            microLinkPerEth,
            linkGweiPerObservation,
            linkGweiPerTransmission,
            link,
            minAnswer_,
            maxAnswer_,
            billingAccessController_,
            requesterAccessController_,
            decimals_,
            description_
        )
    {}

    function _requireReader() internal view override(AccessControlledFeed, Feed) {
        AccessControlledFeed._requireReader();
    }

    function typeAndVersion() external pure override returns (string memory) {
        return "AccessControlledOffchainAggregator 4.0.0";
    }
}
