// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Owned} from "./access/Owned.sol";
import {IAccessController} from "./interfaces/IAccessController.sol";
import {IAggregatorV2V3} from "./interfaces/IAggregatorV2V3.sol";
import {IFeedProxy} from "./interfaces/IFeedProxy.sol";
import {ITypeAndVersion} from "./interfaces/ITypeAndVersion.sol";

/// @title An address for a feed that stays when its aggregator is replaced
contract FeedProxy is IFeedProxy, ITypeAndVersion, Owned {
    uint256 private constant PHASE_AT = 64;
    uint256 private constant ROUND_MAX = type(uint80).max;

    /// @dev One slot, and all that a read needs of a proxy without access control.
    struct Current {
        IAggregatorV2V3 aggregator;
        uint16 phaseId;
        uint8 decimals;
        bool restricted; // there is an access controller
    }

    Current private s_current;
    IAccessController public override accessController;
    IAggregatorV2V3 public override proposedAggregator;
    mapping(uint16 phase => IAggregatorV2V3) public override phaseAggregators;

    modifier checkAccess() {
        if (s_current.restricted) _requireAccess();
        _;
    }

    constructor(IAggregatorV2V3 aggregator_, IAccessController controller) {
        _begin(aggregator_);
        _setController(controller);
    }

    // -- the present phase

    /// @inheritdoc IAggregatorV2V3
    function latestRoundData()
        external
        view
        override
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        (IAggregatorV2V3 current, uint16 phase) = _current();
        (roundId, answer, startedAt, updatedAt, answeredInRound) = current.latestRoundData();
        return (_join(phase, roundId), answer, startedAt, updatedAt, _join(phase, answeredInRound));
    }

    /// @inheritdoc IAggregatorV2V3
    function latestAnswer() external view override returns (int256) {
        (IAggregatorV2V3 current,) = _current();
        return current.latestAnswer();
    }

    /// @inheritdoc IAggregatorV2V3
    function latestTimestamp() external view override returns (uint256) {
        (IAggregatorV2V3 current,) = _current();
        return current.latestTimestamp();
    }

    /// @inheritdoc IAggregatorV2V3
    function latestRound() external view override returns (uint256) {
        (IAggregatorV2V3 current, uint16 phase) = _current();
        return _join(phase, current.latestRound());
    }

    /// @inheritdoc IAggregatorV2V3
    function decimals() external view override returns (uint8) {
        return s_current.decimals;
    }

    /// @inheritdoc IAggregatorV2V3
    function description() external view override returns (string memory) {
        return s_current.aggregator.description();
    }

    /// @inheritdoc IAggregatorV2V3
    function version() external view override returns (uint256) {
        return s_current.aggregator.version();
    }

    // -- all phases

    /// @inheritdoc IAggregatorV2V3
    function getRoundData(uint80 roundId_)
        external
        view
        override
        checkAccess
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        (uint16 phase, uint64 round) = _split(roundId_);
        IAggregatorV2V3 old = phaseAggregators[phase];
        if (address(old) == address(0)) revert UnknownPhase(phase);
        (roundId, answer, startedAt, updatedAt, answeredInRound) = old.getRoundData(round);
        return (_join(phase, roundId), answer, startedAt, updatedAt, _join(phase, answeredInRound));
    }

    /// @inheritdoc IAggregatorV2V3
    function getAnswer(uint256 roundId) external view override checkAccess returns (int256) {
        (IAggregatorV2V3 old, uint64 round) = _find(roundId);
        return address(old) == address(0) ? int256(0) : old.getAnswer(round);
    }

    /// @inheritdoc IAggregatorV2V3
    function getTimestamp(uint256 roundId) external view override checkAccess returns (uint256) {
        (IAggregatorV2V3 old, uint64 round) = _find(roundId);
        return address(old) == address(0) ? 0 : old.getTimestamp(round);
    }

    /// @inheritdoc IFeedProxy
    function aggregator() external view override returns (IAggregatorV2V3) {
        return s_current.aggregator;
    }

    /// @inheritdoc IFeedProxy
    function phaseId() external view override returns (uint16) {
        return s_current.phaseId;
    }

    // -- the next phase

    /// @inheritdoc IFeedProxy
    function proposeAggregator(IAggregatorV2V3 aggregator_) external override onlyOwner {
        proposedAggregator = aggregator_;
        emit AggregatorProposed(s_current.aggregator, aggregator_);
    }

    /// @inheritdoc IFeedProxy
    function proposedLatestRoundData()
        external
        view
        override
        checkAccess
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return _proposed().latestRoundData();
    }

    /// @inheritdoc IFeedProxy
    function proposedGetRoundData(uint80 roundId_)
        external
        view
        override
        checkAccess
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return _proposed().getRoundData(roundId_);
    }

    /// @inheritdoc IFeedProxy
    function confirmAggregator(IAggregatorV2V3 aggregator_) external override onlyOwner {
        if (address(aggregator_) != address(proposedAggregator)) revert InvalidProposedAggregator(aggregator_, proposedAggregator);
        uint8 wanted = s_current.decimals;
        delete proposedAggregator;
        _begin(aggregator_);
        if (s_current.decimals != wanted) revert DecimalsDiffer(s_current.decimals, wanted);
    }

    /// @inheritdoc IFeedProxy
    function setController(IAccessController controller) external override onlyOwner {
        _setController(controller);
    }

    /// @inheritdoc ITypeAndVersion
    function typeAndVersion() external pure override returns (string memory) {
        return "FeedProxy 1.0.0";
    }

    function _begin(IAggregatorV2V3 aggregator_) private {
        if (address(aggregator_).code.length == 0) revert NotAnAggregator(aggregator_);
        IAggregatorV2V3 previous = s_current.aggregator;
        uint16 phase = s_current.phaseId + 1;
        (s_current.aggregator, s_current.phaseId) = (aggregator_, phase);
        s_current.decimals = aggregator_.decimals();
        phaseAggregators[phase] = aggregator_;
        emit AggregatorConfirmed(previous, aggregator_, phase);
    }

    function _setController(IAccessController controller) private {
        emit AccessControllerSet(accessController, controller);
        accessController = controller;
        s_current.restricted = address(controller) != address(0);
    }

    /// @dev What `checkAccess` does, with the one read of the slot that a price needs.
    function _current() private view returns (IAggregatorV2V3, uint16) {
        Current storage current = s_current;
        (IAggregatorV2V3 aggregator_, uint16 phaseId_, bool restricted) =
            (current.aggregator, current.phaseId, current.restricted);
        if (restricted) _requireAccess();
        return (aggregator_, phaseId_);
    }

    function _requireAccess() private view {
        if (!accessController.hasAccess(msg.sender, msg.data)) revert NoAccess(msg.sender);
    }

    function _proposed() private view returns (IAggregatorV2V3 proposed) {
        proposed = proposedAggregator;
        if (address(proposed) == address(0)) revert NoProposedAggregator();
    }

    /// @return old The aggregator of a round, zero if there is none.
    /// @return round The round's number there.
    function _find(uint256 roundId) private view returns (IAggregatorV2V3 old, uint64 round) {
        if (roundId > ROUND_MAX) return (old, round);
        uint16 phase;
        (phase, round) = _split(roundId);
        old = phaseAggregators[phase];
    }

    /// @dev An aggregator's rounds fit in 64 bits; more is cut off, as in the original.
    function _join(uint16 phase, uint256 round) private pure returns (uint80) {
        return uint80((uint256(phase) << PHASE_AT) | uint64(round));
    }

    function _split(uint256 roundId) private pure returns (uint16 phase, uint64 round) {
        return (uint16(roundId >> PHASE_AT), uint64(roundId));
    }
}
