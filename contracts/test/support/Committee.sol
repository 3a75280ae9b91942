// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Check} from "./Check.sol";

/// @title A committee with real keys, and the reports that it signs
abstract contract Committee is Check {
    /// @dev The arguments of transmit, so that a test can spoil one of them.
    struct Call {
        bytes32[3] context;
        bytes report;
        bytes32[] rs;
        bytes32[] ss;
        bytes32 rawVs;
    }

    uint256 internal constant N_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function signerKey(uint256 oracle) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("signer", oracle))) % N_ORDER;
    }

    function signersOf(uint256 n) internal pure returns (address[] memory list) {
        list = new address[](n);
        for (uint256 i = 0; i < n; i++) {
            list[i] = vm.addr(signerKey(i));
        }
    }

    function transmitterOf(uint256 oracle) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("transmitter", oracle)))));
    }

    function transmittersOf(uint256 n) internal pure returns (address[] memory list) {
        list = new address[](n);
        for (uint256 i = 0; i < n; i++) {
            list[i] = transmitterOf(i);
        }
    }

    function payeeOf(uint256 oracle) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("payee", oracle)))));
    }

    function payeesOf(uint256 n) internal pure returns (address[] memory list) {
        list = new address[](n);
        for (uint256 i = 0; i < n; i++) {
            list[i] = payeeOf(i);
        }
    }

    /// @return Ascending observations around a price of 2.5 * 10^11.
    function observationsOf(uint256 k, int192 base) internal pure returns (int192[] memory) {
        int192[] memory list = new int192[](k);
        for (uint256 i = 0; i < k; i++) {
            list[i] = base + int192(int256(i * 123_457));
        }
        return list;
    }

    function reportOf(uint32 timestamp, int192[] memory observations, int192 juelsPerFeeCoin)
        internal
        pure
        returns (bytes memory)
    {
        bytes32 observers;
        for (uint256 i = 0; i < observations.length; i++) {
            observers |= bytes32(((i * 7 + 3) % observations.length) << (248 - 8 * i));
        }
        return abi.encode(timestamp, observers, observations, juelsPerFeeCoin);
    }

    function contextOf(bytes32 digest, uint32 epoch, uint8 round) internal pure returns (bytes32[3] memory) {
        return [digest, bytes32((uint256(epoch) << 8) | round), bytes32(0)];
    }

    function signedHash(bytes memory report, bytes32[3] memory context) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(report), context));
    }

    /// @return call The report with signatures of `count` oracles from `first` on.
    function signedBy(bytes32[3] memory context, bytes memory report, uint256 first, uint256 count, uint256 n)
        internal
        pure
        returns (Call memory call)
    {
        call.context = context;
        call.report = report;
        return sign(call, signedHash(report, context), first, count, n);
    }

    /// @dev Puts in signatures of `count` oracles from `first` on.
    function sign(Call memory call, bytes32 hash, uint256 first, uint256 count, uint256 n)
        internal
        pure
        returns (Call memory)
    {
        call.rs = new bytes32[](count);
        call.ss = new bytes32[](count);
        call.rawVs = 0;
        for (uint256 i = 0; i < count; i++) {
            uint8 v;
            (v, call.rs[i], call.ss[i]) = vm.sign(signerKey((first + i) % n), hash);
            call.rawVs |= bytes32(uint256(v - 27) << (248 - 8 * i));
        }
        return call;
    }
}
