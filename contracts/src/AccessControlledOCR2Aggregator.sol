// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR2Aggregator} from "./OCR2Aggregator.sol";
import {SimpleReadAccessController} from "./access/SimpleReadAccessController.sol";
import {IAccessController} from "./interfaces/IAccessController.sol";
import {ILinkToken} from "./interfaces/ILinkToken.sol";

/// @title A price feed that only listed contracts can read on chain
/// @notice Everyone can read it off chain. The owner of the feed keeps the list.
contract AccessControlledOCR2Aggregator is OCR2Aggregator, SimpleReadAccessController {
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

    function latestRoundData()
        public
        view
        override
        checkAccess
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return super.latestRoundData();
    }

    function getRoundData(uint80 roundId)
        public
        view
        override
        checkAccess
        returns (uint80 roundId_, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return super.getRoundData(roundId);
    }

    function latestAnswer() public view override checkAccess returns (int256) {
        return super.latestAnswer();
    }

    function latestTimestamp() public view override checkAccess returns (uint256) {
        return super.latestTimestamp();
    }

    function latestRound() public view override checkAccess returns (uint256) {
        return super.latestRound();
    }

    function getAnswer(uint256 roundId) public view override checkAccess returns (int256) {
        return super.getAnswer(roundId);
    }

    function getTimestamp(uint256 roundId) public view override checkAccess returns (uint256) {
        return super.getTimestamp(roundId);
    }

    function description() public view override checkAccess returns (string memory) {
        return super.description();
    }

    function typeAndVersion() external pure override returns (string memory) {
        return "AccessControlledOCR2Aggregator 1.0.0";
    }
}
