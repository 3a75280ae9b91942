// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSAAttestation} from "../../src/ocr3/ECDSAAttestation.sol";
import {AttestationDemo} from "../support/AttestationDemo.sol";
import {AttestationTest, IAttestationDemo} from "../support/AttestationTest.sol";
import {original} from "../support/Reference.sol";

contract Keeper {
    address private s_keys;

    function keep(uint8 n, bytes calldata keys) external {
        s_keys = ECDSAAttestation.keep(n, keys);
    }

    function requireValid(uint8 n, uint8 f, bytes32 hash, bytes calldata attestation) external view {
        ECDSAAttestation.requireValid(s_keys, n, f, hash, attestation);
    }
}

/// @dev Whole transactions are in docs/Gas.md.
contract AttestationGasTest is AttestationTest {
    bytes private constant REPORT = hex"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    /// @dev The original's demonstration contract and the same with our verifier, without what a transaction costs by itself.
    function test_our_verifier_is_cheaper_than_the_original_in_the_same_contract_at_every_size() public {
        IAttestationDemo ours = new AttestationDemo();
        IAttestationDemo theirs = IAttestationDemo(original("DemoECDSAAttestationVerifier", ""));
        for (uint256 n = 4; n <= 32; n++) {
            uint8 f = uint8((n - 1) / 3);
            bytes memory keys = keysOf(n);
            ours.setConfig(1, uint8(n), f, keys);
            theirs.setConfig(1, uint8(n), f, keys);
            bytes memory attestation = attest(hashOf(DIGEST, 1, REPORT), pick(n, n, f + 1));
            // The data contract was made by this transaction, so reading it lacks 2,500 of the 2,600 of a first access.
            uint256 cost = _cost(ours, attestation) + 2_500;
            yes("cheaper", cost + 1_000 < _cost(theirs, attestation));
        }
    }

    function _cost(IAttestationDemo verifier, bytes memory attestation) private returns (uint256) {
        vm.cool(address(verifier));
        uint256 before = gasleft();
        verifier.transmit(DIGEST, 1, REPORT, attestation);
        return before - gasleft();
    }

    /// @dev EIP-2537: the pairing check is at address 15, takes 384 bytes a pair, and points at infinity are allowed.
    function test_a_BLS_pairing_alone_costs_more_than_an_attestation_of_32_oracles() public {
        Keeper keeper = new Keeper();
        keeper.keep(32, keysOf(32));
        bytes32 hash = hashOf(DIGEST, 1, REPORT);
        bytes memory attestation = attest(hash, pick(7, 32, 11));
        uint256 before = gasleft();
        keeper.requireValid(32, 10, hash, attestation);
        uint256 ecdsa = before - gasleft() + 64 * 16 * 11;

        bytes memory pairs = new bytes(768);
        before = gasleft();
        (bool ok, bytes memory one) = address(15).staticcall(pairs);
        uint256 pairing = before - gasleft();
        yes("paired", ok && abi.decode(one, (uint256)) == 1);
        yes("two pairs cost what the rule says", pairing >= 2 * 32_600 + 37_700 && pairing < 105_000);
        yes("dearer, calldata included", pairing > 2 * ecdsa);
    }
}
