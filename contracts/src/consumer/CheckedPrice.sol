// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAggregatorV2V3} from "../interfaces/IAggregatorV2V3.sol";

/// @title What a consumer demands of a price
/// @notice Made once, checked by `CheckedPrice.requireSound`, and then read with `CheckedPrice.read`.
/// @param feed Where the price comes from: a proxy or an aggregator.
/// @param maxAge How many seconds an answer may be old: the feed's heartbeat and some minutes for the chain.
/// @param decimals The number of digits after the point that `read` returns, whatever the feeds have.
/// @param minPrice The smallest price to act on, in `decimals`. Bounds are for what must be wrong, not for what is unlikely; an
/// aggregator that has bounds of its own stands still at them, so these have to be inside of those.
/// @param maxPrice The largest price to act on, in `decimals`.
/// @param secondFeed Is asked if the first has no good price; zero if there is none.
/// @param secondMaxAge Like `maxAge`, for the second feed.
/// @param sequencer On a rollup, the feed that tells whether the sequencer is up; zero elsewhere.
/// @param gracePeriod How many seconds after the sequencer came back there is no price: time for the users to act and for the
/// feed to catch up.
struct PriceRules {
    IAggregatorV2V3 feed;
    uint32 maxAge;
    uint8 decimals;
    uint128 minPrice;
    uint128 maxPrice;
    IAggregatorV2V3 secondFeed;
    uint32 secondMaxAge;
    IAggregatorV2V3 sequencer;
    uint32 gracePeriod;
}

