// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOwned} from "../../src/interfaces/IOwned.sol";
import {FeedTest} from "../support/FeedTest.sol";
import {Vm} from "../support/Vm.sol";

/// @title What consumers read, what oracles ask, who owns
abstract contract FeedSuite is FeedTest {
    function _version() internal pure virtual returns (uint256);

    /// @return The topic of RoundRequested, in which the digest has another length in each protocol.
    function _roundRequested() internal pure virtual returns (bytes32);

    // -- reading

    function test_constants() public view {
        eq("decimals", feed.decimals(), 8);
        eq("description", bytes(feed.description()), "ETH / USD");
        eq("version", feed.version(), _version());
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
        uint256[4] memory starts;
        for (uint256 i = 1; i <= 3; i++) {
            vm.warp(1_700_000_000 + 100 * i);
            starts[i] = startOfRound();
            transmit(next(4, observationsOf(4, PRICE + int192(int256(i)))), 0);
        }
        bytes memory wanted;
        for (uint256 i = 1; i <= 3; i++) {
            int256 answer = PRICE + int256(i) + 2 * 123_457;
            eqInt("getAnswer", feed.getAnswer(i), answer);
            eq("getTimestamp", feed.getTimestamp(i), 1_700_000_000 + 100 * i);
            (uint80 id, int256 value, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
                feed.getRoundData(uint80(i));
            wanted = abi.encode(i, answer, starts[i], 1_700_000_000 + 100 * i, i);
            eq("getRoundData", abi.encode(id, value, startedAt, updatedAt, answeredIn), wanted);
        }
        (uint80 latest, int256 answer3, uint256 started, uint256 updated, uint80 answered) = feed.latestRoundData();
        eq("latestRoundData", abi.encode(latest, answer3, started, updated, answered), wanted);
        eq("latestTimestamp", feed.latestTimestamp(), 1_700_000_300);
        eq("latestRound", feed.latestRound(), 3);
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

    function test_latestTransmissionDetails_are_for_external_accounts() public {
        start(4);
        transmit(callOf(0x01020304, 5, 4), 0);
        bytes memory call = abi.encodeWithSignature("latestTransmissionDetails()");
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
        transmit(callOf(9, 3, 4), 0);
        vm.recordLogs();
        eq("next round", feed.requestNewRound(), 2);
        Vm.Log memory log = logOf(_roundRequested());
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
        IAccessController old = requesterController();
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
        eq("from", address(uint160(uint256(log.topics[1]))), address(this));
        eq("to", address(uint160(uint256(log.topics[2]))), stranger);
        eq("owner", owned.owner(), stranger);
        refused(stranger, accept, abi.encodeWithSelector(IOwned.OnlyPendingOwner.selector, stranger, address(0)));
        refused(
            abi.encodeCall(feed.setPayees, (transmittersOf(1), payeesOf(1))),
            abi.encodeWithSelector(IOwned.OnlyOwner.selector, address(this), stranger)
        );
    }
}
