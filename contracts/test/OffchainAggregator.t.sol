// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessControlledOffchainAggregator} from "../src/AccessControlledOffchainAggregator.sol";
import {OffchainAggregator} from "../src/OffchainAggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {IOffchainAggregator} from "../src/interfaces/IOffchainAggregator.sol";
import {LinkToken} from "../src/token/LinkToken.sol";
import {Ocr1AccessSuite} from "./suites/Ocr1AccessSuite.sol";
import {Ocr1BillingSuite} from "./suites/Ocr1BillingSuite.sol";
import {Ocr1ConfigSuite} from "./suites/Ocr1ConfigSuite.sol";
import {Ocr1FeedSuite} from "./suites/Ocr1FeedSuite.sol";
import {Ocr1TransmitSuite} from "./suites/Ocr1TransmitSuite.sol";
import {Ocr1VectorSuite} from "./suites/Ocr1VectorSuite.sol";
import {Ocr1Test} from "./support/Ocr1Test.sol";

/// @dev Ours.
abstract contract OursOcr1 is Ocr1Test {
    function _ours() internal pure override returns (bool) {
        return true;
    }

    function _requireArtifacts() internal override {}

    function _deployLink() internal override returns (ILinkToken) {
        return new LinkToken();
    }

    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        virtual
        override
        returns (IOffchainAggregator)
    {
        return new OffchainAggregator(
            1000, 50, 215_000_000, 400_000, 1_000_000, token, MIN, MAX, billing, requests, 8, "ETH / USD"
        );
    }
}

/// @dev The reference's own bytecode under the same suites: what they claim is true of it first. Skipped while
/// tools/reference.mjs has not fetched it.
abstract contract TheReferenceOcr1 is Ocr1Test {
    function _ours() internal pure override returns (bool) {
        return false;
    }

    function _requireArtifacts() internal override {
        vm.skip(!vm.exists("cache/reference/OffchainAggregator.json"), "run `node tools/reference.mjs` first");
    }

    function _deployLink() internal override returns (ILinkToken) {
        return ILinkToken(create(code("LinkToken")));
    }

    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        virtual
        override
        returns (IOffchainAggregator)
    {
        return _deployReference("OffchainAggregator", token, billing, requests);
    }

    function _deployReference(
        string memory name,
        ILinkToken token,
        IAccessController billing,
        IAccessController requests
    ) internal returns (IOffchainAggregator) {
        bytes memory terms = abi.encode(uint32(1000), uint32(50), uint32(215_000_000), uint32(400_000), 1_000_000);
        bytes memory rest = abi.encode(token, MIN, MAX, billing, requests, uint8(8), uint256(12 * 32));
        bytes memory description = abi.encode(uint256(9), bytes32("ETH / USD"));
        return IOffchainAggregator(create(bytes.concat(code(name), terms, rest, description)));
    }
}

contract OffchainAggregatorConfigTest is Ocr1ConfigSuite, OursOcr1 {}

contract OffchainAggregatorTransmitTest is Ocr1TransmitSuite, OursOcr1 {}

contract OffchainAggregatorBillingTest is Ocr1BillingSuite, OursOcr1 {}

contract OffchainAggregatorFeedTest is Ocr1FeedSuite, OursOcr1 {}

contract OffchainAggregatorVectorTest is Ocr1VectorSuite, OursOcr1 {}

contract ReferenceOcr1ConfigTest is Ocr1ConfigSuite, TheReferenceOcr1 {}

contract ReferenceOcr1TransmitTest is Ocr1TransmitSuite, TheReferenceOcr1 {}

contract ReferenceOcr1BillingTest is Ocr1BillingSuite, TheReferenceOcr1 {}

contract ReferenceOcr1FeedTest is Ocr1FeedSuite, TheReferenceOcr1 {}

contract ReferenceOcr1VectorTest is Ocr1VectorSuite, TheReferenceOcr1 {}

contract AccessControlledOffchainAggregatorTest is Ocr1AccessSuite, OursOcr1 {
    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override(Ocr1Test, OursOcr1)
        returns (IOffchainAggregator)
    {
        return new AccessControlledOffchainAggregator(
            1000, 50, 215_000_000, 400_000, 1_000_000, token, MIN, MAX, billing, requests, 8, "ETH / USD"
        );
    }
}

contract ReferenceOcr1AccessControlledTest is Ocr1AccessSuite, TheReferenceOcr1 {
    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        override(Ocr1Test, TheReferenceOcr1)
        returns (IOffchainAggregator)
    {
        return _deployReference("AccessControlledOffchainAggregator", token, billing, requests);
    }
}
