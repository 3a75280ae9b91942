// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FeedProxy} from "../src/FeedProxy.sol";
import {OCR2Aggregator} from "../src/OCR2Aggregator.sol";
import {CheckedPrice, PriceRules} from "../src/consumer/CheckedPrice.sol";
import {ExampleLending} from "../src/consumer/ExampleLending.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {IAggregatorV2V3} from "../src/interfaces/IAggregatorV2V3.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {LinkToken} from "../src/token/LinkToken.sol";
import {Committee} from "./support/Committee.sol";
import {ScriptedFeed} from "./support/ScriptedFeed.sol";

contract ExampleLendingTest is Committee {
    ScriptedFeed private s_feed = new ScriptedFeed(8);
    ILinkToken private s_token = new LinkToken();
    ExampleLending private s_lending;
    IAggregatorV2V3 private constant NONE = IAggregatorV2V3(address(0));
    address private constant ALICE = address(0xa11ce);
    address private constant BOB = address(0xb0b);

    function setUp() public {
        vm.warp(1_700_000_000);
        _price(2000);
        s_lending = new ExampleLending(s_token, _rules(s_feed));
        s_token.transfer(address(s_lending), 1e24);
        s_token.transfer(BOB, 1e24);
        vm.deal(ALICE, 100 ether);
        vm.prank(BOB);
        s_token.approve(address(s_lending), 1e24);
        vm.prank(ALICE);
        s_token.approve(address(s_lending), 1e24);
    }

    function _rules(IAggregatorV2V3 feed) private pure returns (PriceRules memory) {
        return PriceRules(feed, 3600, 18, 100e18, 100_000e18, NONE, 0, NONE, 0);
    }

    function _price(uint256 price) private {
        s_feed.say(int256(price * 1e8), block.timestamp, block.timestamp);
    }

    function _borrow(uint256 coins, uint128 tokens) private {
        vm.startPrank(ALICE);
        s_lending.deposit{value: coins}();
        s_lending.borrow(tokens);
        vm.stopPrank();
    }

    function test_two_thirds_of_the_collateral_can_be_borrowed_and_no_more() public {
        _borrow(3 ether, 4000e18);
        eq("tokens", s_token.balanceOf(ALICE), 4000e18);
        vm.expectRevert(abi.encodeWithSelector(ExampleLending.NotEnoughCollateral.selector, 6000e18, 6000e18 + 1));
        vm.prank(ALICE);
        s_lending.borrow(1);
    }

    function test_without_a_price_nothing_is_borrowed_withdrawn_from_under_a_debt_or_liquidated() public {
        _borrow(3 ether, 1000e18);
        vm.warp(block.timestamp + 3601);
        bytes memory reason = abi.encodeWithSelector(CheckedPrice.TooOld.selector, s_feed, 3601, 3600);
        vm.expectRevert(reason);
        vm.prank(ALICE);
        s_lending.borrow(1);
        vm.expectRevert(reason);
        vm.prank(ALICE);
        s_lending.withdraw(1);
        vm.expectRevert(reason);
        vm.prank(BOB);
        s_lending.liquidate(ALICE, 1);
    }

    function test_without_a_price_debts_are_paid_and_collateral_without_a_debt_is_taken_back() public {
        _borrow(3 ether, 1000e18);
        s_feed.fail(true);
        vm.startPrank(ALICE);
        s_lending.deposit{value: 1 ether}();
        s_lending.repay(ALICE, 1000e18);
        s_lending.withdraw(4 ether);
        vm.stopPrank();
        eq("coins", ALICE.balance, 100 ether);
        eq("tokens", s_token.balanceOf(address(s_lending)), 1e24);
    }

    function test_a_debt_is_liquidated_below_five_fourths_and_not_at_it() public {
        _borrow(4 ether, 4000e18);
        _price(1250);
        vm.expectRevert(abi.encodeWithSelector(ExampleLending.Healthy.selector, 5000e18, 5000e18));
        vm.prank(BOB);
        s_lending.liquidate(ALICE, 1e18);
        s_feed.say(1250e8 - 1, block.timestamp, block.timestamp);
        vm.prank(BOB);
        s_lending.liquidate(ALICE, 1e18);
    }

    function test_a_liquidator_gets_coins_worth_a_tenth_more_than_it_pays() public {
        _borrow(3 ether, 4000e18);
        _price(1600);
        vm.prank(BOB);
        s_lending.liquidate(ALICE, 1600e18);
        eq("coins", BOB.balance, 1.1 ether);
        (uint128 coins, uint128 debt) = s_lending.accounts(ALICE);
        eq("collateral", coins, 1.9 ether);
        eq("debt", debt, 2400e18);
    }

    function test_a_liquidator_gets_no_more_than_there_is() public {
        _borrow(3 ether, 4000e18);
        _price(1000);
        vm.prank(BOB);
        s_lending.liquidate(ALICE, 4000e18);
        eq("coins", BOB.balance, 3 ether);
    }

    function test_a_price_that_jumps_out_of_the_bounds_liquidates_nobody() public {
        _borrow(3 ether, 4000e18);
        _price(1);
        vm.expectRevert(abi.encodeWithSelector(CheckedPrice.OutOfBounds.selector, s_feed, 1e18, 100e18, 100_000e18));
        vm.prank(BOB);
        s_lending.liquidate(ALICE, 4000e18);
    }

    function test_nobody_takes_more_than_is_his() public {
        _borrow(3 ether, 1000e18);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        vm.prank(BOB);
        s_lending.withdraw(1);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        vm.prank(ALICE);
        s_lending.withdraw(3 ether + 1);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        vm.prank(BOB);
        s_lending.repay(ALICE, 1000e18 + 1);
    }

    function test_every_step_is_announced() public {
        vm.startPrank(ALICE);
        vm.expectEmit(address(s_lending));
        emit ExampleLending.Deposited(ALICE, 3 ether);
        s_lending.deposit{value: 3 ether}();
        vm.expectEmit(address(s_lending));
        emit ExampleLending.Borrowed(ALICE, 4000e18);
        s_lending.borrow(4000e18);
        vm.expectEmit(address(s_lending));
        emit ExampleLending.Repaid(ALICE, ALICE, 400e18);
        s_lending.repay(ALICE, 400e18);
        vm.expectEmit(address(s_lending));
        emit ExampleLending.Withdrawn(ALICE, 0.3 ether);
        s_lending.withdraw(0.3 ether);
        vm.stopPrank();
        _price(1600);
        vm.expectEmit(address(s_lending));
        emit ExampleLending.Liquidated(ALICE, BOB, 1600e18, 1.1 ether);
        vm.prank(BOB);
        s_lending.liquidate(ALICE, 1600e18);
    }

    /// @dev This contract takes no coins.
    function test_coins_that_are_not_taken_stay_where_they_are() public {
        s_lending.deposit{value: 1 ether}();
        vm.expectRevert(abi.encodeWithSelector(ExampleLending.CoinsNotSent.selector, address(this), 1 ether));
        s_lending.withdraw(1 ether);
    }

    function test_a_token_that_says_no_has_paid_nothing() public {
        ExampleLending lending = new ExampleLending(ILinkToken(address(new TokenThatSaysNo())), _rules(s_feed));
        bytes4 why = ExampleLending.TokensNotMoved.selector;
        vm.expectRevert(abi.encodeWithSelector(why, address(this), address(lending), 0));
        lending.repay(ALICE, 0);
    }

    function test_rules_are_looked_at_when_it_is_deployed() public {
        PriceRules memory rules = _rules(s_feed);
        rules.maxAge = 0;
        vm.expectRevert(abi.encodeWithSelector(CheckedPrice.AgeNotLimited.selector, s_feed));
        new ExampleLending(s_token, rules);
        rules = _rules(s_feed);
        rules.decimals = 8;
        vm.expectRevert(abi.encodeWithSelector(ExampleLending.WrongDecimals.selector, 8, 18));
        new ExampleLending(s_token, rules);
    }

    function test_coins_and_tokens_are_never_created(uint256 seed) public {
        address[2] memory people = [ALICE, BOB];
        vm.deal(BOB, 100 ether);
        uint256 debts;
        for (uint256 i = 0; i < 32; i++) {
            seed = uint256(keccak256(abi.encode(seed)));
            (address who, address other) = (people[seed & 1], people[seed >> 1 & 1]);
            uint128 amount = uint128((seed >> 128) % 10 ether) * (seed >> 8 & 1 == 0 ? 1 : 1000);
            _price(500 + (seed >> 64) % 3000);
            uint256 what = (seed >> 2) % 5;
            vm.prank(who);
            bytes memory call = what == 1
                ? abi.encodeCall(s_lending.withdraw, (amount))
                : what == 2
                    ? abi.encodeCall(s_lending.borrow, (amount))
                    : what == 3
                        ? abi.encodeCall(s_lending.repay, (other, amount))
                        : abi.encodeCall(s_lending.liquidate, (other, amount));
            if (what == 0) call = abi.encodeCall(s_lending.deposit, ());
            (bool ok,) = address(s_lending).call{value: what == 0 ? amount % 1 ether : 0}(call);
            if (!ok) continue; // a refused call has changed nothing
            (uint128 coinsA, uint128 debtA) = s_lending.accounts(ALICE);
            (uint128 coinsB, uint128 debtB) = s_lending.accounts(BOB);
            eq("coins", address(s_lending).balance, uint256(coinsA) + coinsB);
            debts = uint256(debtA) + debtB;
            eq("tokens", s_token.balanceOf(address(s_lending)) + debts, 1e24);
        }
    }

    /// @dev Everything together: oracles sign, the aggregator takes it, the proxy passes it on, the consumer checks it.
    function test_a_report_of_oracles_becomes_the_price_of_a_loan() public {
        IAccessController nobody = IAccessController(address(0));
        OCR2Aggregator aggregator =
            new OCR2Aggregator(s_token, 1, type(int192).max / 2, nobody, nobody, 8, "COIN / TOKEN");
        FeedProxy proxy = new FeedProxy(aggregator, nobody);
        ExampleLending lending = new ExampleLending(s_token, _rules(proxy));
        vm.expectRevert(
            abi.encodeWithSelector(CheckedPrice.RoundIncomplete.selector, proxy, uint256(1) << 64, uint256(1) << 64)
        );
        lending.price();

        bytes memory onchain = abi.encodePacked(uint8(1), int192(1), type(int192).max / 2);
        aggregator.setConfig(signersOf(4), transmittersOf(4), 1, onchain, 2, "");
        (,, bytes32 digest) = aggregator.latestConfigDetails();
        bytes memory report = reportOf(uint32(block.timestamp - 5), observationsOf(4, 2000e8), 1);
        Call memory call = signedBy(contextOf(digest, 1, 1), report, 0, 2, 4);
        vm.prank(transmitterOf(0), transmitterOf(0));
        aggregator.transmit(call.context, call.report, call.rs, call.ss, call.rawVs);
        eq("price", lending.price(), (2000e8 + 2 * 123_457) * 1e10);
    }
}

contract TokenThatSaysNo {
    function transferFrom(address, address, uint256) external pure returns (bool) {
        return false;
    }
}
