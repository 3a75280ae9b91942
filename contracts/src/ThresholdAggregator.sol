// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAggregatorV2V3} from "./interfaces/IAggregatorV2V3.sol";
import {IThresholdAggregator} from "./interfaces/IThresholdAggregator.sol";
import {ITypeAndVersion} from "./interfaces/ITypeAndVersion.sol";
import {GroupKey} from "./threshold/GroupKey.sol";
import {Latest, OWN_BITS} from "./threshold/Latest.sol";
import {Schnorr} from "./threshold/Schnorr.sol";

/// @title A price feed that is updated by one signature of its whole committee
/// @notice See IGroupKey for what one signature proves, and what it loses against the f+1 of OCR2. Up to 256 oracles; the
/// price of an update does not depend on how many.
/// @dev Where things are. A feed that keeps one round, without attribution, is one word:
///
///     latest         answer 96 | observed 32 | updated 32 | epoch and round 40 | round 32 | key 24
///
/// With history or attribution a round has a word of its own, in a ring of as many words as rounds are kept, and the room that
/// it leaves is taken by the set of contributors, whose 256 bits are in two places:
///
///     latest         contributors 96 to 255 (160) | epoch and round 40 | round 32 | key 24
///     rounds[round]  answer 96 | observed 32 | updated 32 | contributors 0 to 95 (96)
///
/// So an update writes one word or two, never three; the latest round's contributors are all in storage whatever n is, and
/// for n <= 96 so are those of every round that is kept. An answer is 96 bits wide for that: 28 digits.
contract ThresholdAggregator is IThresholdAggregator, GroupKey {
    bytes32 private constant REPORT = keccak256("dodona threshold report v1");
    uint256 private constant CONTRIBUTORS_IN_ROUND = 96;

    /// @dev The length of the ring of rounds; 0 if the one round that is kept is in the latest word.
    uint256 private immutable i_ring;

    /// @dev The least word that begins with an acceptable answer, and how far from it, modulo 2^256, the greatest one is.
    uint256 private immutable i_lowest;
    uint256 private immutable i_span;

    uint32 public immutable override roundsKept;
    bool public immutable override announces;
    bytes32 public immutable override feedId;
    uint8 public immutable override decimals;

    /// @dev The version of this kind of aggregator.
    uint256 public constant override version = 1;

    string private s_description;

    /// @dev An array as long as there can be rounds costs no hash per access, as a mapping would.
    uint256[1 << 32] private s_rounds;

    /// @param minAnswer_ The smallest answer that is accepted.
    /// @param maxAnswer_ The largest answer that is accepted.
    /// @param decimals_ Digits after the point of every answer.
    /// @param description_ What the answers are about, for people; reports are bound to it.
    /// @param roundsKept_ How many rounds can be read, at least 1; 2^32 - 1: all. An update is cheapest with 1, and 17,100 gas
    /// cheaper with few than with all, once they are full.
    /// @param attribution_ Whether reports name whose observations went into the answer.
    /// @param announces_ Whether each round is announced with AnswerUpdated and NewRound.
    constructor(
        int96 minAnswer_,
        int96 maxAnswer_,
        uint8 decimals_,
        string memory description_,
        uint32 roundsKept_,
        bool attribution_,
        bool announces_
    ) GroupKey(attribution_) {
        if (roundsKept_ == 0) revert NoRoundKept();
        if (minAnswer_ > maxAnswer_) revert NoAnswerInRange(minAnswer_, maxAnswer_);
        unchecked {
            i_lowest = uint256(int256(minAnswer_)) << 160;
            i_span = (uint256(int256(maxAnswer_) - minAnswer_) << 160) | type(uint160).max;
        }
        (decimals, s_description) = (decimals_, description_);
        (roundsKept, announces) = (roundsKept_, announces_);
        feedId = keccak256(abi.encodePacked(decimals_, description_));
        if (roundsKept_ == type(uint32).max) i_ring = 1 << 32;
        else if (roundsKept_ > 1 || attribution_) i_ring = roundsKept_;
    }

    // -- updates

    /// @inheritdoc IThresholdAggregator
    function updateAnswer(SignedReport calldata signed) external override {
        Latest latest = s_latest;
        uint256 report;
        uint256 contributors;
        {
            (uint256 lowest, uint256 span, bool attributed) = (i_lowest, i_span, attribution);
            bool fine;
            assembly ("memory-safe") {
                // The one argument is of fixed size, so it begins behind the selector.
                report := calldataload(0x04)
                contributors := calldataload(0x24)
                // The answer is the uppermost part of the word, so it is within its bounds if and only if the word is no further
                // from the lowest one than the highest is. Epoch and round are the uppermost of the low 96 bits, and in a
                // report only zeros are below: so the newer one has the greater low bits.
                let low := 0xffffffffffffffffffffffff
                fine := and(
                    and(iszero(and(report, OWN_BITS)), gt(and(report, low), and(latest, low))),
                    and(iszero(gt(sub(report, lowest), span)), xor(iszero(contributors), attributed))
                )
            }
            if (!fine) _refuse(latest, report, contributors);
        }

        if (!Schnorr.isValid(s_x, Latest.unwrap(latest) & 1, _message(latest, report, contributors), signed.signature))
        {
            revert InvalidSignature(_message(latest, report, contributors));
        }

        uint256 ring = i_ring;
        uint256 roundId;
        assembly ("memory-safe") {
            // As Latest.afterUpdate.
            let next := and(add(latest, 0x1000000), 0xffffffffffffff)
            roundId := shr(24, next)
            next := or(or(report, next), shl(96, and(timestamp(), 0xffffffff)))
            if ring {
                // The two words exchange their low 96 bits; then the one is the round, and the other the latest word.
                let change := and(xor(next, contributors), 0xffffffffffffffffffffffff)
                sstore(add(s_rounds.slot, mod(roundId, ring)), xor(next, change))
                next := xor(contributors, change)
            }
            sstore(s_latest.slot, next)
        }
        if (roundId == 0) revert RoundsExhausted(); // It went round.

        if (attribution) {
            assembly ("memory-safe") {
                log1(0, 0, contributors) // Attributed, which is anonymous: its only topic is the set.
            }
        }
        if (announces) {
            emit NewRound(roundId, address(0), uint32(report >> 128));
            emit AnswerUpdated(int256(report) >> 160, roundId, block.timestamp);
        }
        assembly ("memory-safe") {
            stop() // There is nothing to return and nothing to clean up.
        }
    }

    /// @dev Says what is wrong with a report that is not acceptable, whatever its signature.
    function _refuse(Latest latest, uint256 report, uint256 contributors) private view {
        _requireNext(latest, report, contributors);
        revert AnswerOutOfRange(int96(int256(report) >> 160), minAnswer(), maxAnswer());
    }

    /// @inheritdoc IThresholdAggregator
    function reportMessage(uint256 report, uint256 contributors) external view override returns (bytes32) {
        return _message(s_latest, report, contributors);
    }

    /// @dev keccak256(abi.encode(REPORT, block.chainid, address(this), generation, feedId, report, contributors)), written behind
    /// the memory in use.
    function _message(Latest latest, uint256 report, uint256 contributors) private view returns (bytes32 message) {
        uint256 generation = latest.generation();
        bytes32 feed = feedId;
        bytes32 kind = REPORT;
        assembly ("memory-safe") {
            let end := mload(0x40)
            mstore(end, kind)
            mstore(add(end, 0x20), chainid())
            mstore(add(end, 0x40), address())
            mstore(add(end, 0x60), generation)
            mstore(add(end, 0x80), feed)
            mstore(add(end, 0xa0), report)
            mstore(add(end, 0xc0), contributors)
            message := keccak256(end, 0xe0)
        }
    }

    // -- answers

    /// @inheritdoc IAggregatorV2V3
    function latestRoundData()
        external
        view
        override
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Latest latest = s_latest;
        uint256 ring = i_ring;
        assembly ("memory-safe") {
            // As in _kept and Latest. The call ends here, so memory is free to be written.
            roundId := and(shr(24, latest), 0xffffffff)
            let round := latest
            if ring { round := sload(add(s_rounds.slot, mod(roundId, ring))) }
            answer := sar(160, round)
            startedAt := and(shr(128, round), 0xffffffff)
            updatedAt := and(shr(96, round), 0xffffffff)
            answeredInRound := roundId
            mstore(0x00, roundId)
            mstore(0x20, answer)
            mstore(0x40, startedAt)
            mstore(0x60, updatedAt)
            mstore(0x80, answeredInRound)
            return(0, 0xa0)
        }
    }

    /// @inheritdoc IAggregatorV2V3
    function getRoundData(uint80 roundId)
        external
        view
        override
        returns (uint80 roundId_, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        if (roundId > type(uint32).max) {
            return (0, 0, 0, 0, 0);
        }
        Latest round = _round(s_latest, roundId);
        return (roundId, _answer(round), round.startedAt(), round.updatedAt(), roundId);
    }

    /// @inheritdoc IAggregatorV2V3
    function latestAnswer() external view override returns (int256) {
        Latest latest = s_latest;
        return _answer(_kept(latest, latest.roundId()));
    }

    /// @inheritdoc IAggregatorV2V3
    function latestTimestamp() external view override returns (uint256) {
        Latest latest = s_latest;
        return _kept(latest, latest.roundId()).updatedAt();
    }

    /// @inheritdoc IAggregatorV2V3
    function latestRound() external view override returns (uint256) {
        return s_latest.roundId();
    }

    /// @inheritdoc IAggregatorV2V3
    function getAnswer(uint256 roundId) external view override returns (int256) {
        return _answer(_round(s_latest, roundId));
    }

    /// @inheritdoc IAggregatorV2V3
    function getTimestamp(uint256 roundId) external view override returns (uint256) {
        return _round(s_latest, roundId).updatedAt();
    }

    /// @inheritdoc IThresholdAggregator
    function contributorsOf(uint256 roundId) external view override returns (uint256) {
        if (!attribution) return 0;
        Latest latest = s_latest;
        uint256 contributors = uint96(Latest.unwrap(_round(latest, roundId)));
        if (roundId == latest.roundId()) contributors |= Latest.unwrap(latest) >> 96 << 96;
        return contributors;
    }

    /// @inheritdoc IThresholdAggregator
    function minAnswer() public view override returns (int96) {
        return int96(uint96(i_lowest >> 160));
    }

    /// @inheritdoc IThresholdAggregator
    function maxAnswer() public view override returns (int96) {
        unchecked {
            return int96(uint96((i_lowest + i_span) >> 160));
        }
    }

    /// @inheritdoc IAggregatorV2V3
    function description() external view override returns (string memory) {
        return s_description;
    }

    /// @inheritdoc ITypeAndVersion
    function typeAndVersion() external pure override returns (string memory) {
        return "ThresholdAggregator 1.0.0";
    }

    /// @return As `_kept`; zero if the round is not known, or not kept any more.
    function _round(Latest latest, uint256 roundId) private view returns (Latest) {
        uint256 newest = latest.roundId();
        if (roundId > newest || roundId + roundsKept <= newest || roundId == 0) return Latest.wrap(0);
        return _kept(latest, roundId);
    }

    /// @param roundId One that is kept; or the latest, which is zero before the first round, and so is its word.
    /// @return round A word whose upper 160 bits are those of the round.
    function _kept(Latest latest, uint256 roundId) private view returns (Latest round) {
        uint256 ring = i_ring;
        if (ring == 0) return latest;
        assembly ("memory-safe") {
            round := sload(add(s_rounds.slot, mod(roundId, ring)))
        }
    }

    function _answer(Latest round) private pure returns (int256) {
        return int96(round.head());
    }
}
