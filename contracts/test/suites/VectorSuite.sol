// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {FeedTest} from "../support/FeedTest.sol";

/// @title What a committee signs in Rust, from a file that Rust tests make
abstract contract VectorSuite is FeedTest {
    string internal json;
    address private owner;

    function _file() internal pure virtual returns (string memory);

    /// @dev Sets the configuration of a committee, and compares its digest and what else the file says of it.
    function _configureAs(string memory committee, address[] memory signers, address[] memory transmitters)
        internal
        virtual;

    /// @return Where an observation stands in a call of transmit.
    function _observationAt(string memory transmission) internal view virtual returns (uint256);

    function path(string memory committee, string memory field) internal pure returns (string memory) {
        return string.concat(".", committee, ".", field);
    }

    /// @dev The digest is over the contract's address: the first that this owner makes.
    function deployed(string memory committee) private {
        json = vm.readFile(_file());
        owner = vm.parseJsonAddress(json, ".deployer");
        (IAccessController billing, IAccessController requests) = (_admits(billingAdmin), _admits(requester));
        vm.startPrank(owner);
        feed = _deployFeed(link, billing, requests);
        eq("aggregator", address(feed), vm.parseJsonAddress(json, path(committee, "aggregator")));
        address[] memory transmitters = vm.parseJsonAddressArray(json, path(committee, "transmitters"));
        feed.setPayees(transmitters, transmitters);
        _configureAs(committee, vm.parseJsonAddressArray(json, path(committee, "signers")), transmitters);
        vm.stopPrank();
        digest = configDigest();
    }

    function sent(string memory committee, string memory transmission) private {
        string memory here = path(committee, transmission);
        bytes memory call = vm.parseJsonBytes(json, string.concat(here, ".call"));
        address transmitter = vm.parseJsonAddress(json, string.concat(here, ".transmitter"));
        bytes memory spoiled = bytes.concat(call);
        spoiled[_observationAt(here) + 31] ^= 0x01;
        (bool ok,) = send(transmitter, spoiled);
        yes("a report that nobody signed is refused", !ok);
        (ok,) = send(transmitter, call);
        yes("what the committee signed is accepted", ok);
        (bytes32 digest_, uint32 epoch_, uint8 round, int192 answer,) = details();
        eq("digest", digest_, digest);
        eq("epoch", epoch_, vm.parseJsonUint(json, string.concat(here, ".epoch")));
        eq("round", round, vm.parseJsonUint(json, string.concat(here, ".round")));
        eqInt("answer", answer, int256(uint256(vm.parseJsonBytes32(json, string.concat(here, ".answer")))));
        (ok,) = send(transmitter, call);
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
