// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

error ReferenceNotCreated(string name);

/// @return made A contract of the reference. Skips the test while tools/reference.mjs has not fetched its code.
function original(string memory name, bytes memory arguments) returns (address made) {
    string memory path = string.concat("cache/reference/", name, ".json");
    vm.skip(!vm.exists(path), "run `node tools/reference.mjs` first");
    bytes memory creation = bytes.concat(vm.parseJsonBytes(vm.readFile(path), ".bytecode.object"), arguments);
    assembly {
        made := create(0, add(creation, 0x20), mload(creation))
    }
    if (made == address(0)) revert ReferenceNotCreated(name);
}
