// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {FeedTest} from "../support/FeedTest.sol";

/// @title What Dodona's oracles send, from the file that the Rust tests make (crates/conformance/tests/contract_vectors.rs)
abstract contract VectorSuite is FeedTest {
    string private json;
    address private owner;

    function path(string memory committee, string memory field) private pure returns (string memory) {
        return string.concat(".", committee, ".", field);
    }

    /// @dev The digest is over the contract's address: the first that this owner makes.
    function deployed(string memory committee) private {
        json = vm.readFile("test/vectors/ocr2.json");
        vm.chainId(vm.parseJsonUint(json, ".chainId"));
        owner = vm.parseJsonAddress(json, ".deployer");
        (IAccessController billing, IAccessController requests) = (_admits(billingAdmin), _admits(requester));
        vm.startPrank(owner);
        feed = _deployFeed(link, billing, requests);
        eq("aggregator", address(feed), vm.parseJsonAddress(json, path(committee, "aggregator")));
        address[] memory transmitters = vm.parseJsonAddressArray(json, path(committee, "transmitters"));
        feed.setPayees(transmitters, transmitters);
        feed.setConfig(
            vm.parseJsonAddressArray(json, path(committee, "signers")),
            transmitters,
            uint8(vm.parseJsonUint(json, path(committee, "f"))),
            vm.parseJsonBytes(json, path(committee, "onchainConfig")),
            uint64(vm.parseJsonUint(json, path(committee, "offchainConfigVersion"))),
            vm.parseJsonBytes(json, path(committee, "offchainConfig"))
        );
        vm.stopPrank();
        (,, digest) = feed.latestConfigDetails();
        eq("digest", digest, vm.parseJsonBytes32(json, path(committee, "digest")));
    }

    function sent(string memory committee, string memory transmission) private {
        string memory here = path(committee, transmission);
        bytes memory call = vm.parseJsonBytes(json, string.concat(here, ".call"));
        address transmitter = vm.parseJsonAddress(json, string.concat(here, ".transmitter"));
        bytes memory spoiled = bytes.concat(call);
        // The last bit of the first observation: behind the selector, three words of context, five of the head, five of the report.
        spoiled[4 + 32 * 14 - 1] ^= 0x01;
        (bool ok,) = send(transmitter, spoiled);
        yes("a report that nobody signed is refused", !ok);
        (ok,) = send(transmitter, call);
        yes("what the committee signed is accepted", ok);
        (bytes32 digest_, uint32 epoch_, uint8 round, int192 answer,) = _details();
        eq("digest", digest_, digest);
        eq("epoch", epoch_, vm.parseJsonUint(json, string.concat(here, ".epoch")));
        eq("round", round, vm.parseJsonUint(json, string.concat(here, ".round")));
        eqInt("answer", answer, int256(uint256(vm.parseJsonBytes32(json, string.concat(here, ".answer")))));
        (ok,) = send(transmitter, call);
        yes("it is accepted once", !ok);
    }

    /// @dev `latestTransmissionDetails` is for accounts only.
    function _details() private returns (bytes32, uint32, uint8, int192, uint64) {
        vm.prank(owner, owner);
        return feed.latestTransmissionDetails();
    }

    function played(string memory committee) private {
        deployed(committee);
        sent(committee, "first");
        sent(committee, "second");
    }

    function test_CommitteeOf4() public {
        played("n4");
    }

    function test_CommitteeOf7() public {
        played("n7");
    }

    function test_CommitteeOf16() public {
        played("n16");
    }

    function test_CommitteeOf31() public {
        played("n31");
    }
}
