// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR3Verifier} from "../src/OCR3Verifier.sol";
import {IOCR3Attestation} from "../src/interfaces/IOCR3Attestation.sol";
import {IOCR3Verifier} from "../src/interfaces/IOCR3Verifier.sol";
import {IOwned} from "../src/interfaces/IOwned.sol";
import {AttestationTest} from "./support/AttestationTest.sol";

contract OCR3VerifierTest is AttestationTest {
    OCR3Verifier private s_verifier = new OCR3Verifier();
    bytes32 private constant OTHER = bytes32(uint256(DIGEST) + 1);
    address private constant STRANGER = address(0xbad);

    function setUp() public {
        s_verifier.trustConfig(DIGEST, 4, 1, keysOf(4));
    }

    function test_a_report_that_a_quorum_signed_is_attested_for_everyone() public {
        vm.prank(STRANGER);
        s_verifier.verify(DIGEST, 5, "report", attest(hashOf(DIGEST, 5, "report"), 0x9));
    }

    function test_any_quorum_of_any_committee_attests(uint256 seed, uint8 size, uint64 seqNr, bytes calldata report)
        public
    {
        uint256 n = 4 + size % 29;
        uint256 f = (n - 1) / 3;
        s_verifier.trustConfig(OTHER, uint8(n), uint8(f), keysOf(n));
        s_verifier.verify(OTHER, seqNr, report, attest(hashOf(OTHER, seqNr, report), pick(seed, n, f + 1)));
    }

    /// @dev Invariant 45.
    function test_f_signers_never_attest(uint256 seed, uint8 size, uint32 bits, uint8 extra) public {
        uint256 n = 4 + size % 29;
        uint256 f = (n - 1) / 3;
        s_verifier.trustConfig(OTHER, uint8(n), uint8(f), keysOf(n));
        bytes32 hash = hashOf(OTHER, 1, "report");
        // f signatures, one of them once more, under any bits.
        bytes memory attestation = attest(hash, pick(seed, n, f));
        bytes memory again = new bytes(64);
        for (uint256 i = 0; i < 64; i++) {
            again[i] = attestation[4 + 64 * (extra % f) + i];
        }
        attestation = bytes.concat(attestation, again);
        for (uint256 i = 0; i < 4; i++) {
            attestation[i] = bytes4(bits)[i];
        }
        (bool ok,) = address(s_verifier).call(abi.encodeCall(s_verifier.verify, (OTHER, 1, "report", attestation)));
        yes("refused", !ok);
    }

    /// @dev The digest is hashed in the word that a failed recovery would leave as it was.
    function test_a_digest_that_is_a_key_does_not_sign_for_it() public {
        bytes32 digest = bytes32(uint256(uint160(vm.addr(keyOf(0)))));
        s_verifier.trustConfig(digest, 4, 1, keysOf(4));
        bytes memory one = signatureOf(1, hashOf(digest, 1, "report"));
        vm.expectRevert(IOCR3Attestation.InvalidAttestationNumberOfSignatures.selector);
        s_verifier.verify(digest, 1, "report", bytes.concat(hex"00000003", new bytes(64), one));
    }

    function test_a_digest_that_is_not_trusted_attests_nothing() public {
        bytes memory attestation = attest(hashOf(OTHER, 5, "report"), 0x9);
        vm.expectRevert(abi.encodeWithSelector(IOCR3Verifier.ConfigNotTrusted.selector, OTHER));
        s_verifier.verify(OTHER, 5, "report", attestation);
    }

    function test_keys_of_one_digest_attest_nothing_under_another() public {
        s_verifier.trustConfig(OTHER, 4, 1, bytes.concat(keysOf(3), bytes20(vm.addr(keyOf(9)))));
        bytes memory attestation = attest(hashOf(DIGEST, 5, "report"), 0x3);
        s_verifier.verify(DIGEST, 5, "report", attestation);
        vm.expectRevert(IOCR3Attestation.InvalidAttestationNumberOfSignatures.selector);
        s_verifier.verify(OTHER, 5, "report", attestation);
    }

    function test_two_configurations_are_trusted_at_a_time() public {
        s_verifier.trustConfig(OTHER, 7, 2, keysOf(7));
        s_verifier.verify(DIGEST, 5, "report", attest(hashOf(DIGEST, 5, "report"), 0x3));
        s_verifier.verify(OTHER, 5, "report", attest(hashOf(OTHER, 5, "report"), 0x70));
    }

    function test_a_revoked_digest_attests_nothing_and_never_comes_back() public {
        bytes memory attestation = attest(hashOf(DIGEST, 5, "report"), 0x9);
        vm.expectEmit(address(s_verifier));
        emit IOCR3Verifier.ConfigRevoked(DIGEST);
        s_verifier.revokeConfig(DIGEST);

        bytes memory reason = abi.encodeWithSelector(IOCR3Verifier.ConfigNotTrusted.selector, DIGEST);
        vm.expectRevert(reason);
        s_verifier.verify(DIGEST, 5, "report", attestation);
        vm.expectRevert(reason);
        s_verifier.revokeConfig(DIGEST);
        vm.expectRevert(abi.encodeWithSelector(IOCR3Verifier.ConfigDigestUsed.selector, DIGEST));
        s_verifier.trustConfig(DIGEST, 4, 1, keysOf(4));
        (uint8 n, uint8 f, bytes memory keys) = s_verifier.getConfig(DIGEST);
        eq("n, f, keys", uint256(n) + f + keys.length, 0);
    }

    function test_a_trusted_digest_is_announced_and_never_gets_other_keys() public {
        vm.expectEmit(address(s_verifier));
        emit IOCR3Verifier.ConfigTrusted(OTHER, 7, 2, keysOf(7));
        s_verifier.trustConfig(OTHER, 7, 2, keysOf(7));
        (uint8 n, uint8 f, bytes memory keys) = s_verifier.getConfig(OTHER);
        eq("n", n, 7);
        eq("f", f, 2);
        eq("keys", keys, keysOf(7));
        vm.expectRevert(abi.encodeWithSelector(IOCR3Verifier.ConfigDigestUsed.selector, OTHER));
        s_verifier.trustConfig(OTHER, 4, 1, keysOf(4));
    }

    function test_f_is_at_least_1_and_less_than_a_third_of_n() public {
        uint8[2][6] memory wrong = [[uint8(4), 0], [3, 1], [6, 2], [4, 2], [255, 86], [32, 11]];
        for (uint256 i = 0; i < 6; i++) {
            (uint8 n, uint8 f) = (wrong[i][0], wrong[i][1]);
            bytes memory keys = keysOf(n <= 32 ? n : 32);
            vm.expectRevert(abi.encodeWithSelector(IOCR3Verifier.FaultyOraclesOutOfRange.selector, f, n));
            s_verifier.trustConfig(OTHER, n, f, keys);
        }
        s_verifier.trustConfig(OTHER, 31, 10, keysOf(31));
    }

    function test_only_the_owner_trusts_and_revokes() public {
        bytes memory keys = keysOf(4);
        bytes memory reason = abi.encodeWithSelector(IOwned.OnlyOwner.selector, STRANGER, address(this));
        vm.expectRevert(reason);
        vm.prank(STRANGER);
        s_verifier.trustConfig(OTHER, 4, 1, keys);
        vm.expectRevert(reason);
        vm.prank(STRANGER);
        s_verifier.revokeConfig(DIGEST);
    }

    function test_it_says_what_it_is() public view {
        eq("type", bytes(s_verifier.typeAndVersion()), bytes("OCR3Verifier 1.0.0"));
    }
}
