// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOffchainAggregator} from "../../src/interfaces/IOffchainAggregator.sol";
import {Ocr1Test} from "../support/Ocr1Test.sol";
import {Vm} from "../support/Vm.sol";
import {ConfigSuite} from "./ConfigSuite.sol";

/// @title setConfig of OCR1: what it announces, and who must have a payee
abstract contract Ocr1ConfigSuite is ConfigSuite, Ocr1Test {
    function _encodeConfig(bytes memory opaque) internal view override returns (bytes memory) {
        return abi.encodeCall(ocr1().setConfig, (signersOf(4), transmittersOf(4), 1, 1, opaque));
    }

    function test_setConfig_announces_everything_and_the_digest_names_it() public {
        feed.setPayees(transmittersOf(7), payeesOf(7));
        vm.roll(4711);
        vm.recordLogs();
        ocr1().setConfig(signersOf(7), transmittersOf(7), 2, 99, "opaque");
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
        (uint32 count, uint32 blockNumber, bytes16 name) = ocr1().latestConfigDetails();
        eq("count", count, 1);
        eq("block", blockNumber, 4711);
        eq("digest", name, wanted);
        eq("transmitters", abi.encode(ocr1().transmitters()), abi.encode(transmittersOf(7)));
    }

    function test_before_the_first_config_there_is_nothing() public {
        (uint32 count, uint32 blockNumber, bytes16 name) = ocr1().latestConfigDetails();
        eq("count", count, 0);
        eq("block", blockNumber, 0);
        eq("digest", name, bytes32(0));
        eq("transmitters", ocr1().transmitters().length, 0);
        (bool ok,) = send(transmitterOf(0), encode(signed(report(ocr1Context(0, 1, 1), observationsOf(4, PRICE)), 4)));
        yes("no report is accepted", !ok);
    }

    function test_every_transmitter_has_a_payee() public {
        feed.setPayees(transmittersOf(3), payeesOf(3));
        bytes4 why = IOffchainAggregator.PayeeNotSet.selector;
        refused(encodeConfig(4, 1), abi.encodeWithSelector(why, transmitterOf(3)));
        feed.setPayees(transmittersOf(4), payeesOf(4));
        configure(4);
    }

    /// @dev Of another oracle before or after it, and of its own.
    function test_no_transmitter_is_a_signer() public {
        start(4);
        for (uint256 i = 0; i < 3; i++) {
            address[] memory signers = signersOf(4);
            signers[i] = transmitterOf(1);
            bytes memory data = encodeConfig(signers, transmittersOf(4), 1);
            refused(data, abi.encodeWithSelector(IFeed.SignerIsTransmitter.selector, transmitterOf(1)));
        }
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
