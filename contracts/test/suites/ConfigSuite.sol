// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFeed} from "../../src/interfaces/IFeed.sol";
import {FeedTest} from "../support/FeedTest.sol";

/// @title setConfig, and what follows from it
abstract contract ConfigSuite is FeedTest {
    /// @return A call of setConfig for four oracles, with this for its part that the contract never looks into.
    function _encodeConfig(bytes memory opaque) internal view virtual returns (bytes memory);

    function test_each_config_points_back_to_the_one_before() public {
        start(4);
        bytes32 first = digest;
        vm.roll(2000);
        vm.recordLogs();
        configure(4);
        (uint32 previous, uint64 count,) = configSet();
        eq("previous block", previous, 1000);
        eq("count", count, 2);
        yes("another digest", first != digest);
    }

    function test_a_new_config_starts_epochs_anew_and_keeps_rounds() public {
        start(4);
        transmit(4);
        transmit(4);
        configure(7);
        (, uint32 epoch_,,,) = details();
        eq("epoch", epoch_, 0);
        eq("round", feed.latestRound(), 2);
        eqInt("answer", feed.latestAnswer(), PRICE + 2 * 123_457);
        transmit(7);
        eq("round", feed.latestRound(), 3);
    }

    function test_a_report_of_the_old_config_is_refused_and_so_is_its_transmitter() public {
        start(7);
        transmit(7);
        bytes32 old = digest;
        configure(4);
        Call memory call = sign(callOf(old, 2, 1, observationsOf(7, PRICE), 7), 0, 3, 7);
        refused(
            transmitterOf(0), encode(call), abi.encodeWithSelector(IFeed.ConfigDigestMismatch.selector, old, digest)
        );
        refused(
            transmitterOf(6),
            encode(next(4)),
            abi.encodeWithSelector(IFeed.UnauthorizedTransmitter.selector, transmitterOf(6))
        );
    }

    function test_only_the_owner_sets_a_config() public {
        start(4);
        onlyOwner(encodeConfig(4, 1));
    }

    function test_at_most_31_oracles() public {
        start(31);
        feed.setPayees(transmittersOf(32), payeesOf(32));
        refused(encodeConfig(32, 1), abi.encodeWithSelector(IFeed.TooManyOracles.selector, 32, 31));
    }

    function test_as_many_signers_as_transmitters() public {
        start(4);
        bytes memory data = encodeConfig(signersOf(4), transmittersOf(5), 1);
        refused(data, abi.encodeWithSelector(IFeed.OracleListsDiffer.selector, 4, 5));
    }

    function test_f_is_positive_and_less_than_a_third() public {
        start(4);
        bytes4 why = IFeed.FaultyOraclesOutOfRange.selector;
        refused(encodeConfig(4, 0), abi.encodeWithSelector(why, 0, 4));
        refused(encodeConfig(3, 1), abi.encodeWithSelector(why, 1, 3));
        refused(encodeConfig(6, 2), abi.encodeWithSelector(why, 2, 6));
        refused(encodeConfig(31, 11), abi.encodeWithSelector(why, 11, 31));
        refused(encodeConfig(4, 86), abi.encodeWithSelector(why, 86, 4));
        refused(encodeConfig(31, 255), abi.encodeWithSelector(why, 255, 31));
        refused(encodeConfig(0, 0), abi.encodeWithSelector(why, 0, 0));
        configure(4, 1);
        configure(31, 10);
        configure(31, 1);
    }

    function test_no_signer_and_no_transmitter_twice() public {
        start(4);
        address[] memory signers = signersOf(4);
        signers[3] = signers[1];
        bytes memory data = encodeConfig(signers, transmittersOf(4), 1);
        refused(data, abi.encodeWithSelector(IFeed.RepeatedSigner.selector, signers[1]));

        address[] memory transmitters = transmittersOf(4);
        transmitters[2] = transmitters[0];
        data = encodeConfig(signersOf(4), transmitters, 1);
        refused(data, abi.encodeWithSelector(IFeed.RepeatedTransmitter.selector, transmitters[0]));
    }

    function test_any_size_of_offchain_config_is_announced() public {
        start(4);
        bytes memory large = new bytes(20_000);
        large[19_999] = 0x01;
        bytes memory data = _encodeConfig(large);
        vm.recordLogs();
        (bool ok,) = address(feed).call(data);
        yes("accepted", ok);
        (,, bytes memory announced_) = configSet();
        eq("offchain config", announced_, large);
    }

    function test_malformed_arguments_are_refused() public {
        start(4);
        bytes memory data = encodeConfig(4, 1);
        assembly {
            mstore(add(data, 0x24), shl(64, 1)) // the offset of signers
        }
        refused(data, "");
    }
}
