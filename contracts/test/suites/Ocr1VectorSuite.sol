// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ocr1Test} from "../support/Ocr1Test.sol";
import {VectorSuite} from "./VectorSuite.sol";

/// @title What an OCR1 committee signs, made by crates/bindings/tests/ocr1_vectors.rs
abstract contract Ocr1VectorSuite is VectorSuite, Ocr1Test {
    function _file() internal pure override returns (string memory) {
        return "test/vectors/ocr1.json";
    }

    function _configureAs(string memory committee, address[] memory signers, address[] memory transmitters)
        internal
        override
    {
        ocr1()
            .setConfig(
                signers,
                transmitters,
                uint8(vm.parseJsonUint(json, path(committee, "threshold"))),
                uint64(vm.parseJsonUint(json, path(committee, "encodedConfigVersion"))),
                vm.parseJsonBytes(json, path(committee, "encoded"))
            );
        bytes16 name = bytes16(configDigest());
        eq("digest", abi.encodePacked(name), vm.parseJsonBytes(json, path(committee, "digest")));
        bytes32[] memory keys = vm.parseJsonBytes32Array(json, path(committee, "keys"));
        for (uint256 i = 0; i < keys.length; i++) {
            eq("key", vm.addr(uint256(keys[i])), signers[i]);
        }
    }

    /// @dev The median: behind the selector, four words of the head, the length and four words of the report.
    function _observationAt(string memory transmission) internal view override returns (uint256) {
        bytes memory report_ = vm.parseJsonBytes(json, string.concat(transmission, ".report"));
        return 4 + 32 * (9 + (report_.length / 32 - 4) / 2);
    }
}
