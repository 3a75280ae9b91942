// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOffchainAggregator} from "../../src/interfaces/IOffchainAggregator.sol";
import {IOwned} from "../../src/interfaces/IOwned.sol";
import {AdmitsOne} from "../support/FeedTest.sol";
import {Ocr1Test} from "../support/Ocr1Test.sol";
import {Vm} from "../support/Vm.sol";

/// @title What consumers read, what oracles ask, who owns
abstract contract Ocr1FeedSuite is Ocr1Test {
    // -- reading

    function test_constants() public view {
        eq("decimals", feed.decimals(), 8);
        eq("description", bytes(feed.description()), "ETH / USD");
        eq("version", feed.version(), 4);
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

    function test_every_round_can_be_read_and_its_only_time_is_the_blocks() public {
        start(4);
        for (uint256 i = 1; i <= 3; i++) {
            vm.warp(1_700_000_000 + 100 * i);
            transmit(next(4, observationsOf(4, PRICE + int192(int256(i)))), 0);
        }
        for (uint256 i = 1; i <= 3; i++) {
            int256 answer = PRICE + int256(i) + 2 * 123_457;
            uint256 time = 1_700_000_000 + 100 * i;
            eqInt("getAnswer", feed.getAnswer(i), answer);
            eq("getTimestamp", feed.getTimestamp(i), time);
            (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
                feed.getRoundData(uint80(i));
            eq(
                "getRoundData",
                abi.encode(id, value, startedAt, updatedAt, answeredIn),
                abi.encode(i, answer, time, time, i)
            );
        }
        (uint80 latest, int256 answer3, uint256 started, uint256 updated, uint80 answered) = feed.latestRoundData();
        eq(
            "latestRoundData",
            abi.encode(latest, answer3, started, updated, answered),
            abi.encode(3, PRICE + 3 + 2 * 123_457, 1_700_000_300, 1_700_000_300, 3)
        );
        eq("latestTimestamp", feed.latestTimestamp(), 1_700_000_300);
        eq("latestRound", feed.latestRound(), 3);
    }

    function test_times_beyond_32_bits_are_kept() public {
        start(4);
        vm.warp((uint256(1) << 40) + 77);
        transmit(4);
        eq("latestTimestamp", feed.latestTimestamp(), (uint256(1) << 40) + 77);
        (,, uint256 startedAt, uint256 updatedAt,) = feed.latestRoundData();
        eq("startedAt", startedAt, (uint256(1) << 40) + 77);
        eq("updatedAt", updatedAt, (uint256(1) << 40) + 77);
    }

    function test_unknown_rounds_are_empty() public {
        start(4);
        transmit(4);
        uint80[3] memory unknown = [uint80(0), 2, type(uint32).max];
        for (uint256 i = 0; i < 3; i++) {
            eqInt("getAnswer", feed.getAnswer(unknown[i]), 0);
            eq("getTimestamp", feed.getTimestamp(unknown[i]), 0);
            (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
                feed.getRoundData(unknown[i]);
            eq(
                "getRoundData",
                abi.encode(id, value, startedAt, updatedAt, answeredIn),
                abi.encode(unknown[i], 0, 0, 0, unknown[i])
            );
        }
        // 2^32 + 1 is not round 1.
        eqInt("getAnswer", feed.getAnswer((1 << 32) + 1), 0);
        eq("getTimestamp", feed.getTimestamp(type(uint256).max), 0);
    }

    function test_a_number_that_can_never_be_a_round_has_no_data() public {
        bytes memory call = abi.encodeCall(feed.getRoundData, (uint80(1) << 32));
        bytes4 why = IOffchainAggregator.NoDataPresent.selector;
        refused(call, abi.encodeWithSelector(why, uint80(1) << 32));
    }

    function test_latestTransmissionDetails_are_for_external_accounts() public {
        start(4);
        transmit(signed(report(ocr1Context(digest, 0x01020304, 5), observationsOf(4, PRICE)), 4), 0);
        bytes memory call = abi.encodeCall(feed.latestTransmissionDetails, ());
        (bool ok, bytes memory ret) = send(stranger, call);
        yes("an external account", ok);
        eq("details", ret, abi.encode(digest, 0x01020304, 5, PRICE + 2 * 123_457, block.timestamp));
        vm.prank(address(this), stranger);
        (ok, ret) = address(feed).call(call);
        yes("a contract", !ok);
        if (_ours()) eq("why", ret, abi.encodeWithSelector(IFeed.OnlyExternalAccounts.selector, address(this)));
    }

    // -- asking

    function test_rounds_are_requested_by_owner_and_requester() public {
        start(4);
        transmit(signed(report(ocr1Context(digest, 9, 3), observationsOf(4, PRICE)), 4), 0);
        vm.recordLogs();
        eq("next round", feed.requestNewRound(), 2);
        Vm.Log memory log = logOf(IOffchainAggregator.RoundRequested.selector);
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
        IAccessController old = feed.requesterAccessController();
        IAccessController other = new AdmitsOne(stranger);
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
        onlyOwner(abi.encodeCall(owned.transferOwnership, (stranger)));
        bytes memory accept = abi.encodeCall(owned.acceptOwnership, ());
        refused(stranger, accept, abi.encodeWithSelector(IOwned.OnlyPendingOwner.selector, stranger, address(0)));

        vm.recordLogs();
        owned.transferOwnership(stranger);
        Vm.Log memory log = logOf(IOwned.OwnershipTransferRequested.selector);
        eq("from", address(uint160(uint256(log.topics[1]))), address(this));
        eq("to", address(uint160(uint256(log.topics[2]))), stranger);
        eq("still", owned.owner(), address(this));
        (bool ok,) = send(stranger, accept);
        yes("accepted", ok);
        log = logOf(IOwned.OwnershipTransferred.selector);
        eq("from", address(uint160(uint256(log.topics[1]))), address(this));
        eq("to", address(uint160(uint256(log.topics[2]))), stranger);
        eq("owner", owned.owner(), stranger);
        refused(
            abi.encodeCall(feed.setPayees, (transmittersOf(1), payeesOf(1))),
            abi.encodeWithSelector(IOwned.OnlyOwner.selector, address(this), stranger)
        );
    }
}
