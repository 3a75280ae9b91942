// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOCR2Aggregator} from "../../src/interfaces/IOCR2Aggregator.sol";
import {IOwned} from "../../src/interfaces/IOwned.sol";
import {FeedTest} from "../support/FeedTest.sol";
import {Vm} from "../support/Vm.sol";

/// @title What consumers read, what oracles ask, who owns
abstract contract FeedSuite is FeedTest {
    // -- reading

    function test_constants() public view {
        eq("decimals", feed.decimals(), 8);
        eq("description", bytes(feed.description()), "ETH / USD");
        eq("version", feed.version(), 6);
        eqInt("minAnswer", feed.minAnswer(), MIN);
        eqInt("maxAnswer", feed.maxAnswer(), MAX);
    }

    function test_before_the_first_round_everything_is_zero() public {
        start(4);
        (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        eq("latestRoundData", abi.encode(id, value, startedAt, updatedAt, answeredIn), new bytes(160));
        eqInt("latestAnswer", feed.latestAnswer(), 0);
        eq("latestTimestamp", feed.latestTimestamp(), 0);
        eq("latestRound", feed.latestRound(), 0);
    }

    function test_every_round_can_be_read() public {
        start(4);
        for (uint256 i = 1; i <= 3; i++) {
            vm.warp(1_700_000_000 + 100 * i);
            transmit(
                next(4, reportOf(uint32(1_699_999_990 + 100 * i), observationsOf(4, PRICE + int192(int256(i))), RATE)),
                0
            );
        }
        for (uint256 i = 1; i <= 3; i++) {
            int256 answer = PRICE + int256(i) + 2 * 123_457;
            eqInt("getAnswer", feed.getAnswer(i), answer);
            eq("getTimestamp", feed.getTimestamp(i), 1_700_000_000 + 100 * i);
            (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
                feed.getRoundData(uint80(i));
            bytes memory wanted = abi.encode(i, answer, 1_699_999_990 + 100 * i, 1_700_000_000 + 100 * i, i);
            eq("getRoundData", abi.encode(id, value, startedAt, updatedAt, answeredIn), wanted);
        }
        (uint80 latest,,,,) = feed.latestRoundData();
        eq("latest", latest, 3);
        eq("latestTimestamp", feed.latestTimestamp(), 1_700_000_300);
    }

    function test_negative_answers_are_read_as_they_are() public {
        // The bounds of this feed exclude them, so one is put where the answer is: low 192 bits of its round.
        start(4);
        transmit(4);
        for (uint256 slot = 0; slot < 40; slot++) {
            bytes32[2] memory where = [bytes32(slot + 1), keccak256(abi.encode(1, slot))];
            for (uint256 k = 0; k < 2; k++) {
                uint256 word = uint256(vm.load(address(feed), where[k]));
                if (word << 64 >> 64 != uint192(int192(feed.latestAnswer()))) continue;
                vm.store(address(feed), where[k], bytes32(word >> 192 << 192 | uint192(int192(-5))));
                eqInt("latestAnswer", feed.latestAnswer(), -5);
                eqInt("getAnswer", feed.getAnswer(1), -5);
                (, int256 value,,,) = feed.latestRoundData();
                eqInt("latestRoundData", value, -5);
                return;
            }
        }
        revert NotTrue("the round is stored in one word");
    }

    function test_unknown_rounds_are_empty() public {
        start(4);
        transmit(4);
        uint80[4] memory unknown = [0, 2, type(uint32).max, uint80(type(uint32).max) + 1];
        for (uint256 i = 0; i < 4; i++) {
            eqInt("getAnswer", feed.getAnswer(unknown[i]), 0);
            eq("getTimestamp", feed.getTimestamp(unknown[i]), 0);
            (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
                feed.getRoundData(unknown[i]);
            uint80 named = i == 3 ? 0 : unknown[i];
            eq(
                "getRoundData",
                abi.encode(id, value, startedAt, updatedAt, answeredIn),
                abi.encode(named, 0, 0, 0, named)
            );
        }
        // 2^32 + 1 is not round 1.
        eqInt("getAnswer", feed.getAnswer((1 << 32) + 1), 0);
        eq("getTimestamp", feed.getTimestamp(type(uint256).max), 0);
    }

    function test_latestTransmissionDetails_are_for_external_accounts() public {
        start(4);
        transmit(signedBy(contextOf(digest, 0x01020304, 5), report(4), 0, 2, 4), 0);
        bytes memory call = abi.encodeCall(feed.latestTransmissionDetails, ());
        (bool ok, bytes memory ret) = send(stranger, call);
        yes("an external account", ok);
        eq("details", ret, abi.encode(digest, 0x01020304, 5, PRICE + 2 * 123_457, block.timestamp));
        vm.prank(address(this), stranger);
        (ok, ret) = address(feed).call(call);
        yes("a contract", !ok);
        if (_ours()) {
            eq("why", ret, abi.encodeWithSelector(IFeed.OnlyExternalAccounts.selector, address(this)));
        }
    }

    // -- asking

    function test_rounds_are_requested_by_owner_and_requester() public {
        start(4);
        transmit(signedBy(contextOf(digest, 9, 3), report(4), 0, 2, 4), 0);
        vm.recordLogs();
        eq("next round", feed.requestNewRound(), 2);
        Vm.Log memory log = logOf(IOCR2Aggregator.RoundRequested.selector);
        eq("requester", address(uint160(uint256(log.topics[1]))), address(this));
        eq("latest transmission", log.data, abi.encode(digest, 9, 3));
        (bool ok, bytes memory ret) = send(requester, abi.encodeCall(feed.requestNewRound, ()));
        yes("the requester", ok);
        eq("next round", ret, abi.encode(2));
        refused(
            stranger,
            abi.encodeCall(feed.requestNewRound, ()),
            abi.encodeWithSelector(IFeed.OnlyOwnerOrRequester.selector, stranger)
        );
    }

    function test_the_requester_access_controller_is_the_owners_choice() public {
        IAccessController old = feed.getRequesterAccessController();
        IAccessController other = _admits(stranger);
        onlyOwner(abi.encodeCall(feed.setRequesterAccessController, (other)));
        vm.recordLogs();
        feed.setRequesterAccessController(other);
        eq("event", logOf(IFeed.RequesterAccessControllerSet.selector).data, abi.encode(old, other));
        feed.setRequesterAccessController(other);
        eq("no change, no event", countLogs(), 0);
        (bool ok,) = send(requester, abi.encodeCall(feed.requestNewRound, ()));
        yes("no more", !ok);
        feed.setRequesterAccessController(IAccessController(address(0)));
        (ok,) = send(stranger, abi.encodeCall(feed.requestNewRound, ()));
        yes("nobody but the owner", !ok);
        feed.requestNewRound();
    }

    // -- owning

    function test_ownership_is_handed_over_in_two_steps() public {
        IOwned owned = IOwned(address(feed));
        eq("owner", owned.owner(), address(this));
        bytes memory offer = abi.encodeCall(owned.transferOwnership, (stranger));
        onlyOwner(offer);
        refused(
            abi.encodeCall(owned.transferOwnership, (address(this))),
            abi.encodeWithSelector(IOwned.CannotTransferToSelf.selector, address(this))
        );
        bytes memory accept = abi.encodeCall(owned.acceptOwnership, ());
        refused(stranger, accept, abi.encodeWithSelector(IOwned.OnlyPendingOwner.selector, stranger, address(0)));

        vm.recordLogs();
        owned.transferOwnership(stranger);
        Vm.Log memory log = logOf(IOwned.OwnershipTransferRequested.selector);
        eq("from", address(uint160(uint256(log.topics[1]))), address(this));
        eq("to", address(uint160(uint256(log.topics[2]))), stranger);
        eq("still", owned.owner(), address(this));
        refused(accept, abi.encodeWithSelector(IOwned.OnlyPendingOwner.selector, address(this), stranger));
        (bool ok,) = send(stranger, accept);
        yes("accepted", ok);
        log = logOf(IOwned.OwnershipTransferred.selector);
        eq("to", address(uint160(uint256(log.topics[2]))), stranger);
        eq("owner", owned.owner(), stranger);
        refused(stranger, accept, abi.encodeWithSelector(IOwned.OnlyPendingOwner.selector, stranger, address(0)));
        refused(
            abi.encodeCall(feed.setPayees, (transmittersOf(1), payeesOf(1))),
            abi.encodeWithSelector(IOwned.OnlyOwner.selector, address(this), stranger)
        );
    }
}
