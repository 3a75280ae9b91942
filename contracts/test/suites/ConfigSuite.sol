// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOCR2} from "../../src/interfaces/IOCR2.sol";
import {IOCR2Aggregator} from "../../src/interfaces/IOCR2Aggregator.sol";
import {FeedTest} from "../support/FeedTest.sol";
import {Vm} from "../support/Vm.sol";

/// @title setConfig, and what follows from it
abstract contract ConfigSuite is FeedTest {
    function encodeConfig(address[] memory signers, address[] memory transmitters, uint8 f, bytes memory onchain)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodeCall(feed.setConfig, (signers, transmitters, f, onchain, 2, ""));
    }

    function encodeConfig(uint256 n, uint8 f) internal view returns (bytes memory) {
        return encodeConfig(signersOf(n), transmittersOf(n), f, onchainConfig());
    }

    function test_setConfig_announces_everything_and_names_it_by_its_digest() public {
        vm.roll(4711);
        vm.recordLogs();
        feed.setConfig(signersOf(7), transmittersOf(7), 2, onchainConfig(), 99, "opaque");
        Vm.Log memory log = logOf(IOCR2.ConfigSet.selector);

        bytes32 hash = keccak256(
            abi.encode(
                block.chainid,
                address(feed),
                uint64(1),
                signersOf(7),
                transmittersOf(7),
                uint8(2),
                onchainConfig(),
                uint64(99),
                bytes("opaque")
            )
        );
        bytes32 wanted = bytes32((uint256(hash) & (type(uint256).max >> 16)) | (uint256(1) << 240));
        bytes memory data = abi.encode(
            uint32(0),
            wanted,
            uint64(1),
            signersOf(7),
            transmittersOf(7),
            uint8(2),
            onchainConfig(),
            uint64(99),
            "opaque"
        );
        eq("ConfigSet", log.data, data);
        eq("topics", log.topics.length, 1);

        (uint32 count, uint32 blockNumber, bytes32 name) = feed.latestConfigDetails();
        eq("count", count, 1);
        eq("block", blockNumber, 4711);
        eq("digest", name, wanted);
        (bool scanLogs, bytes32 again, uint32 epoch_) = feed.latestConfigDigestAndEpoch();
        yes("no logs to scan", !scanLogs);
        eq("digest", again, wanted);
        eq("epoch", epoch_, 0);
        eq("transmitters", abi.encode(feed.getTransmitters()), abi.encode(transmittersOf(7)));
    }

    function test_before_the_first_config_there_is_nothing() public view {
        (uint32 count, uint32 blockNumber, bytes32 name) = feed.latestConfigDetails();
        eq("count", count, 0);
        eq("block", blockNumber, 0);
        eq("digest", name, bytes32(0));
        eq("transmitters", feed.getTransmitters().length, 0);
    }

    function test_each_config_points_back_to_the_one_before() public {
        configure(4, 1);
        bytes32 first = digest;
        vm.roll(2000);
        vm.recordLogs();
        configure(4, 1);
        Vm.Log memory log = logOf(IOCR2.ConfigSet.selector);
        (uint32 previous,, uint64 count) = abi.decode(log.data, (uint32, bytes32, uint64));
        eq("previous block", previous, 1000);
        eq("count", count, 2);
        yes("another digest", first != digest);
    }

    function test_a_new_config_starts_epochs_anew_and_keeps_rounds() public {
        start(4);
        transmit(4);
        transmit(4);
        configure(7, 2);
        (,, uint32 epoch_) = feed.latestConfigDigestAndEpoch();
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
        configure(4, 1);
        Call memory call = signedBy(contextOf(old, 2, 1), report(7), 0, 3, 7);
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
        onlyOwner(encodeConfig(4, 1));
    }

    function test_at_most_31_oracles() public {
        configure(31, 10);
        refused(encodeConfig(32, 1), abi.encodeWithSelector(IFeed.TooManyOracles.selector, 32, 31));
    }

    function test_as_many_signers_as_transmitters() public {
        bytes memory data = encodeConfig(signersOf(4), transmittersOf(5), 1, onchainConfig());
        refused(data, abi.encodeWithSelector(IFeed.OracleListsDiffer.selector, 4, 5));
    }

    function test_f_is_positive_and_less_than_a_third() public {
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
    }

    function test_the_onchain_config_repeats_the_bounds() public {
        bytes[4] memory wrong = [
            bytes(""),
            abi.encodePacked(uint8(2), MIN, MAX),
            abi.encodePacked(uint8(1), MAX, MIN),
            abi.encodePacked(uint8(1), MIN, MAX, uint8(0))
        ];
        for (uint256 i = 0; i < wrong.length; i++) {
            bytes memory data = encodeConfig(signersOf(4), transmittersOf(4), 1, wrong[i]);
            bytes4 why = IOCR2Aggregator.InvalidOnchainConfig.selector;
            refused(data, abi.encodeWithSelector(why, wrong[i], onchainConfig()));
        }
    }

    function test_no_signer_and_no_transmitter_twice() public {
        address[] memory signers = signersOf(4);
        signers[3] = signers[1];
        bytes memory data = encodeConfig(signers, transmittersOf(4), 1, onchainConfig());
        refused(data, abi.encodeWithSelector(IFeed.RepeatedSigner.selector, signers[1]));

        address[] memory transmitters = transmittersOf(4);
        transmitters[2] = transmitters[0];
        data = encodeConfig(signersOf(4), transmitters, 1, onchainConfig());
        refused(data, abi.encodeWithSelector(IFeed.RepeatedTransmitter.selector, transmitters[0]));
    }

    function test_any_size_of_offchain_config_is_announced() public {
        bytes memory large = new bytes(20_000);
        large[19_999] = 0x01;
        vm.recordLogs();
        feed.setConfig(signersOf(4), transmittersOf(4), 1, onchainConfig(), 2, large);
        (,,,,,,,, bytes memory announced) = abi.decode(
            logOf(IOCR2.ConfigSet.selector).data,
            (uint32, bytes32, uint64, address[], address[], uint8, bytes, uint64, bytes)
        );
        eq("offchain config", announced, large);
    }

    function test_malformed_arguments_are_refused() public {
        bytes memory data = encodeConfig(4, 1);
        assembly {
            mstore(add(data, 0x64), 0x101) // f, which is a uint8
        }
        refused(data, "");
        data = encodeConfig(4, 1);
        assembly {
            mstore(add(data, 0x24), shl(64, 1)) // the offset of signers
        }
        refused(data, "");
    }
}
