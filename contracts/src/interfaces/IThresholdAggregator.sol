// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Schnorr} from "../threshold/Schnorr.sol";
import {IAggregatorV2V3} from "./IAggregatorV2V3.sol";
import {IGroupKey} from "./IGroupKey.sol";

/// @title A price feed that is updated by one signature of its whole committee
interface IThresholdAggregator is IAggregatorV2V3, IGroupKey {
    /// @notice What the group signed, as it stands in the calldata.
    /// @param report From the most significant bit: answer (int96), time of the observations (32), 32 zero bits, epoch (32),
    /// round (8), 56 zero bits.
    /// @param contributors Bit i: the observation of oracle i went into the answer. Zero if this feed has no attribution.
    /// @param signature The group's, of `reportMessage(report, contributors)`.
    struct SignedReport {
        uint256 report;
        uint256 contributors;
        Schnorr.Signature signature;
    }

    /// @notice Whose observations went into the round that has just been made. A feed with attribution emits it once for each
    /// round, so the k-th of its contract belongs to round k.
    /// @param contributors Bit i is oracle i.
    event Attributed(uint256 indexed contributors) anonymous;

    error AnswerOutOfRange(int96 got, int96 min, int96 max);
    error NoAnswerInRange(int96 min, int96 max);
    error NoRoundKept();

    /// @notice Takes a report that the group signed; anyone may bring it.
    function updateAnswer(SignedReport calldata signed) external;

    /// @return What the group has to sign for this report now.
    function reportMessage(uint256 report, uint256 contributors) external view returns (bytes32);

    /// @return keccak256 of `decimals` (one byte) and `description`: what a report is about.
    function feedId() external view returns (bytes32);

    /// @notice Who contributed to a round, as far as it is stored: all of the latest round; of earlier rounds that are kept,
    /// oracles 0 to 95 (the event has all); 0 without attribution.
    function contributorsOf(uint256 roundId) external view returns (uint256);

    /// @return How many rounds can be read, from the latest on back; 2^32 - 1 means all.
    function roundsKept() external view returns (uint32);

    /// @return Whether each round is announced with AnswerUpdated and NewRound.
    function announces() external view returns (bool);

    /// @return The smallest answer that is accepted.
    function minAnswer() external view returns (int96);
    /// @return The largest answer that is accepted. Outside these bounds the feed stands still and keeps its last answer:
    /// consumers must look at `updatedAt`.
    function maxAnswer() external view returns (int96);
}
