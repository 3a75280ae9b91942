// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ocr2Test} from "../support/Ocr2Test.sol";
import {VectorSuite} from "./VectorSuite.sol";

/// @title What Dodona's oracles send, made by crates/conformance/tests/contract_vectors.rs
abstract contract Ocr2VectorSuite is VectorSuite, Ocr2Test {
    function _file() internal pure override returns (string memory) {
        return "test/vectors/ocr2.json";
    }

    function _configureAs(string memory committee, address[] memory signers, address[] memory transmitters)
        internal
        override
    {
        vm.chainId(vm.parseJsonUint(json, ".chainId"));
        ocr2()
            .setConfig(
                signers,
                transmitters,
                uint8(vm.parseJsonUint(json, path(committee, "f"))),
                vm.parseJsonBytes(json, path(committee, "onchainConfig")),
                uint64(vm.parseJsonUint(json, path(committee, "offchainConfigVersion"))),
                vm.parseJsonBytes(json, path(committee, "offchainConfig"))
            );
        eq("digest", configDigest(), vm.parseJsonBytes32(json, path(committee, "digest")));
    }

    /// @dev The first: behind the selector, three words of context, five of the head, five of the report.
    function _observationAt(string memory) internal pure override returns (uint256) {
        return 4 + 32 * 13;
    }
}
