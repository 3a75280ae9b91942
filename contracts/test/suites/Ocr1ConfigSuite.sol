// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOffchainAggregator} from "../../src/interfaces/IOffchainAggregator.sol";
import {Ocr1Test} from "../support/Ocr1Test.sol";
import {Vm} from "../support/Vm.sol";

/// @title setConfig of OCR1, and what follows from it
abstract contract Ocr1ConfigSuite is Ocr1Test {
    function test_setConfig_announces_everything_and_the_digest_names_it() public {
        feed.setPayees(transmittersOf(7), payeesOf(7));
        vm.roll(4711);
        vm.recordLogs();
        feed.setConfig(signersOf(7), transmittersOf(7), 2, 99, "opaque");
        Vm.Log memory log = logOf(IOffchainAggregator.ConfigSet.selector);
        bytes memory data =
            abi.encode(uint32(0), uint64(1), signersOf(7), transmittersOf(7), uint8(2), uint64(99), bytes("opaque"));
        eq("ConfigSet", log.data, data);
        eq("topics", log.topics.length, 1);

        bytes16 wanted = bytes16(
            keccak256(
                abi.encode(
                    address(feed), uint64(1), signersOf(7), transmittersOf(7), uint8(2), uint64(99), bytes("opaque")
                )
            )
        );
        (uint32 count, uint32 blockNumber, bytes16 name) = feed.latestConfigDetails();
        eq("count", count, 1);
        eq("block", blockNumber, 4711);
        eq("digest", name, wanted);
        eq("transmitters", abi.encode(feed.transmitters()), abi.encode(transmittersOf(7)));
    }

    function test_before_the_first_config_there_is_nothing() public {
        (uint32 count, uint32 blockNumber, bytes16 name) = feed.latestConfigDetails();
        eq("count", count, 0);
        eq("block", blockNumber, 0);
        eq("digest", name, bytes32(0));
        eq("transmitters", feed.transmitters().length, 0);
        (bool ok,) = send(transmitterOf(0), encode(signed(report(ocr1Context(0, 1, 1), observationsOf(4, PRICE)), 4)));
        yes("no report is accepted", !ok);
    }

    function test_each_config_points_back_to_the_one_before() public {
        start(4);
        bytes16 first = digest;
        vm.roll(2000);
        vm.recordLogs();
        configure(4);
        (uint32 previous, uint64 count) =
            abi.decode(logOf(IOffchainAggregator.ConfigSet.selector).data, (uint32, uint64));
        eq("previous block", previous, 1000);
        eq("count", count, 2);
        yes("another digest", first != digest);
    }

    function test_a_new_config_starts_epochs_anew_and_keeps_rounds() public {
        start(4);
        transmit(4);
        transmit(4);
        configure(7);
        eq("round", feed.latestRound(), 2);
        eqInt("answer", feed.latestAnswer(), PRICE + 2 * 123_457);
        transmit(7);
        eq("round", feed.latestRound(), 3);
    }

    function test_a_report_of_the_old_config_is_refused_and_so_is_its_transmitter() public {
        start(7);
        transmit(7);
        bytes16 old = digest;
        configure(4);
        Ocr1Call memory call = signed(report(ocr1Context(old, 2, 1), observationsOf(7, PRICE)), 0, 3, 7);
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

    function test_the_threshold_is_positive_and_less_than_a_third() public {
        start(4);
        bytes4 why = IFeed.FaultyOraclesOutOfRange.selector;
        refused(encodeConfig(4, 0), abi.encodeWithSelector(why, 0, 4));
        refused(encodeConfig(3, 1), abi.encodeWithSelector(why, 1, 3));
        refused(encodeConfig(6, 2), abi.encodeWithSelector(why, 2, 6));
        refused(encodeConfig(31, 11), abi.encodeWithSelector(why, 11, 31));
        refused(encodeConfig(4, 86), abi.encodeWithSelector(why, 86, 4));
        refused(encodeConfig(31, 255), abi.encodeWithSelector(why, 255, 31));
        refused(encodeConfig(0, 0), abi.encodeWithSelector(why, 0, 0));
        configure(31, 10);
        configure(31, 1);
    }

    function test_every_transmitter_has_a_payee() public {
        feed.setPayees(transmittersOf(3), payeesOf(3));
        bytes4 why = IOffchainAggregator.PayeeNotSet.selector;
        refused(encodeConfig(4, 1), abi.encodeWithSelector(why, transmitterOf(3)));
        feed.setPayees(transmittersOf(4), payeesOf(4));
        configure(4);
    }

    function test_no_address_has_two_roles() public {
        start(4);
        address[] memory signers = signersOf(4);
        signers[3] = signers[1];
        bytes memory data = encodeConfig(signers, transmittersOf(4), 1);
        refused(data, abi.encodeWithSelector(IFeed.RepeatedSigner.selector, signers[1]));

        address[] memory transmitters = transmittersOf(4);
        transmitters[2] = transmitters[0];
        data = encodeConfig(signersOf(4), transmitters, 1);
        refused(data, abi.encodeWithSelector(IFeed.RepeatedTransmitter.selector, transmitters[0]));

        // A transmitter that is a signer too: of another oracle before or after it, and of its own.
        for (uint256 i = 0; i < 3; i++) {
            signers = signersOf(4);
            signers[i] = transmitterOf(1);
            data = encodeConfig(signers, transmittersOf(4), 1);
            refused(data, abi.encodeWithSelector(IFeed.SignerIsTransmitter.selector, transmitterOf(1)));
        }
    }

    function test_any_size_of_encoded_config_is_announced() public {
        start(4);
        bytes memory large = new bytes(20_000);
        large[19_999] = 0x01;
        vm.recordLogs();
        feed.setConfig(signersOf(4), transmittersOf(4), 1, 1, large);
        (,,,,,, bytes memory announced) = abi.decode(
            logOf(IOffchainAggregator.ConfigSet.selector).data,
            (uint32, uint64, address[], address[], uint8, uint64, bytes)
        );
        eq("encoded", announced, large);
    }

    function test_malformed_arguments_are_refused() public {
        start(4);
        bytes memory data = encodeConfig(4, 1);
        assembly {
            mstore(add(data, 0x24), shl(64, 1)) // the offset of signers
        }
        refused(data, "");
    }

    /// @dev Both decode with the older ABI coder, which cuts.
    function test_a_threshold_wider_than_its_type_is_cut() public {
        start(4);
        bytes memory data = encodeConfig(4, 1);
        assembly {
            mstore(add(data, 0x64), 0x101) // the threshold, which is a uint8
        }
        vm.recordLogs();
        (bool ok,) = address(feed).call(data);
        yes("accepted", ok);
        (,,,, uint256 threshold) =
            abi.decode(logOf(IOffchainAggregator.ConfigSet.selector).data, (uint32, uint64, uint256, uint256, uint256));
        eq("threshold", threshold, 1);
    }
}
