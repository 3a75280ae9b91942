// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCRConfigurationStoreEVMSimple} from "../src/OCRConfigurationStoreEVMSimple.sol";
import {IOCRConfigurationStore} from "../src/interfaces/IOCRConfigurationStore.sol";
import {StoreSuite} from "./suites/StoreSuite.sol";
import {original} from "./support/Reference.sol";

contract OCRConfigurationStoreTest is StoreSuite {
    function _deploy() internal override returns (IOCRConfigurationStore) {
        return new OCRConfigurationStoreEVMSimple();
    }

    function test_adding_again_stores_nothing() public {
        IOCRConfigurationStore.ConfigurationEVMSimple memory config = _config(31, new bytes(5_000));
        bytes32 digest = store.addConfig(config);
        uint256 reading = _gasToRead(digest);
        uint256 before = gasleft();
        store.addConfig(config);
        yes("no new code", before - gasleft() < 100_000);
        yes("nothing more to read", _gasToRead(digest) < reading + 500);
    }

    function test_no_more_is_kept_than_was_added() public {
        IOCRConfigurationStore.ConfigurationEVMSimple memory config = _config(31, new bytes(24_575));
        store.addConfig(config);
        // Two contracts, each with a STOP before its part.
        eq("bytes", _created(1).code.length + _created(2).code.length, abi.encode(config).length + 2);
    }

    /// @return The contract that the store created first, second and so on.
    function _created(uint8 nonce) private view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", store, nonce)))));
    }

    function _gasToRead(bytes32 digest) private view returns (uint256) {
        uint256 before = gasleft();
        (bool ok,) = address(store).staticcall(abi.encodeCall(store.readConfig, (digest)));
        yes("read", ok);
        return before - gasleft();
    }

    function test_ours_costs_half_of_the_original_or_less() public {
        IOCRConfigurationStore theirs = IOCRConfigurationStore(original("OCRConfigurationStoreEVMSimple", ""));
        for (uint256 n = 4; n <= 31; n += 9) {
            IOCRConfigurationStore.ConfigurationEVMSimple memory config = _config(n, new bytes(100 + 180 * n));
            for (uint256 i = 0; i < config.offchainConfig.length; i++) {
                config.offchainConfig[i] = 0x5a;
            }
            uint256 before = gasleft();
            store.addConfig(config);
            uint256 ours = before - gasleft();
            before = gasleft();
            theirs.addConfig(config);
            yes("half", 2 * ours < before - gasleft());
        }
    }
}

contract ReferenceConfigurationStoreTest is StoreSuite {
    function _deploy() internal override returns (IOCRConfigurationStore) {
        return IOCRConfigurationStore(original("OCRConfigurationStoreEVMSimple", ""));
    }
}
