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
