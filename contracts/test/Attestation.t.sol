// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOCR3Attestation} from "../src/interfaces/IOCR3Attestation.sol";
import {
    OCR3DynamicallyDispatchedECDSAAttestationVerifierLib as Library
} from "../src/ocr3/OCR3DynamicallyDispatchedECDSAAttestationVerifierLib.sol";
import {AttestationSuite} from "./suites/AttestationSuite.sol";
import {AttestationDemo} from "./support/AttestationDemo.sol";
import {original} from "./support/Reference.sol";
import {AttestationTest, IAttestationDemo} from "./support/AttestationTest.sol";

/// @dev Ours, inherited.
contract OursAttestationTest is AttestationSuite {
    function _deploy() internal override returns (IAttestationDemo) {
        return new AttestationDemo();
    }

    function _refusesRepeatedKeys() internal pure override returns (bool) {
        return true;
    }
}

/// @dev Our library, behind the reference's own contract that dispatches to a library.
contract OursDispatchedAttestationTest is AttestationSuite {
    function _deploy() internal override returns (IAttestationDemo) {
        bytes memory creation = type(Library).creationCode;
        address lib;
        assembly {
            lib := create(0, add(creation, 0x20), mload(creation))
        }
        return IAttestationDemo(original("DemoDynamicallyDispatchedAttestationVerifier", abi.encode(lib)));
    }

    function _refusesRepeatedKeys() internal pure override returns (bool) {
        return true;
    }
}

contract ReferenceAttestationTest is AttestationSuite {
    function _deploy() internal override returns (IAttestationDemo) {
        return IAttestationDemo(original("DemoECDSAAttestationVerifier", ""));
    }

    function _refusesRepeatedKeys() internal pure override returns (bool) {
        return false;
    }
}

contract ReferenceDispatchedAttestationTest is AttestationSuite {
    function _deploy() internal override returns (IAttestationDemo) {
        address lib = original("OCR3DynamicallyDispatchedECDSAAttestationVerifierLib", "");
        return IAttestationDemo(original("DemoDynamicallyDispatchedAttestationVerifier", abi.encode(lib)));
    }

    function _refusesRepeatedKeys() internal pure override returns (bool) {
        return false;
    }
}

/// @dev What ours does, and the original does not.
contract AttestationDifferencesTest is AttestationTest {
    function test_two_oracles_with_one_key_are_refused_and_not_so_by_the_original() public {
        AttestationDemo ours = new AttestationDemo();
        IAttestationDemo theirs = IAttestationDemo(original("DemoECDSAAttestationVerifier", ""));
        bytes memory keys = bytes.concat(keysOf(3), bytes20(vm.addr(keyOf(1))));

        vm.expectRevert(abi.encodeWithSelector(IOCR3Attestation.RepeatedKey.selector, 1, 3));
        ours.setConfig(1, 4, 1, keys);

        // One oracle then makes a quorum of two.
        theirs.setConfig(1, 4, 1, keys);
        bytes memory one = signatureOf(1, hashOf(DIGEST, 1, "report"));
        theirs.transmit(DIGEST, 1, "report", bytes.concat(hex"0000000a", one, one));
    }

    function test_without_keys_nothing_is_attested_and_garbage_is_by_the_original() public {
        AttestationDemo ours = new AttestationDemo();
        IAttestationDemo theirs = IAttestationDemo(original("DemoECDSAAttestationVerifier", ""));
        // The configuration of three oracles is followed by one that says four, and is refused only because of the keys'
        // number; a contract that keeps n elsewhere can get there. Its slots are written here, as such a contract would.
        ours.setConfig(1, 3, 0, keysOf(3));
        theirs.setConfig(1, 3, 0, keysOf(3));
        _sayFour(address(ours), 0, 160 + 32);
        _sayFour(address(theirs), 32, 32);

        // Bit 3, and a signature that recovers nobody.
        bytes memory garbage = bytes.concat(hex"00000008", new bytes(64));
        theirs.transmit(DIGEST, 1, "report", garbage);
        vm.expectRevert(IOCR3Attestation.InvalidAttestationNumberOfSignatures.selector);
        ours.transmit(DIGEST, 1, "report", garbage);
    }

    function _sayFour(address where, uint256 slot, uint256 shift) private {
        uint256 word = uint256(vm.load(where, bytes32(slot)));
        eq("n", uint8(word >> shift), 3);
        vm.store(where, bytes32(slot), bytes32(word ^ (uint256(3 ^ 4) << shift)));
    }
}
