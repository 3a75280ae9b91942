// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FeedProxy} from "../src/FeedProxy.sol";
import {SimpleWriteAccessController} from "../src/access/SimpleWriteAccessController.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {IAggregatorV2V3} from "../src/interfaces/IAggregatorV2V3.sol";
import {IFeedProxy} from "../src/interfaces/IFeedProxy.sol";
import {ProxySuite} from "./suites/ProxySuite.sol";
import {Check} from "./support/Check.sol";
import {ScriptedFeed} from "./support/ScriptedFeed.sol";
import {original} from "./support/Reference.sol";

contract FeedProxyTest is ProxySuite {
    function _ours() internal pure override returns (bool) {
        return true;
    }

    function _deploy(IAggregatorV2V3 aggregator, IAccessController controller) internal override returns (IFeedProxy) {
        return new FeedProxy(aggregator, controller);
    }

    function test_ours_says_what_it_is() public view {
        eq("type", bytes(FeedProxy(address(proxy)).typeAndVersion()), bytes("FeedProxy 1.0.0"));
    }

    function test_ours_announces_proposals_phases_and_controllers() public {
        vm.expectEmit(address(proxy));
        emit IFeedProxy.AggregatorProposed(first, second);
        proxy.proposeAggregator(second);
        vm.expectEmit(address(proxy));
        emit IFeedProxy.AggregatorConfirmed(first, second, 2);
        proxy.confirmAggregator(second);
        vm.expectEmit(address(proxy));
        emit IFeedProxy.AccessControllerSet(IAccessController(address(0)), list);
        proxy.setController(list);
    }
}

/// @dev The original, EACAggregatorProxy. No Go module that the reference depends on has it; its npm package does.
contract ReferenceProxyTest is ProxySuite {
    function _ours() internal pure override returns (bool) {
        return false;
    }

    function _deploy(IAggregatorV2V3 aggregator, IAccessController controller) internal override returns (IFeedProxy) {
        return IFeedProxy(original("EACAggregatorProxy", abi.encode(aggregator, controller)));
    }
}

contract FeedProxyDifferencesTest is Check {
    IFeedProxy private s_ours;
    IFeedProxy private s_original;
    ScriptedFeed private s_feed = new ScriptedFeed(8);

    function setUp() public {
        s_original = IFeedProxy(original("EACAggregatorProxy", abi.encode(s_feed, address(0))));
        s_ours = new FeedProxy(s_feed, IAccessController(address(0)));
    }

    function test_an_aggregator_with_other_decimals_is_refused_and_not_so_by_the_original() public {
        ScriptedFeed other = new ScriptedFeed(18);
        s_original.proposeAggregator(other);
        s_original.confirmAggregator(other);
        eq("decimals of the original", s_original.decimals(), 18);

        s_ours.proposeAggregator(other);
        vm.expectRevert(abi.encodeWithSelector(IFeedProxy.DecimalsDiffer.selector, 18, 8));
        s_ours.confirmAggregator(other);
        eq("phase", s_ours.phaseId(), 1);
    }

    function test_decimals_stay_if_the_aggregator_changes_its_own_and_not_so_at_the_original() public {
        s_feed.setDecimals(18);
        eq("ours", s_ours.decimals(), 8);
        eq("original", s_original.decimals(), 18);
    }

    function test_nothing_cannot_be_confirmed_without_a_proposal_and_can_at_the_original() public {
        IAggregatorV2V3 nothing = IAggregatorV2V3(address(0));
        s_original.confirmAggregator(nothing);
        eq("phase of the original", s_original.phaseId(), 2);
        (bool ok,) = address(s_original).call(abi.encodeCall(s_original.latestRoundData, ()));
        yes("the original cannot be read any more", !ok);

        vm.expectRevert(abi.encodeWithSelector(IFeedProxy.NotAnAggregator.selector, nothing));
        s_ours.confirmAggregator(nothing);
    }

    function test_an_account_cannot_be_an_aggregator_and_can_at_the_original() public {
        IAggregatorV2V3 account = IAggregatorV2V3(address(0xacc));
        original("EACAggregatorProxy", abi.encode(account, address(0)));
        vm.expectRevert(abi.encodeWithSelector(IFeedProxy.NotAnAggregator.selector, account));
        new FeedProxy(account, IAccessController(address(0)));
    }

    /// @dev Slots are cold, accounts are not; docs/Gas.md has whole figures.
    function test_a_cold_read_costs_less_than_the_originals() public {
        uint256 direct = _coldRead(s_feed);
        uint256 ours = _coldRead(s_ours) - direct;
        uint256 theirs = _coldRead(s_original) - direct;
        yes("ours is cheaper by an access to storage", ours + 2_100 < theirs);
    }

    function _coldRead(IAggregatorV2V3 feed) private returns (uint256) {
        vm.cool(address(feed));
        vm.cool(address(s_feed));
        uint256 before = gasleft();
        feed.latestRoundData();
        return before - gasleft();
    }
}