/// @title One call: a price that was checked, or an error that says what is wrong
/// @notice There is no function that returns a price without all checks. What a consumer still has to decide is what it does
/// without a price: usually, to stop what takes on risk, and to go on with what lowers it.
library CheckedPrice {
    /// @notice The rules themselves are wrong.
    error NoFeed();
    error AgeNotLimited(IAggregatorV2V3 feed);
    error BoundsOutOfOrder(uint256 min, uint256 max);
    error SecondFeedIsFirst(IAggregatorV2V3 feed);
    error NoGracePeriod(IAggregatorV2V3 sequencer);
    error TooManyDecimals(uint8 got, uint8 max);

    /// @notice The feed is not a contract, failed, did not answer in the form of `latestRoundData` and `decimals`, or has more than
    /// 36 decimals.
    error Unreadable(IAggregatorV2V3 feed);
    /// @notice No round yet, or the answer is one that was carried over from an earlier round.
    error RoundIncomplete(IAggregatorV2V3 feed, uint80 roundId, uint80 answeredInRound);
    error NotPositive(IAggregatorV2V3 feed, int256 answer);
    error FromTheFuture(IAggregatorV2V3 feed, uint256 updatedAt, uint256 nowIs);
    error TooOld(IAggregatorV2V3 feed, uint256 age, uint256 maxAge);
    /// @notice The price, in the decimals of the rules, is outside of the bounds. More than 2^256 counts as 2^256 - 1.
    error OutOfBounds(IAggregatorV2V3 feed, uint256 price, uint256 min, uint256 max);
    /// @notice Both feeds failed; each reason is one of the errors above.
    error NoGoodPrice(bytes first, bytes second);

    error SequencerDown(IAggregatorV2V3 sequencer, uint256 since);
    /// @notice The sequencer has not been up for long enough.
    error GracePeriodNotOver(IAggregatorV2V3 sequencer, uint256 up, uint256 gracePeriod);

    /// @dev More digits than any feed has, and few enough for ten to their power to be a number.
    uint8 private constant DECIMALS_MAX = 36;

    /// @dev What a feed said: `latestRoundData`.
    struct Round {
        uint80 roundId;
        int256 answer;
        uint256 startedAt;
        uint256 updatedAt;
        uint80 answeredInRound;
    }

    /// @notice Requires rules that can be relied on. For constructors and setters.
    function requireSound(PriceRules memory rules) internal pure {
        if (address(rules.feed) == address(0)) revert NoFeed();
        if (rules.maxAge == 0) revert AgeNotLimited(rules.feed);
        if (rules.decimals > DECIMALS_MAX) revert TooManyDecimals(rules.decimals, DECIMALS_MAX);
        if (rules.minPrice == 0 || rules.minPrice >= rules.maxPrice) {
            revert BoundsOutOfOrder(rules.minPrice, rules.maxPrice);
        }
        if (address(rules.secondFeed) != address(0)) {
            if (address(rules.secondFeed) == address(rules.feed)) revert SecondFeedIsFirst(rules.feed);
            if (rules.secondMaxAge == 0) revert AgeNotLimited(rules.secondFeed);
        }
        if (address(rules.sequencer) != address(0) && rules.gracePeriod == 0) revert NoGracePeriod(rules.sequencer);
    }

    /// @notice The price now.
    /// @return price A number within the bounds of the rules, with their decimals. A price that has more digits is rounded down.
    function read(PriceRules memory rules) internal view returns (uint256 price) {
        _requireSequencer(rules);
        bytes memory problem;
        (price, problem) = _readFeed(rules, rules.feed, rules.maxAge);
        if (problem.length == 0) return price;
        if (address(rules.secondFeed) == address(0)) _revert(problem);
        bytes memory secondProblem;
        (price, secondProblem) = _readFeed(rules, rules.secondFeed, rules.secondMaxAge);
        if (secondProblem.length != 0) revert NoGoodPrice(problem, secondProblem);
    }

    /// @dev On a rollup whose sequencer was down nobody could act on prices, so no price is good until the grace period is over, the
    /// second feed's neither. The answer of an uptime feed is 0 if the sequencer is up, and its round starts when that changed;
    /// a round without a start is no round yet.
    function _requireSequencer(PriceRules memory rules) private view {
        IAggregatorV2V3 sequencer = rules.sequencer;
        if (address(sequencer) == address(0)) return;
        (bool readable, Round memory round) = _latestRound(sequencer);
        if (!readable) revert Unreadable(sequencer);
        if (round.startedAt == 0) revert RoundIncomplete(sequencer, round.roundId, round.answeredInRound);
        if (round.answer != 0) revert SequencerDown(sequencer, round.startedAt);
        if (round.startedAt > block.timestamp) revert FromTheFuture(sequencer, round.startedAt, block.timestamp);
        uint256 up = block.timestamp - round.startedAt;
        if (up <= rules.gracePeriod) revert GracePeriodNotOver(sequencer, up, rules.gracePeriod);
    }

    /// @return price The price, if there is no problem.
    /// @return problem An error of this library, encoded; empty if there is none.
    function _readFeed(PriceRules memory rules, IAggregatorV2V3 feed, uint256 maxAge)
        private
        view
        returns (uint256 price, bytes memory problem)
    {
        (bool readable, Round memory round) = _latestRound(feed);
        uint256 digits;
        // Not asked twice if it failed: it may burn all that it is given, and what is left is for the second feed.
        if (readable) (readable, digits) = _decimals(feed);
        if (!readable) return (0, abi.encodeWithSelector(Unreadable.selector, feed));
        if (round.updatedAt == 0 || round.answeredInRound < round.roundId) {
            return (0, abi.encodeWithSelector(RoundIncomplete.selector, feed, round.roundId, round.answeredInRound));
        }
        if (round.answer <= 0) return (0, abi.encodeWithSelector(NotPositive.selector, feed, round.answer));
        if (round.updatedAt > block.timestamp) {
            return (0, abi.encodeWithSelector(FromTheFuture.selector, feed, round.updatedAt, block.timestamp));
        }
        uint256 age = block.timestamp - round.updatedAt;
        if (age > maxAge) return (0, abi.encodeWithSelector(TooOld.selector, feed, age, maxAge));
        price = _scale(uint256(round.answer), digits, rules.decimals);
        if (price < rules.minPrice || price > rules.maxPrice) {
            problem = abi.encodeWithSelector(OutOfBounds.selector, feed, price, rules.minPrice, rules.maxPrice);
        }
    }

    /// @return The answer with `to` digits after the point instead of `from`; both are at most DECIMALS_MAX.
    function _scale(uint256 answer, uint256 from, uint256 to) private pure returns (uint256) {
        if (from >= to) return answer / 10 ** (from - to);
        uint256 factor = 10 ** (to - from);
        return answer > type(uint256).max / factor ? type(uint256).max : answer * factor;
    }

    function _latestRound(IAggregatorV2V3 feed) private view returns (bool readable, Round memory round) {
        uint256[5] memory words;
        (readable, words) = _ask(feed, feed.latestRoundData.selector, 5);
        readable = readable && words[0] <= type(uint80).max && words[4] <= type(uint80).max;
        round = Round(uint80(words[0]), int256(words[1]), words[2], words[3], uint80(words[4]));
    }

    function _decimals(IAggregatorV2V3 feed) private view returns (bool readable, uint256 digits) {
        uint256[5] memory words;
        (readable, words) = _ask(feed, feed.decimals.selector, 1);
        digits = words[0];
        readable = readable && digits <= DECIMALS_MAX;
    }

    /// @notice Calls a function without arguments that answers with `count` words, at most five.
    /// @dev Not a call as Solidity makes it, because that reverts here if the other side fails, has no code, or answers in another
    /// form; and not one that copies the answer, because that may be as long as the other side likes.
    ///
    /// A sender cannot make the first feed fail by a lack of gas and be served by the second: a call takes 63 of 64 parts
    /// of the gas, so for what is left to be enough for the second, the first had more than thirty times what a feed needs.
    function _ask(IAggregatorV2V3 feed, bytes4 selector, uint256 count)
        private
        view
        returns (bool readable, uint256[5] memory words)
    {
        assembly ("memory-safe") {
            mstore(0, selector)
            let length := shl(5, count)
            readable := staticcall(gas(), feed, 0, 4, words, length)
            readable := and(readable, iszero(lt(returndatasize(), length)))
        }
    }

    function _revert(bytes memory problem) private pure {
        assembly ("memory-safe") {
            revert(add(problem, 0x20), mload(problem))
        }
    }
}
