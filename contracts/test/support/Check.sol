// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @title Assertions with got and wanted
abstract contract Check {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error NotEqualUint(string what, uint256 got, uint256 wanted);
    error NotEqualInt(string what, int256 got, int256 wanted);
    error NotEqualBytes32(string what, bytes32 got, bytes32 wanted);
    error NotEqualAddress(string what, address got, address wanted);
    error NotEqualBytes(string what, bytes got, bytes wanted);
    error NotTrue(string what);

    function eq(string memory what, uint256 got, uint256 wanted) internal pure {
        if (got != wanted) revert NotEqualUint(what, got, wanted);
    }

    function eqInt(string memory what, int256 got, int256 wanted) internal pure {
        if (got != wanted) revert NotEqualInt(what, got, wanted);
    }

    function eq(string memory what, bytes32 got, bytes32 wanted) internal pure {
        if (got != wanted) revert NotEqualBytes32(what, got, wanted);
    }

    function eq(string memory what, address got, address wanted) internal pure {
        if (got != wanted) revert NotEqualAddress(what, got, wanted);
    }

    function eq(string memory what, bytes memory got, bytes memory wanted) internal pure {
        if (keccak256(got) != keccak256(wanted)) revert NotEqualBytes(what, got, wanted);
    }

    function yes(string memory what, bool condition) internal pure {
        if (!condition) revert NotTrue(what);
    }
}
