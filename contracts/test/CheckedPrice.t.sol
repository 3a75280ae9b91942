// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CheckedPrice, PriceRules} from "../src/consumer/CheckedPrice.sol";
import {IAggregatorV2V3} from "../src/interfaces/IAggregatorV2V3.sol";
import {Check} from "./support/Check.sol";
import {ScriptedFeed} from "./support/ScriptedFeed.sol";

/// @dev The library as a consumer has it: inside of a contract.
contract PriceReader {
    function requireSound(PriceRules memory rules) external pure {
        CheckedPrice.requireSound(rules);
    }

    function read(PriceRules memory rules) external view returns (uint256) {
        return CheckedPrice.read(rules);
    }
}

contract CheckedPriceTest is Check {
    PriceReader private s_reader = new PriceReader();
    ScriptedFeed private s_feed = new ScriptedFeed(8);
    ScriptedFeed private s_second = new ScriptedFeed(18);
    ScriptedFeed private s_sequencer = new ScriptedFeed(0);
    IAggregatorV2V3 private constant NONE = IAggregatorV2V3(address(0));
    uint256 private constant NOW = 1_700_000_000;

    function setUp() public {
        vm.warp(NOW);
        s_feed.say(2500e8, NOW - 60, NOW - 50);
        s_second.say(2501e18, NOW - 60, NOW - 50);
        s_sequencer.say(0, NOW - 4000, NOW - 10);
    }

    function _rules() private view returns (PriceRules memory) {
        return PriceRules(s_feed, 3600, 18, 1e18, 1e24, NONE, 0, NONE, 0);
    }

    function _withSecond() private view returns (PriceRules memory rules) {
        rules = _rules();
        (rules.secondFeed, rules.secondMaxAge) = (s_second, 1800);
    }

    function _withSequencer() private view returns (PriceRules memory rules) {
        rules = _rules();
        (rules.sequencer, rules.gracePeriod) = (s_sequencer, 3600);
    }

    // -- one feed

    function test_a_good_price_is_returned_in_the_decimals_of_the_rules() public view {
        eq("price", s_reader.read(_rules()), 2500e18);
    }

    function test_an_answer_is_good_until_its_age_is_more_than_the_limit() public {
        s_feed.say(2500e8, 0, NOW - 3600);
        eq("price", s_reader.read(_rules()), 2500e18);
        s_feed.say(2500e8, 0, NOW - 3601);
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.TooOld.selector, s_feed, 3601, 3600));
    }

    function test_an_answer_from_the_future_is_refused() public {
        s_feed.say(2500e8, 0, NOW);
        eq("price", s_reader.read(_rules()), 2500e18);
        s_feed.say(2500e8, 0, NOW + 1);
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.FromTheFuture.selector, s_feed, NOW + 1, NOW));
    }

    function test_an_answer_is_positive() public {
        int256[3] memory answers = [int256(0), -1, type(int256).min];
        for (uint256 i = 0; i < 3; i++) {
            s_feed.say(answers[i], 0, NOW);
            _fails(_rules(), abi.encodeWithSelector(CheckedPrice.NotPositive.selector, s_feed, answers[i]));
        }
    }

    function test_a_feed_without_a_round_is_refused() public {
        PriceRules memory rules = _rules();
        rules.feed = new ScriptedFeed(8);
        _fails(rules, abi.encodeWithSelector(CheckedPrice.RoundIncomplete.selector, rules.feed, 0, 0));
    }

    function test_an_answer_carried_over_is_refused() public {
        s_feed.say(7, 2500e8, 0, NOW);
        s_feed.carryOver(1);
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.RoundIncomplete.selector, s_feed, 7, 6));
    }

    function test_bounds_are_allowed_and_what_is_beyond_is_refused() public {
        s_feed.say(1e8, 0, NOW);
        eq("price", s_reader.read(_rules()), 1e18);
        s_feed.say(1e8 - 1, 0, NOW);
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.OutOfBounds.selector, s_feed, 1e18 - 1e10, 1e18, 1e24));
        s_feed.say(1e14, 0, NOW);
        eq("price", s_reader.read(_rules()), 1e24);
        s_feed.say(1e14 + 1, 0, NOW);
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.OutOfBounds.selector, s_feed, 1e24 + 1e10, 1e18, 1e24));
    }

    function test_a_price_too_large_to_scale_is_out_of_bounds() public {
        s_feed.say(type(int256).max, 0, NOW);
        _fails(
            _rules(), abi.encodeWithSelector(CheckedPrice.OutOfBounds.selector, s_feed, type(uint256).max, 1e18, 1e24)
        );
    }

    function test_the_largest_price_that_can_be_scaled_is_exact() public {
        uint256 largest = type(uint256).max / 1e10;
        s_feed.say(int256(largest), 0, NOW);
        bytes4 why = CheckedPrice.OutOfBounds.selector;
        _fails(_rules(), abi.encodeWithSelector(why, s_feed, largest * 1e10, 1e18, 1e24));
    }

    function test_decimals_are_scaled_and_rounded_down(uint8 from, uint8 to, uint128 answer) public {
        (from, to) = (from % 37, to % 37);
        ScriptedFeed feed = new ScriptedFeed(from);
        feed.say(int256(uint256(answer)) + 1, 0, NOW);
        PriceRules memory rules = _rules();
        (rules.feed, rules.decimals, rules.minPrice, rules.maxPrice) = (feed, to, 1, type(uint128).max);
        uint256 exact = (uint256(answer) + 1) * 10 ** to / 10 ** from;
        if (exact == 0 || exact > type(uint128).max) {
            _fails(rules, abi.encodeWithSelector(CheckedPrice.OutOfBounds.selector, feed, exact, 1, type(uint128).max));
        } else {
            eq("price", s_reader.read(rules), exact);
        }
    }

    function test_a_feed_that_changes_its_decimals_is_still_read_rightly() public {
        s_feed.setDecimals(6);
        s_feed.say(2500e6, 0, NOW);
        eq("price", s_reader.read(_rules()), 2500e18);
    }

    function test_more_than_36_decimals_are_not_read() public {
        s_feed.setDecimals(36);
        s_feed.say(2500e36, 0, NOW);
        eq("price", s_reader.read(_rules()), 2500e18);
        s_feed.setDecimals(37);
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.Unreadable.selector, s_feed));
        s_feed.setDecimals(255);
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.Unreadable.selector, s_feed));
    }

    // -- feeds that do not answer as feeds do

    function test_an_address_without_code_is_unreadable() public {
        PriceRules memory rules = _rules();
        rules.feed = IAggregatorV2V3(address(0xfeed));
        _fails(rules, abi.encodeWithSelector(CheckedPrice.Unreadable.selector, rules.feed));
    }

    function test_a_feed_that_fails_is_unreadable(bool burnsGas) public {
        s_feed.fail(burnsGas);
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.Unreadable.selector, s_feed));
    }

    function test_an_answer_that_is_too_short_is_unreadable_and_a_long_one_is_read() public {
        bytes memory good = abi.encode(uint80(1), int256(2500e8), NOW, NOW, uint80(1));
        s_feed.answerRaw(bytes.concat(good, good));
        eq("price", s_reader.read(_rules()), 2500e18);
        bytes memory short = new bytes(159);
        for (uint256 i = 0; i < 159; i++) {
            short[i] = good[i];
        }
        s_feed.answerRaw(short);
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.Unreadable.selector, s_feed));
        s_feed.answerRaw("");
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.Unreadable.selector, s_feed));
    }

    function test_round_ids_of_more_than_80_bits_are_unreadable() public {
        s_feed.answerRaw(abi.encode(1 << 80, int256(2500e8), NOW, NOW, uint80(1)));
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.Unreadable.selector, s_feed));
        s_feed.answerRaw(abi.encode(uint80(1), int256(2500e8), NOW, NOW, 1 << 80));
        _fails(_rules(), abi.encodeWithSelector(CheckedPrice.Unreadable.selector, s_feed));
    }

    function test_a_very_long_answer_costs_the_reader_nothing() public {
        s_feed.fail(false);
        uint256 short = _gasOf(_withSecond());
        HugeAnswer huge = new HugeAnswer();
        PriceRules memory rules = _withSecond();
        rules.feed = IAggregatorV2V3(address(huge));
        uint256 long = _gasOf(rules);
        // The feed pays for making 100 kB; a reader that copied them would pay as much once more.
        yes("not copied", long < short + 50_000);
    }

    // -- two feeds

    function test_the_second_feed_is_not_asked_while_the_first_is_good() public {
        s_second.fail(true);
        eq("price", s_reader.read(_withSecond()), 2500e18);
    }

    function test_the_second_feed_serves_whatever_is_wrong_with_the_first() public {
        s_feed.say(2500e8, 0, NOW - 3601);
        eq("too old", s_reader.read(_withSecond()), 2501e18);
        s_feed.say(2500e8, 0, NOW + 1);
        eq("from the future", s_reader.read(_withSecond()), 2501e18);
        s_feed.say(0, 0, NOW);
        eq("zero", s_reader.read(_withSecond()), 2501e18);
        s_feed.say(1, 0, NOW);
        eq("out of bounds", s_reader.read(_withSecond()), 2501e18);
        s_feed.say(2500e8, 0, 0);
        eq("incomplete", s_reader.read(_withSecond()), 2501e18);
        s_feed.answerRaw("nonsense");
        eq("unreadable", s_reader.read(_withSecond()), 2501e18);
        s_feed.fail(true);
        eq("burns gas", s_reader.read(_withSecond()), 2501e18);
    }

    function test_the_second_feed_has_its_own_age_limit_and_the_same_bounds() public {
        s_feed.say(0, 0, NOW);
        bytes memory first = abi.encodeWithSelector(CheckedPrice.NotPositive.selector, s_feed, 0);
        s_second.say(2501e18, 0, NOW - 1801);
        bytes memory second = abi.encodeWithSelector(CheckedPrice.TooOld.selector, s_second, 1801, 1800);
        _fails(_withSecond(), abi.encodeWithSelector(CheckedPrice.NoGoodPrice.selector, first, second));
        s_second.say(1, 0, NOW);
        second = abi.encodeWithSelector(CheckedPrice.OutOfBounds.selector, s_second, 1, 1e18, 1e24);
        _fails(_withSecond(), abi.encodeWithSelector(CheckedPrice.NoGoodPrice.selector, first, second));
    }

    /// @dev Invariant 53. With too little gas a call fails; it never makes the first feed fail and the second serve.
    function test_no_amount_of_gas_makes_the_second_feed_serve_while_the_first_is_good() public {
        bytes memory call = abi.encodeCall(s_reader.read, (_withSecond()));
        uint256 served;
        for (uint256 gas_ = 2_000; gas_ < 200_000; gas_ += 137) {
            vm.cool(address(s_feed));
            vm.cool(address(s_second));
            (bool ok, bytes memory ret) = address(s_reader).staticcall{gas: gas_}(call);
            if (!ok) continue;
            eq("price", abi.decode(ret, (uint256)), 2500e18);
            served++;
        }
        yes("served with enough gas", served > 1_000);
    }

    // -- the sequencer

    function test_a_sequencer_that_has_been_up_for_long_enough_is_no_obstacle() public {
        eq("price", s_reader.read(_withSequencer()), 2500e18);
        s_sequencer.say(0, NOW - 3601, NOW);
        eq("price", s_reader.read(_withSequencer()), 2500e18);
    }

    function test_there_is_no_price_while_the_sequencer_is_down() public {
        s_sequencer.say(1, NOW - 5000, NOW);
        _fails(_withSequencer(), abi.encodeWithSelector(CheckedPrice.SequencerDown.selector, s_sequencer, NOW - 5000));
        s_sequencer.say(-1, NOW - 5000, NOW);
        _fails(_withSequencer(), abi.encodeWithSelector(CheckedPrice.SequencerDown.selector, s_sequencer, NOW - 5000));
    }

    function test_there_is_no_price_until_the_grace_period_is_over() public {
        s_sequencer.say(0, NOW, NOW);
        bytes4 why = CheckedPrice.GracePeriodNotOver.selector;
        _fails(_withSequencer(), abi.encodeWithSelector(why, s_sequencer, 0, 3600));
        s_sequencer.say(0, NOW - 3600, NOW);
        bytes memory reason = abi.encodeWithSelector(why, s_sequencer, 3600, 3600);
        _fails(_withSequencer(), reason);
    }

    function test_a_sequencer_feed_without_a_round_or_from_the_future_gives_no_price() public {
        s_sequencer.say(0, 0, 0);
        _fails(_withSequencer(), abi.encodeWithSelector(CheckedPrice.RoundIncomplete.selector, s_sequencer, 2, 2));
        s_sequencer.say(0, NOW + 1, NOW);
        _fails(_withSequencer(), abi.encodeWithSelector(CheckedPrice.FromTheFuture.selector, s_sequencer, NOW + 1, NOW));
        s_sequencer.fail(false);
        _fails(_withSequencer(), abi.encodeWithSelector(CheckedPrice.Unreadable.selector, s_sequencer));
    }

    function test_the_second_feed_does_not_serve_while_the_sequencer_is_down() public {
        PriceRules memory rules = _withSecond();
        (rules.sequencer, rules.gracePeriod) = (s_sequencer, 3600);
        s_feed.fail(false);
        eq("price", s_reader.read(rules), 2501e18);
        s_sequencer.say(1, NOW - 5000, NOW);
        _fails(rules, abi.encodeWithSelector(CheckedPrice.SequencerDown.selector, s_sequencer, NOW - 5000));
    }

    // -- rules

    function test_sound_rules_are_accepted() public view {
        s_reader.requireSound(_rules());
        s_reader.requireSound(_withSecond());
        s_reader.requireSound(_withSequencer());
    }

    function test_rules_that_leave_something_open_are_refused() public {
        PriceRules memory rules = _rules();
        rules.feed = NONE;
        _unsound(rules, abi.encodeWithSelector(CheckedPrice.NoFeed.selector));
        rules = _rules();
        rules.maxAge = 0;
        _unsound(rules, abi.encodeWithSelector(CheckedPrice.AgeNotLimited.selector, s_feed));
        rules = _rules();
        rules.decimals = 37;
        _unsound(rules, abi.encodeWithSelector(CheckedPrice.TooManyDecimals.selector, 37, 36));
        rules.decimals = 36;
        s_reader.requireSound(rules);
        rules = _rules();
        rules.minPrice = 0;
        _unsound(rules, abi.encodeWithSelector(CheckedPrice.BoundsOutOfOrder.selector, 0, 1e24));
        rules = _rules();
        rules.maxPrice = 1e18;
        _unsound(rules, abi.encodeWithSelector(CheckedPrice.BoundsOutOfOrder.selector, 1e18, 1e18));
        rules = _withSecond();
        rules.secondFeed = s_feed;
        _unsound(rules, abi.encodeWithSelector(CheckedPrice.SecondFeedIsFirst.selector, s_feed));
        rules = _withSecond();
        rules.secondMaxAge = 0;
        _unsound(rules, abi.encodeWithSelector(CheckedPrice.AgeNotLimited.selector, s_second));
        rules = _withSequencer();
        rules.gracePeriod = 0;
        _unsound(rules, abi.encodeWithSelector(CheckedPrice.NoGracePeriod.selector, s_sequencer));
    }

    // -- everything at random

    /// @dev Invariants 51 and 52: if there is a price, every condition holds for one of the feeds; if not, the error is named.
    function test_a_price_is_good_or_an_error_is_named(
        int256[2] memory answers,
        uint256[2] memory ages,
        uint8[2] memory digits,
        uint80[2] memory behind,
        uint8 kinds
    ) public {
        ScriptedFeed[2] memory feeds = [new ScriptedFeed(digits[0] % 40), new ScriptedFeed(digits[1] % 40)];
        uint256[2] memory prices;
        uint256[2] memory limits = [uint256(3600), 1800];
        for (uint256 i = 0; i < 2; i++) {
            // Mostly near what is good, sometimes anything.
            bool wild = kinds >> (4 * i) & 3 == 0;
            (uint256 scale, uint256 age) = (10 ** feeds[i].decimals(), wild ? ages[i] : ages[i] % 4000);
            int256 answer = wild ? answers[i] : int256(uint256(answers[i]) % 3_000_000 * scale);
            uint256 updatedAt;
            unchecked {
                updatedAt = NOW - age;
            }
            feeds[i].say(type(uint80).max, answer, 0, updatedAt);
            uint80 carried = kinds >> (4 * i) & 12 == 0 ? behind[i] : 0;
            feeds[i].carryOver(carried);
            bool good = answer > 0 && updatedAt != 0 && updatedAt <= NOW && NOW - updatedAt <= limits[i] && carried == 0
                && feeds[i].decimals() <= 36;
            if (good && uint256(answer) <= 1e6 * scale) prices[i] = uint256(answer) * 1e18 / scale;
            if (prices[i] < 1e18) prices[i] = 0;
        }
        PriceRules memory rules = _rules();
        (rules.feed, rules.secondFeed, rules.secondMaxAge) = (feeds[0], feeds[1], 1800);
        uint256 wanted = prices[0] != 0 ? prices[0] : prices[1];
        try s_reader.read(rules) returns (uint256 price) {
            eq("price", price, wanted);
        } catch (bytes memory reason) {
            eq("no price", wanted, 0);
            eq("error", bytes32(bytes4(reason)), bytes32(CheckedPrice.NoGoodPrice.selector));
        }
    }

    function test_a_feed_that_burns_gas_whatever_it_is_asked_leaves_enough_for_the_second() public {
        PriceRules memory rules = _withSecond();
        rules.feed = IAggregatorV2V3(address(new Burner()));
        eq("price", s_reader.read{gas: 4_000_000}(rules), 2501e18);
    }

    function _fails(PriceRules memory rules, bytes memory reason) private {
        vm.expectRevert(reason);
        s_reader.read(rules);
    }

    function _unsound(PriceRules memory rules, bytes memory reason) private {
        vm.expectRevert(reason);
        s_reader.requireSound(rules);
    }

    function _gasOf(PriceRules memory rules) private view returns (uint256) {
        uint256 before = gasleft();
        s_reader.read(rules);
        return before - gasleft();
    }
}

/// @dev Takes all gas along with every call.
contract Burner {
    fallback() external {
        assembly {
            invalid()
        }
    }
}

/// @dev Answers every call with 100 kB of zeros.
contract HugeAnswer {
    fallback() external {
        assembly {
            return(0, 100000)
        }
    }
}