/// @dev Ours and the original take the same random sequences of calls by owner and stranger: same success, same answers.
contract FeedProxyDifferentialTest is Check {
    IFeedProxy private s_ours;
    IFeedProxy private s_original;
    SimpleWriteAccessController private s_list = new SimpleWriteAccessController();
    ScriptedFeed[3] private s_feeds = [new ScriptedFeed(8), new ScriptedFeed(8), new ScriptedFeed(8)];
    address private constant STRANGER = address(0xbad);

    function setUp() public {
        s_original = IFeedProxy(original("EACAggregatorProxy", abi.encode(s_feeds[0], address(0))));
        s_ours = new FeedProxy(s_feeds[0], IAccessController(address(0)));
    }

    function test_random_sequences_of_calls_give_the_same(uint256 seed) public {
        for (uint256 i = 0; i < 48; i++) {
            seed = uint256(keccak256(abi.encode(seed)));
            if (seed % 8 == 0) {
                s_feeds[(seed >> 8) % 3].say(int256(seed), i, i + 1);
            } else if (seed % 8 == 1) {
                bytes memory admit = abi.encodeCall(s_list.addAccess, (STRANGER));
                bytes memory remove = abi.encodeCall(s_list.removeAccess, (STRANGER));
                (bool ok,) = address(s_list).call(seed >> 8 & 1 == 0 ? admit : remove);
                yes("listed", ok);
            } else {
                _both(seed >> 8 & 3 == 0 ? STRANGER : address(this), _call(seed >> 16));
            }
        }
    }

    /// @dev Without what ours refuses on purpose: zero is confirmed only if it is not proposed, which both refuse.
    function _call(uint256 seed) private view returns (bytes memory) {
        uint256 what = seed % 16;
        ScriptedFeed feed = s_feeds[(seed >> 8) % 3];
        uint80 id = uint80((seed >> 16) % 5) << 64 | uint80((seed >> 24) % 4);
        if (what < 2) return abi.encodeCall(s_ours.proposeAggregator, (feed));
        if (what < 4) {
            IAggregatorV2V3 proposed = s_ours.proposedAggregator();
            bool right = seed >> 32 & 3 != 0 && address(proposed) != address(0);
            return abi.encodeCall(s_ours.confirmAggregator, (right ? proposed : feed));
        }
        if (what == 4) return abi.encodeCall(s_ours.setController, (IAccessController(address(0))));
        if (what == 5) return abi.encodeCall(s_ours.setController, (s_list));
        if (what == 6) return abi.encodeCall(s_ours.latestRound, ());
        if (what == 7) return abi.encodeCall(s_ours.latestRoundData, ());
        if (what == 8) return abi.encodeCall(s_ours.getRoundData, (id));
        if (what == 9) return abi.encodeCall(s_ours.getAnswer, (seed >> 40 & 7 == 0 ? seed : id));
        if (what == 10) return abi.encodeCall(s_ours.getTimestamp, (seed >> 40 & 7 == 0 ? seed : id));
        if (what == 11) return abi.encodeCall(s_ours.proposedLatestRoundData, ());
        if (what == 12) return abi.encodeCall(s_ours.proposedGetRoundData, (id));
        if (what == 13) return abi.encodeCall(s_ours.phaseAggregators, (uint16((seed >> 16) % 5)));
        if (what == 14) return abi.encodeCall(s_ours.proposedAggregator, ());
        return abi.encodeCall(s_ours.latestAnswer, ());
    }

    function _both(address from, bytes memory call) private {
        vm.prank(from);
        (bool ok, bytes memory answer) = address(s_ours).call(call);
        vm.prank(from);
        (bool theirOk, bytes memory theirAnswer) = address(s_original).call(call);
        yes("both take it or both refuse it", ok == theirOk);
        if (ok) eq("answer", answer, theirAnswer);
    }
}
