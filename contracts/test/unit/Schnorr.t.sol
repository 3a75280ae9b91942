// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Schnorr} from "../../src/threshold/Schnorr.sol";
import {Group} from "../support/Group.sol";

contract SchnorrTest is Group {
    // The library takes the signature from calldata.

    function check(uint256 x, uint256 parity, bytes32 message, Schnorr.Signature calldata signature)
        external
        view
        returns (bool)
    {
        return Schnorr.isValid(x, parity, message, signature);
    }

    /// @dev The same with dirty memory, behind which and before which nothing may change.
    function checkInDirt(uint256 x, uint256 parity, bytes32 message, Schnorr.Signature calldata signature)
        external
        view
        returns (bool valid)
    {
        bytes memory before = abi.encode(x, parity, message);
        bytes memory empty;
        assembly {
            let free := mload(0x40)
            for { let i := 0 } lt(i, 512) { i := add(i, 32) } { mstore(add(free, i), not(0)) }
            mstore(0, not(0))
            mstore(0x20, not(0))
        }
        valid = Schnorr.isValid(x, parity, message, signature);
        eq("memory in use", before, abi.encode(x, parity, message));
        eq("memory that is new is empty", empty, bytes(""));
        eq("memory that is new is fresh", bytes(new string(64)), new bytes(64));
    }

    function isValid(Key memory by, bytes32 message, Schnorr.Signature memory signature)
        private
        view
        returns (bool valid)
    {
        valid = this.check(by.x, by.parity, message, signature);
        yes("dirt changes nothing", this.checkInDirt(by.x, by.parity, message, signature) == valid);
    }

    /// @dev An r that is wider than an address, which no caller that follows the ABI can send.
    function isValidRaw(Key memory by, bytes32 message, uint256 r, uint256 s) private view returns (bool) {
        (bool ok, bytes memory ret) =
            address(this).staticcall(abi.encodeWithSelector(this.check.selector, by.x, by.parity, message, r, s));
        return ok && abi.decode(ret, (bool));
    }

    /// @dev Secrets and nonces at the edges too.
    function scalar(uint256 seed) private pure returns (uint256) {
        uint256[4] memory edges = [uint256(1), 2, N_ORDER - 1, N_ORDER / 2 + 1];
        return seed % 8 < 4 ? edges[seed % 8] : 1 + uint256(keccak256(abi.encode(seed))) % (N_ORDER - 1);
    }

    // -- what is signed is valid

    function testFuzz_a_signature_is_valid(uint256 secret, bytes32 message, uint256 nonce) public {
        Key memory by = keyOf(scalar(secret));
        Schnorr.Signature memory signature = signWith(by, message, scalar(nonce));
        vm.assume(signature.s != 0);
        yes("valid", isValid(by, message, signature));
    }

    function test_signatures_of_both_parities_are_valid() public {
        uint256[2] memory seen;
        for (uint256 i = 0; i < 16; i++) {
            Key memory by = key(i);
            seen[by.parity]++;
            yes("valid", isValid(by, "message", sign(by, "message")));
        }
        yes("both", seen[0] > 0 && seen[1] > 0);
    }

    // -- and nothing else

    function testFuzz_another_message_is_not_valid(bytes32 message, bytes32 other) public {
        vm.assume(message != other);
        yes("another message", !isValid(key(0), other, sign(key(0), message)));
    }

    function testFuzz_another_key_is_not_valid(bytes32 message, uint8 other) public {
        Schnorr.Signature memory signature = sign(key(0), message);
        yes("another key", !isValid(key(uint256(other) + 1), message, signature));
        Key memory negative = key(0);
        negative.parity ^= 1;
        yes("the other parity", !isValid(negative, message, signature));
        // What the negative key signs is not valid for the key itself either.
        Key memory own = keyOf(N_ORDER - key(0).secret);
        eq("the same x", own.x, key(0).x);
        yes("its own", isValid(own, message, sign(own, message)));
        yes("of the negative", !isValid(key(0), message, sign(own, message)));
    }

    function testFuzz_a_signature_cannot_be_changed_into_another(bytes32 message, uint256 noise, uint160 other) public {
        Key memory by = key(1);
        Schnorr.Signature memory made = sign(by, message);
        yes("valid", isValid(by, message, made));
        yes("r with a bit above", !isValidRaw(by, message, uint160(made.r) | (1 << (160 + noise % 96)), made.s));

        Schnorr.Signature memory changed = Schnorr.Signature(made.r, N_ORDER - made.s);
        yes("negative s", !isValid(by, message, changed));
        unchecked {
            changed.s = made.s + N_ORDER; // As much of it as fits: not below N, or another number.
        }
        yes("s + N", !isValid(by, message, changed));
        changed.s = noise;
        yes("any s", noise == made.s || !isValid(by, message, changed));
        changed = Schnorr.Signature(address(other), made.s);
        yes("any r", address(other) == made.r || !isValid(by, message, changed));
    }

    /// @dev A valid s for which s + N fits into a word cannot be had (one in 2^128 is so small), so it is any s here.
    function testFuzz_s_is_between_one_and_the_order(bytes32 message, uint256 above) public {
        Key memory by = key(2);
        Schnorr.Signature memory signature = sign(by, message);
        signature.s = 0;
        yes("zero", !isValid(by, message, signature));
        signature.s = N_ORDER + above % (type(uint256).max - N_ORDER + 1);
        yes("not below the order", !isValid(by, message, signature));
    }

    function testFuzz_keys_that_are_none_sign_nothing(uint256 x, bytes32 message, address r, uint256 s, bool odd)
        public
        view
    {
        s = 1 + s % (N_ORDER - 1);
        uint256 parity = odd ? 1 : 0;
        yes("zero", !this.check(0, parity, message, Schnorr.Signature(r, s)));
        yes("the order", !this.check(N_ORDER, parity, message, Schnorr.Signature(r, s)));
        yes("zero, r zero", !this.check(0, parity, message, Schnorr.Signature(address(0), s)));
        yes("any x, r zero", !this.check(x % N_ORDER, parity, message, Schnorr.Signature(address(0), s)));
    }

    /// @dev About half of all numbers are no x of a point; then the precompile finds nothing, which must not count as r = 0.
    function testFuzz_an_x_without_a_point_signs_nothing(uint256 x, bytes32 message, uint256 s) public view {
        x = 1 + x % (N_ORDER - 1);
        vm.assume(ecrecover(bytes32(s), 27, bytes32(x), bytes32(uint256(1))) == address(0));
        yes("nothing", !this.check(x, 0, message, Schnorr.Signature(address(0), 1 + s % (N_ORDER - 1))));
        yes("nothing", !this.check(x, 1, message, Schnorr.Signature(address(uint160(s)), 1 + s % (N_ORDER - 1))));
    }

    /// @dev The recovery's input lies where its answer would come. Here the input is r, and nothing is found.
    function testFuzz_what_a_failed_recovery_leaves_is_no_signature(uint160 r, bytes32 message) public view {
        vm.assume(r != 0);
        uint256 x = 5; // 5^3 + 7 is no square
        bytes memory exponent = abi.encode(32, 32, 32, x, N_ORDER - 2, N_ORDER);
        (, bytes memory inverse) = address(5).staticcall(exponent);
        uint256 s = mulmod(N_ORDER - r, abi.decode(inverse, (uint256)), N_ORDER);
        eq("the input", N_ORDER - mulmod(s, x, N_ORDER), r);
        yes("even", !this.check(x, 0, message, Schnorr.Signature(address(r), s)));
        yes("odd", !this.check(x, 1, message, Schnorr.Signature(address(r), s)));
    }

    function testFuzz_a_key_has_x_below_the_order_and_parity_zero_or_one(uint256 x, uint256 parity) public pure {
        yes("in range", Schnorr.isKey(x, parity) == (x != 0 && x < N_ORDER && (parity == 0 || parity == 1)));
        yes("zero", !Schnorr.isKey(0, 0));
        yes("one", Schnorr.isKey(1, 0));
        yes("the last", Schnorr.isKey(N_ORDER - 1, 1));
        yes("the order", !Schnorr.isKey(N_ORDER, 1));
        yes("parity", !Schnorr.isKey(1, 2));
    }

    /// @dev The equation itself, as Solidity writes it: the assembly computes the same, for signatures that are valid or not.
    function testFuzz_the_assembly_is_the_equation(bytes32 message, uint256 noise, uint8 which) public {
        Key memory by = key(3);
        Schnorr.Signature memory signature = sign(by, message);
        if (which % 4 == 1) signature.s = noise;
        if (which % 4 == 2) signature.r = address(uint160(noise));
        if (which % 4 == 3) message = bytes32(noise);
        uint256 e = challenge(by, message, signature.r);
        bytes32 z = bytes32(N_ORDER - mulmod(signature.s, by.x, N_ORDER));
        address found = ecrecover(z, 27 + by.parity, bytes32(by.x), bytes32(N_ORDER - mulmod(e, by.x, N_ORDER)));
        bool wanted = found == signature.r && found != address(0) && signature.s != 0 && signature.s < N_ORDER;
        yes("the same", isValid(by, message, signature) == wanted);
    }

    // -- the values of the specification, section 14.5

    uint256 private constant X1 = 0x9e9cff34a1793817966e9d44165af6530c25c066e63f1e58094a2668f011b6aa;
    uint256 private constant X2 = 0x0bf1e4dd415de3c7c5e409098699653d1287fc14b31b3d941e41b6680528da54;

    function test_keys_of_the_specification() public {
        Key memory first = keyOf(uint256(keccak256("dodona group key 1")) % N_ORDER);
        eq("x 1", first.x, X1);
        eq("parity 1", first.parity, 1);
        Key memory second = keyOf(uint256(keccak256("dodona group key 2")) % N_ORDER);
        eq("x 2", second.x, X2);
        eq("parity 2", second.parity, 0);
    }

    function test_signatures_of_the_specification_are_valid() public view {
        specified(
            X1,
            1,
            0xfa8941f0f3e704c8058e75eac1592f800043a1ee3c16ecb7a5f2be18ccabe654,
            uint160(uint256(0x000000000000000000000000a4b720e8aff3a7c9a132a4d575bb36ed73a97a95)),
            0x1b3ed5542208bae8231dfc5a914edde098326b4ec2328bbdd66a7005d2181b76
        );
        specified(
            X1,
            1,
            0x74f797a5d691a5f2057786b822c3a7f45eb617416eb6343c3622143e0973f3b3,
            uint160(uint256(0x0000000000000000000000000129ad4275552c7e85eeb53919c6eda40dd4a996)),
            0x13e9de745f7dab1b96a550dea2007678cc23e6fed9e5c2832b91261567ccfcd6
        );
        specified(
            X1,
            1,
            0x96afe4a870ba704e8f2db19a547a3ce368046e9af34ec8624540592d3c47bea8,
            uint160(uint256(0x0000000000000000000000001d8b11e1172eea4e8270f607b9d987e56e58e26a)),
            0x26fed9bff42714f07b161b9fc105c57639a2de2469770735ae038c0b7faaa739
        );
        specified(
            X1,
            1,
            0x7e52315bcaff23fd07a6eb0cd5316c1cb82108fb129354304c82ca8ebdaccd97,
            uint160(uint256(0x00000000000000000000000063b6ce5a0bf1e83a60be93999cf3bd95183f09cf)),
            0xf07991078bd02ad4e8f8ecc6365d1b349f33c2484364d853585815b14824330a
        );
        specified(
            X2,
            0,
            0x7e0b03dabefbc087f4807160d5ccf0cd8af8d7219c427bad916902e002b66e36,
            uint160(uint256(0x0000000000000000000000003938504209b836eb9096805a9043ecb31d7ccb9a)),
            0xbbb43842ab5fbdddae4085f79e417846da060dc29734ed3cf0494fe133f915e8
        );
    }

    function specified(uint256 x, uint256 parity, bytes32 message, uint160 r, uint256 s) private view {
        yes("valid", this.check(x, parity, message, Schnorr.Signature(address(r), s)));
    }
}
