// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOCR2} from "../../src/interfaces/IOCR2.sol";
import {IOCR2Aggregator} from "../../src/interfaces/IOCR2Aggregator.sol";
import {Ocr2Test} from "../support/Ocr2Test.sol";
import {Vm} from "../support/Vm.sol";
import {ConfigSuite} from "./ConfigSuite.sol";

/// @title setConfig of OCR2: what it announces, and its onchain config
abstract contract Ocr2ConfigSuite is ConfigSuite, Ocr2Test {
    function _encodeConfig(bytes memory opaque) internal view override returns (bytes memory) {
        return abi.encodeCall(ocr2().setConfig, (signersOf(4), transmittersOf(4), 1, onchainConfig(), 2, opaque));
    }

    function test_setConfig_announces_everything_and_names_it_by_its_digest() public {
        vm.roll(4711);
        vm.recordLogs();
        ocr2().setConfig(signersOf(7), transmittersOf(7), 2, onchainConfig(), 99, "opaque");
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

        (uint32 count, uint32 blockNumber, bytes32 name) = ocr2().latestConfigDetails();
        eq("count", count, 1);
        eq("block", blockNumber, 4711);
        eq("digest", name, wanted);
        (bool scanLogs, bytes32 again, uint32 epoch_) = ocr2().latestConfigDigestAndEpoch();
        yes("no logs to scan", !scanLogs);
        eq("digest", again, wanted);
        eq("epoch", epoch_, 0);
        eq("transmitters", abi.encode(ocr2().getTransmitters()), abi.encode(transmittersOf(7)));
    }

    function test_before_the_first_config_there_is_nothing() public view {
        (uint32 count, uint32 blockNumber, bytes32 name) = ocr2().latestConfigDetails();
        eq("count", count, 0);
        eq("block", blockNumber, 0);
        eq("digest", name, bytes32(0));
        eq("transmitters", ocr2().getTransmitters().length, 0);
    }

    function test_the_onchain_config_repeats_the_bounds() public {
        bytes[4] memory wrong = [
            bytes(""),
            abi.encodePacked(uint8(2), MIN, MAX),
            abi.encodePacked(uint8(1), MAX, MIN),
            abi.encodePacked(uint8(1), MIN, MAX, uint8(0))
        ];
        for (uint256 i = 0; i < wrong.length; i++) {
            bytes memory data = abi.encodeCall(ocr2().setConfig, (signersOf(4), transmittersOf(4), 1, wrong[i], 2, ""));
            bytes4 why = IOCR2Aggregator.InvalidOnchainConfig.selector;
            refused(data, abi.encodeWithSelector(why, wrong[i], onchainConfig()));
        }
    }

    function test_an_f_wider_than_its_type_is_refused() public {
        start(4);
        bytes memory data = encodeConfig(4, 1);
        assembly {
            mstore(add(data, 0x64), 0x101) // f, which is a uint8
        }
        refused(data, "");
    }
}
