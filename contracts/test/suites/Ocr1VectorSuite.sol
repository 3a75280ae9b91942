// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {AdmitsOne} from "../support/FeedTest.sol";
import {Ocr1Test} from "../support/Ocr1Test.sol";

/// @title What an OCR1 committee signs in Rust, from the file of crates/bindings/tests/ocr1_vectors.rs
abstract contract Ocr1VectorSuite is Ocr1Test {
    string private json;
    address private owner;

    function path(string memory committee, string memory field) private pure returns (string memory) {
        return string.concat(".", committee, ".", field);
    }

    /// @dev The digest is over the contract's address: the first that this owner makes.
    function deployed(string memory committee) private {
        json = vm.readFile("test/vectors/ocr1.json");
        owner = vm.parseJsonAddress(json, ".deployer");
        (IAccessController billing, IAccessController requests) =
            (new AdmitsOne(billingAdmin), new AdmitsOne(requester));
        vm.startPrank(owner);
        feed = _deployFeed(link, billing, requests);
        eq("aggregator", address(feed), vm.parseJsonAddress(json, path(committee, "aggregator")));
        address[] memory transmitters = vm.parseJsonAddressArray(json, path(committee, "transmitters"));
        feed.setPayees(transmitters, transmitters);
        address[] memory signers = vm.parseJsonAddressArray(json, path(committee, "signers"));
        feed.setConfig(
            signers,
            transmitters,
            uint8(vm.parseJsonUint(json, path(committee, "threshold"))),
            uint64(vm.parseJsonUint(json, path(committee, "encodedConfigVersion"))),
            vm.parseJsonBytes(json, path(committee, "encoded"))
        );
        vm.stopPrank();
        (,, digest) = feed.latestConfigDetails();
        eq("digest", abi.encodePacked(digest), vm.parseJsonBytes(json, path(committee, "digest")));
        bytes32[] memory keys = vm.parseJsonBytes32Array(json, path(committee, "keys"));
        for (uint256 i = 0; i < keys.length; i++) {
            eq("key", vm.addr(uint256(keys[i])), signers[i]);
        }
    }

    function sent(string memory committee, string memory transmission) private {
        string memory here = path(committee, transmission);
        bytes memory data = vm.parseJsonBytes(json, string.concat(here, ".call"));
        address transmitter = vm.parseJsonAddress(json, string.concat(here, ".transmitter"));
        bytes memory spoiled = bytes.concat(data);
        // The last bit of the median: behind the selector, four words of the head, the length and four words of the report.
        bytes memory report_ = vm.parseJsonBytes(json, string.concat(here, ".report"));
        spoiled[4 + 32 * (9 + (report_.length / 32 - 4) / 2) + 31] ^= 0x01;
        (bool ok,) = send(transmitter, spoiled);
        yes("a report that nobody signed is refused", !ok);
        (ok,) = send(transmitter, data);
        yes("what the committee signed is accepted", ok);
        vm.prank(owner, owner);
        (bytes16 digest_, uint32 epoch_, uint8 round, int192 answer,) = feed.latestTransmissionDetails();
        eq("digest", digest_, digest);
        eq("epoch", epoch_, vm.parseJsonUint(json, string.concat(here, ".epoch")));
        eq("round", round, vm.parseJsonUint(json, string.concat(here, ".round")));
        eqInt("answer", answer, int256(uint256(vm.parseJsonBytes32(json, string.concat(here, ".answer")))));
        (ok,) = send(transmitter, data);
        yes("it is accepted once", !ok);
    }

    function played(string memory committee) private {
        deployed(committee);
        sent(committee, "first");
        sent(committee, "second");
    }

    function test_a_committee_of_4() public {
        played("n4");
    }

    function test_a_committee_of_7() public {
        played("n7");
    }

    function test_a_committee_of_16() public {
        played("n16");
    }

    function test_a_committee_of_31() public {
        played("n31");
    }
}
