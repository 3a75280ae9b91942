// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SimpleWriteAccessController} from "../../src/access/SimpleWriteAccessController.sol";
import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {IAggregatorV2V3} from "../../src/interfaces/IAggregatorV2V3.sol";
import {IFeedProxy} from "../../src/interfaces/IFeedProxy.sol";
import {IOwned} from "../../src/interfaces/IOwned.sol";
import {Check} from "../support/Check.sol";
import {ScriptedFeed} from "../support/ScriptedFeed.sol";

/// @title What every proxy of a feed does, ours and the reference's
/// @dev A refusal is checked to the byte on ours, and as a revert on the reference.
abstract contract ProxySuite is Check {
    IFeedProxy internal proxy;
    ScriptedFeed internal first;
    ScriptedFeed internal second;
    SimpleWriteAccessController internal list;
    address internal stranger = address(0xbad);

    function _ours() internal pure virtual returns (bool);

    function _deploy(IAggregatorV2V3 aggregator, IAccessController controller) internal virtual returns (IFeedProxy);

    function setUp() public {
        vm.warp(1_700_000_000);
        first = new ScriptedFeed(8);
        second = new ScriptedFeed(8);
        list = new SimpleWriteAccessController();
        first.say(111, 11, 12);
        first.say(222, 21, 22);
        second.say(333, 31, 32);
        proxy = _deploy(first, IAccessController(address(0)));
    }

    // -- reads

    function test_the_first_phase_is_1() public view {
        eq("phase", proxy.phaseId(), 1);
        eq("aggregator", address(proxy.aggregator()), address(first));
        eq("of phase 0", address(proxy.phaseAggregators(0)), address(0));
        eq("of phase 1", address(proxy.phaseAggregators(1)), address(first));
        eq("of phase 2", address(proxy.phaseAggregators(2)), address(0));
        eq("proposed", address(proxy.proposedAggregator()), address(0));
    }

    function test_the_latest_round_is_the_aggregators_with_the_phase_in_its_id() public view {
        _round(1, 2, 222, 21, 22);
        eq("round", proxy.latestRound(), _id(1, 2));
        eqInt("answer", proxy.latestAnswer(), 222);
        eq("timestamp", proxy.latestTimestamp(), 22);
    }

    function test_decimals_description_and_version_are_the_aggregators() public view {
        eq("decimals", proxy.decimals(), 8);
        eq("description", bytes(proxy.description()), bytes("scripted"));
        eq("version", proxy.version(), 6);
    }

    function test_a_round_before_the_first_has_the_phase_and_zeros() public {
        proxy = _deploy(new ScriptedFeed(8), IAccessController(address(0)));
        _round(1, 0, 0, 0, 0);
        eq("round", proxy.latestRound(), _id(1, 0));
    }

    function test_any_answer_goes_through_unchanged(uint64 id, int256 answer, uint256 startedAt, uint256 updatedAt)
        public
    {
        first.say(id, answer, startedAt, updatedAt);
        _round(1, id, answer, startedAt, updatedAt);
        eqInt("answer", proxy.latestAnswer(), answer);
        eqInt("answer of the round", proxy.getAnswer(_id(1, id)), answer);
        eq("timestamp of the round", proxy.getTimestamp(_id(1, id)), updatedAt);
    }

    function test_an_answer_carried_over_shows_its_round() public {
        first.carryOver(1);
        (uint80 round,,,, uint80 answeredIn) = proxy.latestRoundData();
        eq("round", round, _id(1, 2));
        eq("answered in", answeredIn, _id(1, 1));
    }

    function test_rounds_of_the_aggregator_are_cut_to_64_bits(uint80 id) public {
        first.say(id, 5, 6, 7);
        eq("round", proxy.latestRound(), _id(1, uint64(id)));
        (uint80 round,,,, uint80 answeredIn) = proxy.latestRoundData();
        eq("round", round, _id(1, uint64(id)));
        eq("answered in", answeredIn, _id(1, uint64(id)));
    }

    function test_a_read_fails_if_the_aggregator_fails() public {
        first.fail(false);
        _refused(
            address(this),
            abi.encodeCall(proxy.latestRoundData, ()),
            abi.encodeWithSignature("Error(string)", "told to fail")
        );
    }

    // -- a new phase

    function test_a_proposal_changes_nothing_but_can_be_looked_at() public {
        proxy.proposeAggregator(second);
        eq("proposed", address(proxy.proposedAggregator()), address(second));
        eq("aggregator", address(proxy.aggregator()), address(first));
        _round(1, 2, 222, 21, 22);
        (uint80 id, int256 answer,, uint256 updatedAt, uint80 answeredIn) = proxy.proposedLatestRoundData();
        eq("its own id", id, 1);
        eqInt("answer", answer, 333);
        eq("updated", updatedAt, 32);
        eq("answered in", answeredIn, 1);
        (id, answer,, updatedAt,) = proxy.proposedGetRoundData(1);
        eq("its own id", id, 1);
        eqInt("answer", answer, 333);
        (id, answer,,,) = proxy.proposedGetRoundData(_id(9, 9));
        eq("its own id", id, _id(9, 9));
        eqInt("no answer", answer, 0);
    }

    function test_a_proposal_can_be_replaced_and_taken_back() public {
        proxy.proposeAggregator(second);
        proxy.proposeAggregator(first);
        eq("proposed", address(proxy.proposedAggregator()), address(first));
        proxy.proposeAggregator(IAggregatorV2V3(address(0)));
        _refused(
            address(this),
            abi.encodeCall(proxy.proposedLatestRoundData, ()),
            abi.encodeWithSelector(IFeedProxy.NoProposedAggregator.selector)
        );
    }

    function test_without_a_proposal_it_cannot_be_read() public {
        bytes memory reason = abi.encodeWithSelector(IFeedProxy.NoProposedAggregator.selector);
        _refused(address(this), abi.encodeCall(proxy.proposedLatestRoundData, ()), reason);
        _refused(address(this), abi.encodeCall(proxy.proposedGetRoundData, (1)), reason);
    }

    function test_a_confirmation_begins_a_phase() public {
        _change(second);
        eq("phase", proxy.phaseId(), 2);
        eq("aggregator", address(proxy.aggregator()), address(second));
        eq("of phase 2", address(proxy.phaseAggregators(2)), address(second));
        eq("proposed", address(proxy.proposedAggregator()), address(0));
        _round(2, 1, 333, 31, 32);
        eq("round", proxy.latestRound(), _id(2, 1));
        yes("rounds grow", _id(2, 1) > _id(1, 2));
    }

    function test_rounds_of_earlier_phases_can_be_read() public {
        _change(second);
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
            proxy.getRoundData(_id(1, 1));
        eq("id", id, _id(1, 1));
        eqInt("answer", answer, 111);
        eq("started", startedAt, 11);
        eq("updated", updatedAt, 12);
        eq("answered in", answeredIn, _id(1, 1));
        eqInt("answer", proxy.getAnswer(_id(1, 2)), 222);
        eq("timestamp", proxy.getTimestamp(_id(1, 2)), 22);
        eqInt("answer", proxy.getAnswer(_id(2, 1)), 333);
    }

    function test_a_round_that_is_not_known_has_no_answer(uint256 id) public view {
        vm.assume(id != _id(1, 1) && id != _id(1, 2));
        eqInt("answer", proxy.getAnswer(id), 0);
        eq("timestamp", proxy.getTimestamp(id), 0);
        eqInt("answer", proxy.getAnswer(id << 64 | 1 << 255), 0);
        eq("timestamp", proxy.getTimestamp(id << 64 | 1 << 255), 0);
    }

    function test_an_id_beyond_80_bits_is_no_round() public view {
        eqInt("answer", proxy.getAnswer(1 << 80 | _id(1, 1)), 0);
        eq("timestamp", proxy.getTimestamp(1 << 80 | _id(1, 1)), 0);
    }

    function test_the_data_of_a_round_in_a_phase_that_is_not_known_is_refused() public {
        _refused(
            address(this),
            abi.encodeCall(proxy.getRoundData, (_id(0, 1))),
            abi.encodeWithSelector(IFeedProxy.UnknownPhase.selector, 0)
        );
        _refused(
            address(this),
            abi.encodeCall(proxy.getRoundData, (_id(2, 1))),
            abi.encodeWithSelector(IFeedProxy.UnknownPhase.selector, 2)
        );
    }

    function test_only_what_was_proposed_can_be_confirmed() public {
        proxy.proposeAggregator(second);
        _refused(
            address(this),
            abi.encodeCall(proxy.confirmAggregator, (first)),
            abi.encodeWithSelector(IFeedProxy.InvalidProposedAggregator.selector, first, second)
        );
        proxy.confirmAggregator(second);
        _refused(
            address(this),
            abi.encodeCall(proxy.confirmAggregator, (second)),
            abi.encodeWithSelector(IFeedProxy.InvalidProposedAggregator.selector, second, address(0))
        );
    }

    function test_an_aggregator_may_come_back_in_a_new_phase() public {
        _change(second);
        _change(first);
        eq("phase", proxy.phaseId(), 3);
        _round(3, 2, 222, 21, 22);
        eqInt("phase 1", proxy.getAnswer(_id(1, 2)), 222);
        eqInt("phase 2", proxy.getAnswer(_id(2, 1)), 333);
    }

    function test_rounds_only_grow_and_never_change_whatever_happens(uint256 seed) public {
        ScriptedFeed[3] memory feeds = [first, second, new ScriptedFeed(8)];
        uint256 latest = proxy.latestRound();
        uint256[] memory ids = new uint256[](24);
        int256[] memory answers = new int256[](24);
        for (uint256 i = 0; i < 24; i++) {
            seed = uint256(keccak256(abi.encode(seed)));
            if (seed % 4 == 0) _change(feeds[seed / 4 % 3]);
            else ScriptedFeed(address(proxy.aggregator())).say(int256(seed), i, i);
            uint256 next = proxy.latestRound();
            // An aggregator that has no round yet begins its phase at round 0.
            yes("rounds grow", next >= latest);
            (latest, ids[i], answers[i]) = (next, next, proxy.latestAnswer());
        }
        for (uint256 i = 0; i < 24; i++) {
            eqInt("the same answer as then", proxy.getAnswer(ids[i]), answers[i]);
        }
    }

    // -- who may

    function test_only_the_owner_changes_anything() public {
        bytes memory reason = abi.encodeWithSelector(IOwned.OnlyOwner.selector, stranger, address(this));
        _refused(stranger, abi.encodeCall(proxy.proposeAggregator, (second)), reason);
        proxy.proposeAggregator(second);
        _refused(stranger, abi.encodeCall(proxy.confirmAggregator, (second)), reason);
        _refused(stranger, abi.encodeCall(proxy.setController, (list)), reason);
        _refused(stranger, abi.encodeCall(IOwned.transferOwnership, (stranger)), reason);
        eq("phase", proxy.phaseId(), 1);
    }

    function test_ownership_is_handed_over_in_two_steps() public {
        IOwned owned = IOwned(address(proxy));
        owned.transferOwnership(stranger);
        eq("owner", owned.owner(), address(this));
        vm.prank(stranger);
        owned.acceptOwnership();
        eq("owner", owned.owner(), stranger);
        vm.prank(stranger);
        proxy.proposeAggregator(second);
    }

    function test_without_a_controller_everyone_reads() public {
        eq("controller", address(proxy.accessController()), address(0));
        proxy.proposeAggregator(second);
        for (uint256 i = 0; i < 9; i++) {
            _allowed(stranger, _gated(i));
        }
    }

    function test_with_a_controller_only_those_whom_it_admits_read_prices() public {
        proxy.proposeAggregator(second);
        proxy.setController(list);
        eq("controller", address(proxy.accessController()), address(list));
        bytes memory reason = abi.encodeWithSelector(IFeedProxy.NoAccess.selector, stranger);
        for (uint256 i = 0; i < 9; i++) {
            _refused(stranger, _gated(i), reason);
        }
        list.addAccess(stranger);
        for (uint256 i = 0; i < 9; i++) {
            _allowed(stranger, _gated(i));
        }
        proxy.setController(IAccessController(address(0)));
        _allowed(address(0xbad2), _gated(0));
    }

    function test_a_controller_can_be_there_from_the_start() public {
        proxy = _deploy(first, list);
        _refused(stranger, _gated(0), abi.encodeWithSelector(IFeedProxy.NoAccess.selector, stranger));
    }

    function test_what_tells_no_price_is_open() public {
        proxy = _deploy(first, list);
        bytes[9] memory open = [
            abi.encodeCall(proxy.decimals, ()),
            abi.encodeCall(proxy.description, ()),
            abi.encodeCall(proxy.version, ()),
            abi.encodeCall(proxy.aggregator, ()),
            abi.encodeCall(proxy.phaseId, ()),
            abi.encodeCall(proxy.phaseAggregators, (1)),
            abi.encodeCall(proxy.proposedAggregator, ()),
            abi.encodeCall(proxy.accessController, ()),
            abi.encodeCall(IOwned.owner, ())
        ];
        for (uint256 i = 0; i < 9; i++) {
            _allowed(stranger, open[i]);
        }
    }

    function test_the_controller_is_told_the_caller_and_the_call() public {
        list.addAccess(stranger);
        proxy.setController(list);
        bytes memory call = abi.encodeCall(proxy.getAnswer, (_id(1, 1)));
        vm.expectCall(address(list), abi.encodeCall(list.hasAccess, (stranger, call)));
        _allowed(stranger, call);
    }

    function test_no_coins_are_taken_and_no_other_function_is_there() public {
        vm.deal(stranger, 1);
        vm.prank(stranger);
        (bool ok,) = address(proxy).call{value: 1}(abi.encodeCall(proxy.latestRoundData, ()));
        yes("refused", !ok);
        _refused(stranger, hex"12345678", "");
        _refused(stranger, "", "");
    }

    function _gated(uint256 i) private pure returns (bytes memory) {
        bytes[9] memory calls = [
            abi.encodeCall(IAggregatorV2V3.latestRoundData, ()),
            abi.encodeCall(IAggregatorV2V3.latestAnswer, ()),
            abi.encodeCall(IAggregatorV2V3.latestTimestamp, ()),
            abi.encodeCall(IAggregatorV2V3.latestRound, ()),
            abi.encodeCall(IAggregatorV2V3.getRoundData, (_id(1, 1))),
            abi.encodeCall(IAggregatorV2V3.getAnswer, (_id(1, 1))),
            abi.encodeCall(IAggregatorV2V3.getTimestamp, (_id(1, 1))),
            abi.encodeCall(IFeedProxy.proposedLatestRoundData, ()),
            abi.encodeCall(IFeedProxy.proposedGetRoundData, (1))
        ];
        return calls[i];
    }

    function _change(IAggregatorV2V3 to) internal {
        proxy.proposeAggregator(to);
        proxy.confirmAggregator(to);
    }

    function _round(uint16 phase, uint64 id, int256 answer, uint256 startedAt, uint256 updatedAt) private view {
        (uint80 id_, int256 answer_, uint256 startedAt_, uint256 updatedAt_, uint80 answeredIn) =
            proxy.latestRoundData();
        eq("id", id_, _id(phase, id));
        eqInt("answer", answer_, answer);
        eq("started", startedAt_, startedAt);
        eq("updated", updatedAt_, updatedAt);
        eq("answered in", answeredIn, _id(phase, id));
    }

    function _id(uint16 phase, uint64 round) internal pure returns (uint80) {
        return uint80(phase) << 64 | round;
    }

    function _allowed(address from, bytes memory call) internal {
        vm.prank(from);
        (bool ok, bytes memory ret) = address(proxy).call(call);
        if (!ok) revert NotEqualBytes("the call was refused", ret, "");
    }

    function _refused(address from, bytes memory call, bytes memory reason) internal {
        vm.prank(from);
        (bool ok, bytes memory ret) = address(proxy).call(call);
        yes("refused", !ok);
        if (_ours()) eq("error", ret, reason);
    }
}
