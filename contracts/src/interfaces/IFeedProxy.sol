// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

import {IAccessController} from "./IAccessController.sol";
import {IAggregatorV2V3} from "./IAggregatorV2V3.sol";

/// @title An address for a feed that stays when its aggregator is replaced
/// @notice Each aggregator is a phase, counted from 1. A round of the proxy is `phase << 64 | round of that aggregator`, so rounds
/// only grow, and old ones are read from the aggregator that made them. The first round of a phase is `phase << 64 | 1`:
/// do not count rounds backwards across phases.
///
/// Reads of prices are open, or for those whom the access controller admits, if there is one.
interface IFeedProxy is IAggregatorV2V3 {
    event AggregatorProposed(IAggregatorV2V3 indexed current, IAggregatorV2V3 indexed proposed);
    event AggregatorConfirmed(IAggregatorV2V3 indexed previous, IAggregatorV2V3 indexed latest, uint16 phaseId);
    event AccessControllerSet(IAccessController old, IAccessController current);

    /// @notice The access controller does not admit the caller.
    error NoAccess(address user);
    error NoProposedAggregator();
    error InvalidProposedAggregator(IAggregatorV2V3 got, IAggregatorV2V3 proposed);
    /// @notice There is no contract at this address.
    error NotAnAggregator(IAggregatorV2V3 aggregator);
    /// @notice Consumers rely on the number of digits that they have seen.
    error DecimalsDiffer(uint8 got, uint8 wanted);
    error UnknownPhase(uint16 phaseId);

    /// @notice Names the aggregator that comes next, so that everyone can look at it; zero takes a proposal back. Only the owner.
    function proposeAggregator(IAggregatorV2V3 aggregator) external;

    /// @notice Begins a new phase with the proposed aggregator, which is named again. Only the owner.
    function confirmAggregator(IAggregatorV2V3 aggregator) external;

    /// @notice Sets who may read prices; zero: everyone. Only the owner.
    function setController(IAccessController controller) external;

    function aggregator() external view returns (IAggregatorV2V3);
    function phaseId() external view returns (uint16);
    /// @return The aggregator of a phase, zero if there was no such phase yet.
    function phaseAggregators(uint16 phase) external view returns (IAggregatorV2V3);
    /// @return The proposed aggregator, zero if there is none.
    function proposedAggregator() external view returns (IAggregatorV2V3);
    function accessController() external view returns (IAccessController);

    /// @notice The same as `getRoundData` of the proposed aggregator, with its own round ids.
    function proposedGetRoundData(uint80 roundId)
        external
        view
        returns (uint80 roundId_, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice The same as `latestRoundData` of the proposed aggregator, with its own round ids.
    function proposedLatestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
