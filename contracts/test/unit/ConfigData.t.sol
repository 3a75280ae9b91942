// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ConfigData} from "../../src/feed/ConfigData.sol";
import {ConfigDigest} from "../../src/ocr2/ConfigDigest.sol";
import {Committee} from "../support/Committee.sol";

contract ConfigDataTest is Committee {
    function seatOf(bytes memory data, uint256 signer) private pure returns (uint256 seat, address seated) {
        uint256 multiplier = ConfigData.word(data, ConfigData.MULTIPLIER);
        unchecked {
            seat = uint8(data[ConfigData.SEATS + ((signer * multiplier) >> 248)]);
        }
        seated = address(uint160(ConfigData.word(data, ConfigData.SIGNERS + 20 * seat - 12)));
    }

    /// @dev The seat table seats everyone at its own seat, and shows no stranger to a seat that holds its address.
    function testFuzz_every_signer_finds_its_seat_and_nobody_else_does(uint256 seed, uint8 size, address stranger)
        public
        view
    {
        uint256 n = 1 + size % 31;
        address[] memory signers = new address[](n);
        for (uint256 i = 0; i < n; i++) {
            signers[i] = address(uint160(uint256(keccak256(abi.encode(seed, i)))));
        }
        bytes32 digest = keccak256(abi.encode(seed));
        bytes memory data = ConfigData.encode(ConfigData.load(address(0)), digest, 3, signers, transmittersOf(n));
        for (uint256 i = 0; i < n; i++) {
            (uint256 seat, address seated) = seatOf(data, uint160(signers[i]));
            eq("seat", seat, i);
            eq("seated", seated, signers[i]);
            (bool known, uint256 found) = ConfigData.seatOf(data, signers[i]);
            yes("known", known && found == i);
            vm.assume(stranger != signers[i]);
        }
        (, address other) = seatOf(data, uint160(stranger));
        yes("a stranger has no seat", other != stranger);
        (, other) = seatOf(data, 0);
        yes("nobody is no signer", other != address(0));
        (bool stranger_,) = ConfigData.seatOf(data, stranger);
        (bool nobody,) = ConfigData.seatOf(data, address(0));
        yes("neither is known", !stranger_ && !nobody);
    }

    function deploy(uint256 length) external returns (address) {
        return ConfigData.deploy(new bytes(length));
    }

    function test_a_data_contract_that_is_not_created_is_an_error() public {
        yes("created", this.deploy(8192).code.length == 8193);
        // 200 gas for each byte of code are more than this.
        vm.expectRevert(ConfigData.DataContractNotCreated.selector);
        this.deploy{gas: 1_000_000}(8192);
    }

    /// @dev Addresses that differ in one bit, or only in their highest bits, are as good as others.
    function test_neighbouring_addresses_are_seated_too() public view {
        for (uint256 shift = 0; shift < 156; shift += 13) {
            address[] memory signers = new address[](31);
            for (uint256 i = 0; i < 31; i++) {
                signers[i] = address(uint160((i + 1) << shift));
            }
            bytes memory data =
                ConfigData.encode(ConfigData.load(address(0)), keccak256("d"), 10, signers, transmittersOf(31));
            for (uint256 i = 0; i < 31; i++) {
                (uint256 seat,) = seatOf(data, uint160(signers[i]));
                eq("seat", seat, i);
            }
        }
    }

    /// @dev Places are marked in a word while a multiplier is tried; the last place is its last bit.
    function test_two_signers_for_the_last_place_of_the_table_get_places_of_their_own() public view {
        bytes32 digest = keccak256("d");
        uint256 multiplier = uint256(keccak256(abi.encode(digest)));
        address[] memory signers = new address[](2);
        uint256 found = 0;
        for (uint256 candidate = 1; found < 2; candidate++) {
            unchecked {
                if ((candidate * multiplier) >> 248 == 255) signers[found++] = address(uint160(candidate));
            }
        }
        bytes memory data = ConfigData.encode(ConfigData.load(address(0)), digest, 0, signers, transmittersOf(2));
        for (uint256 i = 0; i < 2; i++) {
            (uint256 seat,) = seatOf(data, uint160(signers[i]));
            eq("seat", seat, i);
        }
    }

    function testFuzz_what_is_deployed_is_loaded(bytes32 digest, uint152 terms, uint192 validator, uint8 f, uint8 size)
        public
    {
        uint256 n = size % 32;
        bytes memory before = ConfigData.load(address(0));
        ConfigData.setWord(before, ConfigData.TERMS, terms | (uint256(77) << ConfigData.F_AT));
        ConfigData.setWord(before, ConfigData.VALIDATOR, validator);
        bytes memory data = ConfigData.encode(before, digest, f, signersOf(n), transmittersOf(n));
        address pointer = ConfigData.deploy(data);
        eq("load", ConfigData.load(pointer), data);
        eq("length", data.length, 0x180 + 40 * n);
        eq("digest", bytes32(ConfigData.peek(pointer, ConfigData.DIGEST)), digest);
        eq(
            "terms are kept, f is new",
            ConfigData.peek(pointer, ConfigData.TERMS),
            terms | (uint256(f) << ConfigData.F_AT)
        );
        eq("validator", ConfigData.peek(pointer, ConfigData.VALIDATOR), validator);
        eq("transmitters", abi.encode(ConfigData.transmitters(data)), abi.encode(transmittersOf(n)));
    }

    function test_a_call_to_a_data_contract_does_nothing() public {
        address pointer =
            ConfigData.deploy(ConfigData.encode(ConfigData.load(address(0)), "d", 1, signersOf(4), transmittersOf(4)));
        (bool ok, bytes memory ret) = pointer.call(hex"12345678");
        yes("no failure", ok);
        eq("no data", ret, "");
        eq("STOP", uint8(pointer.code[0]), 0);
    }

    function test_no_config_is_empty() public view {
        eq("load", ConfigData.load(address(0)), new bytes(0x180));
        eq("peek", ConfigData.peek(address(0), ConfigData.TERMS), 0);
        eq("transmitters", ConfigData.transmitters(ConfigData.load(address(0))).length, 0);
        (bool known,) = ConfigData.seatOf(ConfigData.load(address(0)), address(0));
        yes("nobody is a signer", !known);
    }
}

contract ConfigDigestTest is Committee {
    /// @dev OCR2 spec, appendix A.8: computed by the reference's Go code.
    function test_digest_of_the_published_vector() public {
        vm.chainId(1337);
        address[] memory signers = new address[](4);
        address[] memory transmitters = new address[](4);
        for (uint256 i = 0; i < 4; i++) {
            signers[i] = address(uint160(type(uint160).max / 255 * (0x50 + i)));
            transmitters[i] = address(uint160(type(uint160).max / 255 * (0x60 + i)));
        }
        bytes32 digest = ConfigDigest.compute(
            0x303132333435363738393a3B3c3d3e3F40414243,
            7,
            signers,
            transmitters,
            1,
            abi.encodePacked(uint8(1), int192(0), type(int192).max),
            2,
            "offchain-config"
        );
        eq("digest", digest, 0x00017f39d36c0bee2fde8a77f650c4748951b13a58c5156b0d0df9e4f42e1ce6);
    }
}
