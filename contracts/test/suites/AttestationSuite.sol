// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOCR3Attestation} from "../../src/interfaces/IOCR3Attestation.sol";
import {AttestationTest, IAttestationDemo} from "../support/AttestationTest.sol";

/// @title What every verifier of ECDSA attestations does, ours and the reference's
/// @dev Refusals are compared to the byte on both: the errors' names are the reference's.
abstract contract AttestationSuite is AttestationTest {
    IAttestationDemo internal verifier;
    bytes internal report = hex"00112233445566778899aabbccddeeff";

    function _deploy() internal virtual returns (IAttestationDemo);

    /// @dev Ours refuses to give two oracles one key.
    function _refusesRepeatedKeys() internal pure virtual returns (bool);

    function setUp() public {
        verifier = _deploy();
    }

    // -- the vectors

    function test_the_references_vectors_have_their_outcome() public {
        _judge("test/vectors/ocr3_attestation.json");
    }

    function test_attestations_made_in_Rust_have_their_outcome() public {
        _judge("test/vectors/ocr3_attestation_rust.json");
    }

    function _judge(string memory path) private {
        string memory json = vm.readFile(path);
        uint256 count = vm.parseJsonUint(json, ".count");
        yes("there are cases", count > 0);
        for (uint256 i = 0; i < count; i++) {
            string memory key = string.concat(".cases[", vm.toString(i), "].");
            string memory name = vm.parseJsonString(json, string.concat(key, "name"));
            bool isKeys = keccak256(bytes(vm.parseJsonString(json, string.concat(key, "type")))) == keccak256("keys");
            bytes memory wanted = vm.parseJsonBytes(json, string.concat(key, "revert"));
            bytes memory keys = vm.parseJsonBytes(json, string.concat(key, "keys"));
            uint8 n = uint8(vm.parseJsonUint(json, string.concat(key, "n")));
            if (isKeys) {
                (bool set, bytes memory why) = _setConfig(n, 1, keys);
                if (keccak256(bytes(name)) == keccak256("32 keys, duplicates are not rejected")) {
                    eq(name, set ? 1 : 0, _refusesRepeatedKeys() ? 0 : 1);
                } else {
                    eq(name, set ? bytes("") : why, wanted);
                }
                continue;
            }
            uint8 f = uint8(vm.parseJsonUint(json, string.concat(key, "f")));
            verifier.setConfig(1, n, f, keys);
            (bool ok, bytes memory ret) = address(verifier).call(_callOf(json, key));
            eq(name, ok ? bytes("") : ret, wanted);
        }
    }

    function _callOf(string memory json, string memory key) private view returns (bytes memory) {
        bytes32 digest = vm.parseJsonBytes32(json, string.concat(key, "config_digest"));
        uint64 seqNr = uint64(vm.parseJsonUint(json, string.concat(key, "seq_nr")));
        bytes memory report_ = vm.parseJsonBytes(json, string.concat(key, "report"));
        eq("report hash", hashOf(digest, seqNr, report_), vm.parseJsonBytes32(json, string.concat(key, "report_hash")));
        bytes memory attestation = vm.parseJsonBytes(json, string.concat(key, "attestation"));
        return abi.encodeCall(verifier.transmit, (digest, seqNr, report_, attestation));
    }

    // -- keys

    function test_keys_of_every_committee_up_to_32_are_taken() public {
        for (uint256 n = 0; n <= 32; n++) {
            (bool ok,) = _setConfig(uint8(n), 1, keysOf(n));
            yes("taken", ok);
        }
    }

    function test_the_33rd_key_is_refused() public {
        _refusedKeys(33, keysOf(33), IOCR3Attestation.MaximumNumberOfKeysExceeded.selector);
    }

    function test_keys_have_20_bytes_each() public {
        _refusedKeys(4, bytes.concat(keysOf(4), hex"01"), IOCR3Attestation.KeysOfInvalidSize.selector);
        _refusedKeys(4, hex"01", IOCR3Attestation.KeysOfInvalidSize.selector);
    }

    function test_there_are_n_keys() public {
        _refusedKeys(5, keysOf(4), IOCR3Attestation.InvalidNumberOfKeys.selector);
        _refusedKeys(3, keysOf(4), IOCR3Attestation.InvalidNumberOfKeys.selector);
        _refusedKeys(255, keysOf(4), IOCR3Attestation.InvalidNumberOfKeys.selector);
    }

    function test_no_key_is_zero_at_any_place() public {
        for (uint256 i = 0; i < 4; i++) {
            bytes memory keys = keysOf(4);
            for (uint256 k = 0; k < 20; k++) {
                keys[20 * i + k] = 0;
            }
            _refusedKeys(4, keys, IOCR3Attestation.InvalidKey.selector);
        }
    }

    function test_the_size_is_looked_at_before_the_number_and_the_number_before_the_maximum() public {
        _refusedKeys(40, bytes.concat(keysOf(33), hex"01"), IOCR3Attestation.KeysOfInvalidSize.selector);
        _refusedKeys(40, keysOf(33), IOCR3Attestation.InvalidNumberOfKeys.selector);
        bytes memory keys = keysOf(33);
        for (uint256 k = 0; k < 20; k++) {
            keys[k] = 0;
        }
        _refusedKeys(33, keys, IOCR3Attestation.MaximumNumberOfKeysExceeded.selector);
    }

    function test_new_keys_replace_the_old_ones() public {
        verifier.setConfig(1, 4, 1, keysOf(4));
        bytes memory attestation = attest(hashOf(DIGEST, 1, report), 3);
        _accepted(1, attestation);
        bytes memory others = bytes.concat(bytes20(vm.addr(keyOf(9))), bytes20(vm.addr(keyOf(8))), keysOf(2));
        verifier.setConfig(2, 4, 1, others);
        _refused(1, attestation, IOCR3Attestation.InvalidAttestationNumberOfSignatures.selector);
    }

    // -- attestations

    function test_any_quorum_of_any_committee_attests(
        uint256 seed,
        uint8 size,
        uint8 faulty,
        uint64 seqNr,
        bytes calldata r
    ) public {
        uint256 n = 1 + size % 32;
        uint256 f = faulty % n;
        verifier.setConfig(1, uint8(n), uint8(f), keysOf(n));
        report = r;
        _accepted(seqNr, attest(hashOf(DIGEST, seqNr, r), pick(seed, n, f + 1)));
    }

    function test_every_pair_of_32_oracles_attests() public {
        verifier.setConfig(1, 32, 1, keysOf(32));
        bytes32 hash = hashOf(DIGEST, 7, report);
        bytes[] memory signatures = new bytes[](32);
        for (uint256 i = 0; i < 32; i++) {
            signatures[i] = signatureOf(i, hash);
        }
        for (uint256 i = 0; i < 32; i++) {
            for (uint256 j = i + 1; j < 32; j++) {
                bytes4 bits = bytes4(uint32(1 << i | 1 << j));
                _accepted(7, bytes.concat(bits, signatures[i], signatures[j]));
            }
        }
    }

    function test_one_changed_byte_is_refused(uint256 seed, uint8 flip) public {
        verifier.setConfig(1, 7, 2, keysOf(7));
        bytes memory attestation = attest(hashOf(DIGEST, 3, report), pick(seed, 7, 3));
        attestation[seed % attestation.length] ^= bytes1(flip == 0 ? 1 : flip);
        (bool ok,) = _transmit(3, attestation);
        yes("refused", !ok);
    }

    function test_the_length_is_exactly_that_of_f_plus_1_signatures() public {
        verifier.setConfig(1, 4, 1, keysOf(4));
        bytes memory good = attest(hashOf(DIGEST, 1, report), 3);
        bytes4 wanted = IOCR3Attestation.InvalidAttestationLength.selector;
        _refused(1, bytes.concat(good, hex"00"), wanted);
        _refused(1, attest(hashOf(DIGEST, 1, report), 1), wanted);
        _refused(1, attest(hashOf(DIGEST, 1, report), 7), wanted);
        _refused(1, "", wanted);
        _refused(1, hex"00000003", wanted);
    }

    function test_bits_of_oracles_that_do_not_exist_are_refused() public {
        verifier.setConfig(1, 4, 1, keysOf(4));
        bytes32 hash = hashOf(DIGEST, 1, report);
        for (uint256 i = 4; i < 32; i++) {
            bytes memory attestation = attest(hash, uint32(1 | 1 << i));
            _refused(1, attestation, IOCR3Attestation.InvalidAttestationAttributionBitmask.selector);
        }
    }

    function test_a_signature_without_a_bit_counts_for_nobody() public {
        verifier.setConfig(1, 4, 1, keysOf(4));
        bytes32 hash = hashOf(DIGEST, 1, report);
        bytes memory first = signatureOf(0, hash);
        bytes4 wanted = IOCR3Attestation.InvalidAttestationNumberOfSignatures.selector;
        _refused(1, bytes.concat(hex"00000001", first, first), wanted);
        _refused(1, bytes.concat(hex"00000000", first, first), wanted);
        _refused(1, bytes.concat(hex"00000003", first, first), wanted);
    }

    function test_more_bits_than_signatures_are_refused() public {
        verifier.setConfig(1, 4, 1, keysOf(4));
        bytes memory attestation = attest(hashOf(DIGEST, 1, report), 3);
        attestation[3] = 0x0b;
        _refused(1, attestation, IOCR3Attestation.InvalidAttestationAttributionBitmask.selector);
    }

    function test_signatures_ascend_by_oracle() public {
        verifier.setConfig(1, 4, 1, keysOf(4));
        bytes32 hash = hashOf(DIGEST, 1, report);
        bytes memory attestation = bytes.concat(hex"00000005", signatureOf(2, hash), signatureOf(0, hash));
        _refused(1, attestation, IOCR3Attestation.InvalidAttestationNumberOfSignatures.selector);
    }

    function test_a_signature_that_needs_the_other_v_is_refused() public {
        verifier.setConfig(1, 4, 1, keysOf(4));
        bytes memory attestation = attest(hashOf(DIGEST, 1, report), 3);
        uint256 s;
        assembly {
            s := mload(add(attestation, 0x44))
        }
        uint256 other = ORDER - s;
        assembly {
            mstore(add(attestation, 0x44), other)
        }
        _refused(1, attestation, IOCR3Attestation.InvalidAttestationNumberOfSignatures.selector);
    }

    function test_a_signature_that_recovers_nobody_is_refused() public {
        verifier.setConfig(1, 4, 1, keysOf(4));
        bytes memory good = signatureOf(1, hashOf(DIGEST, 1, report));
        bytes4 wanted = IOCR3Attestation.InvalidAttestationNumberOfSignatures.selector;
        _refused(1, bytes.concat(hex"00000003", new bytes(64), good), wanted);
        _refused(1, bytes.concat(hex"00000003", bytes32(ORDER), bytes32(uint256(1)), good), wanted);
        _refused(1, bytes.concat(hex"00000003", bytes32(uint256(1)), bytes32(ORDER), good), wanted);
    }

    function test_digest_sequence_number_and_report_are_signed() public {
        verifier.setConfig(1, 4, 1, keysOf(4));
        bytes memory attestation = attest(hashOf(DIGEST, 1, report), 3);
        bytes4 wanted = IOCR3Attestation.InvalidAttestationNumberOfSignatures.selector;
        _accepted(1, attestation);
        _refused(2, attestation, wanted);
        report = bytes.concat(report, hex"00");
        _refused(1, attestation, wanted);
        report = hex"00112233445566778899aabbccddeeff";
        bytes32 other = bytes32(uint256(DIGEST) + 1);
        (bool ok, bytes memory ret) =
            address(verifier).call(abi.encodeCall(verifier.transmit, (other, 1, report, attestation)));
        yes("refused", !ok);
        eq("error", ret, abi.encodeWithSelector(wanted));
    }

    function test_f_of_255_panics() public {
        verifier.setConfig(1, 4, 255, keysOf(4));
        (bool ok, bytes memory ret) = _transmit(1, attest(hashOf(DIGEST, 1, report), 3));
        yes("refused", !ok);
        eq("panic", ret, abi.encodeWithSignature("Panic(uint256)", 0x11));
    }

    function _setConfig(uint8 n, uint8 f, bytes memory keys) internal returns (bool, bytes memory) {
        return address(verifier).call(abi.encodeCall(verifier.setConfig, (1, n, f, keys)));
    }

    function _transmit(uint64 seqNr, bytes memory attestation) internal returns (bool, bytes memory) {
        return address(verifier).call(abi.encodeCall(verifier.transmit, (DIGEST, seqNr, report, attestation)));
    }

    function _accepted(uint64 seqNr, bytes memory attestation) internal {
        (bool ok, bytes memory ret) = _transmit(seqNr, attestation);
        if (!ok) revert NotEqualBytes("the attestation was refused", ret, "");
    }

    function _refused(uint64 seqNr, bytes memory attestation, bytes4 wanted) internal {
        (bool ok, bytes memory ret) = _transmit(seqNr, attestation);
        yes("refused", !ok);
        eq("error", ret, abi.encodeWithSelector(wanted));
    }

    function _refusedKeys(uint8 n, bytes memory keys, bytes4 wanted) internal {
        (bool ok, bytes memory ret) = _setConfig(n, 1, keys);
        yes("refused", !ok);
        eq("error", ret, abi.encodeWithSelector(wanted));
    }
}
