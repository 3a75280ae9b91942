// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOCRConfigurationStore} from "../../src/interfaces/IOCRConfigurationStore.sol";
import {ITypeAndVersion} from "../../src/interfaces/ITypeAndVersion.sol";
import {Committee} from "../support/Committee.sol";
import {Vm} from "../support/Vm.sol";

/// @title What every store of configurations does, ours and the reference's
abstract contract StoreSuite is Committee {
    IOCRConfigurationStore internal store;

    function _deploy() internal virtual returns (IOCRConfigurationStore);

    function setUp() public {
        store = _deploy();
    }

    function test_what_was_added_can_be_read_under_its_digest() public {
        IOCRConfigurationStore.ConfigurationEVMSimple memory config = _config(4, "offchain");
        bytes32 digest = store.addConfig(config);
        eq("digest", digest, _digestOf(config));
        _reads(digest, config);
    }

    function test_any_configuration_can_be_kept(IOCRConfigurationStore.ConfigurationEVMSimple memory config) public {
        bytes32 digest = store.addConfig(config);
        eq("digest", digest, _digestOf(config));
        _reads(digest, config);
    }

    function test_a_configuration_larger_than_a_contract_can_be_kept() public {
        uint256[5] memory sizes = [uint256(23_000), 24_575, 24_576, 49_151, 60_000];
        for (uint256 i = 0; i < sizes.length; i++) {
            bytes memory offchain = new bytes(sizes[i]);
            for (uint256 k = 0; k < offchain.length; k += 500) {
                offchain[k] = bytes1(uint8(k / 500 + 1));
            }
            IOCRConfigurationStore.ConfigurationEVMSimple memory config = _config(31, offchain);
            _reads(store.addConfig(config), config);
        }
    }

    function test_what_nobody_added_is_empty() public view {
        IOCRConfigurationStore.ConfigurationEVMSimple memory nothing;
        _reads(bytes32(uint256(1)), nothing);
        _reads(0, nothing);
    }

    function test_anyone_adds_and_each_time_is_announced() public {
        IOCRConfigurationStore.ConfigurationEVMSimple memory config = _config(4, "offchain");
        bytes32 digest = _digestOf(config);
        for (uint160 i = 1; i < 4; i++) {
            vm.expectEmit(address(store));
            emit IOCRConfigurationStore.NewConfiguration(digest);
            vm.prank(address(i));
            eq("digest", store.addConfig(config), digest);
        }
        _reads(digest, config);
    }

    function test_one_configuration_does_not_touch_another() public {
        IOCRConfigurationStore.ConfigurationEVMSimple memory a = _config(4, "offchain");
        IOCRConfigurationStore.ConfigurationEVMSimple memory b = _config(7, "offchain");
        bytes32 first = store.addConfig(a);
        bytes32 second = store.addConfig(b);
        yes("digests differ", first != second);
        _reads(first, a);
        _reads(second, b);
    }

    function test_every_field_is_part_of_the_digest() public {
        bytes32[9] memory digests;
        for (uint256 i = 0; i < 9; i++) {
            IOCRConfigurationStore.ConfigurationEVMSimple memory config = _config(4, "offchain");
            if (i == 1) config.signers[2] = address(1);
            if (i == 2) config.transmitters[2] = address(1);
            if (i == 3) config.onchainConfig = "other";
            if (i == 4) config.offchainConfig = "other";
            if (i == 5) config.contractAddress = address(2);
            if (i == 6) config.offchainConfigVersion++;
            if (i == 7) config.configCount++;
            if (i == 8) config.f++;
            digests[i] = store.addConfig(config);
            for (uint256 k = 0; k < i; k++) {
                yes("digests differ", digests[k] != digests[i]);
            }
        }
    }

    function test_the_chain_is_part_of_the_digest() public {
        IOCRConfigurationStore.ConfigurationEVMSimple memory config = _config(4, "offchain");
        bytes32 here = store.addConfig(config);
        vm.chainId(77);
        bytes32 there = store.addConfig(config);
        yes("digests differ", here != there);
        eq("digest", there, _digestOf(config));
    }

    function test_numbers_out_of_their_types_range_are_refused() public {
        bytes memory good = abi.encodeCall(store.addConfig, (_config(4, "offchain")));
        // The words of the tuple: four offsets, then contract, version, count, f.
        for (uint256 word = 4; word < 8; word++) {
            bytes memory call = bytes.concat(good);
            call[4 + 32 + 32 * word] = 0x01;
            (bool ok,) = address(store).call(call);
            yes("refused", !ok);
        }
        (bool taken,) = address(store).call(good);
        yes("the good one is taken", taken);
    }

    function test_it_says_what_it_is() public view {
        eq(
            "type",
            bytes(ITypeAndVersion(address(store)).typeAndVersion()),
            bytes("OCRConfigurationStoreEVMSimple 1.0.0")
        );
    }

    function _config(uint256 n, bytes memory offchain)
        internal
        pure
        returns (IOCRConfigurationStore.ConfigurationEVMSimple memory)
    {
        return IOCRConfigurationStore.ConfigurationEVMSimple({
            signers: signersOf(n),
            transmitters: transmittersOf(n),
            onchainConfig: "onchain",
            offchainConfig: offchain,
            contractAddress: address(0xfeed),
            offchainConfigVersion: 2,
            configCount: 3,
            f: uint8((n - 1) / 3)
        });
    }

    /// @dev Written out here, so that the contracts' own function is judged too.
    function _digestOf(IOCRConfigurationStore.ConfigurationEVMSimple memory config) internal view returns (bytes32) {
        bytes memory encoded = abi.encode(
            block.chainid,
            config.contractAddress,
            uint64(config.configCount),
            config.signers,
            config.transmitters,
            config.f,
            config.onchainConfig,
            config.offchainConfigVersion,
            config.offchainConfig
        );
        return bytes32(uint256(keccak256(encoded)) << 16 >> 16 | uint256(1) << 240);
    }

    function _reads(bytes32 digest, IOCRConfigurationStore.ConfigurationEVMSimple memory wanted) internal view {
        eq("configuration", abi.encode(store.readConfig(digest)), abi.encode(wanted));
    }
}
