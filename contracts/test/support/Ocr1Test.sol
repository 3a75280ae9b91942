// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {ILinkToken} from "../../src/interfaces/ILinkToken.sol";
import {IOffchainAggregator} from "../../src/interfaces/IOffchainAggregator.sol";
import {IOwned} from "../../src/interfaces/IOwned.sol";
import {Committee} from "./Committee.sol";
import {AdmitsOne} from "./FeedTest.sol";
import {Vm} from "./Vm.sol";

/// @title A funded OCR1 feed with a committee, ours or the reference's
/// @dev As FeedTest is for OCR2: the suites say what both do; a refusal is checked to the byte on ours, where we know the
/// reason, and as a revert on the reference.
abstract contract Ocr1Test is Committee {
    /// @dev The arguments of transmit, so that a test can spoil one of them.
    struct Ocr1Call {
        bytes report;
        bytes32[] rs;
        bytes32[] ss;
        bytes32 rawVs;
    }

    int192 internal constant MIN = 1;
    int192 internal constant MAX = type(int192).max / 2;
    int192 internal constant PRICE = 250_000_000_000;
    uint256 internal constant PER_OBSERVATION = 400_000 gwei;
    uint256 internal constant PER_TRANSMISSION = 1_000_000 gwei;

    ILinkToken internal link;
    IOffchainAggregator internal feed;
    address internal stranger = address(0xbad);
    address internal billingAdmin = address(0xb111);
    address internal requester = address(0x4e9);

    bytes16 internal digest;
    uint32 internal epoch;

    /// @dev True if the feed is ours, so that refusals are compared to the byte.
    function _ours() internal pure virtual returns (bool);

    /// @dev Skips the test if what it needs is not there.
    function _requireArtifacts() internal virtual;

    function _deployLink() internal virtual returns (ILinkToken);

    /// @dev With the terms 1000, 50, 215,000,000, 400,000 and 1,000,000.
    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        virtual
        returns (IOffchainAggregator);

    function setUp() public virtual {
        _requireArtifacts();
        vm.warp(1_700_000_000);
        vm.roll(1000);
        link = _deployLink();
        feed = _deployFeed(link, new AdmitsOne(billingAdmin), new AdmitsOne(requester));
        link.transfer(address(feed), 10 ** 24);
        vm.label(address(feed), "feed");
        vm.label(address(link), "link");
    }

    // -- configuration

    function encodeConfig(address[] memory signers, address[] memory transmitters, uint8 f)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodeCall(feed.setConfig, (signers, transmitters, f, 1, "encoded"));
    }

    function encodeConfig(uint256 n, uint8 f) internal view returns (bytes memory) {
        return encodeConfig(signersOf(n), transmittersOf(n), f);
    }

    function configure(uint256 n, uint8 f) internal {
        feed.setConfig(signersOf(n), transmittersOf(n), f, 1, "encoded");
        (,, digest) = feed.latestConfigDetails();
        epoch = 0;
    }

    function configure(uint256 n) internal {
        configure(n, uint8((n - 1) / 3));
    }

    /// @dev A committee with payees; everyone who may ever be in a committee of these tests gets one.
    function start(uint256 n) internal {
        feed.setPayees(transmittersOf(31), payeesOf(31));
        configure(n);
    }

    /// @dev Terms without gas, so that amounts are round numbers.
    function startWithoutGas(uint256 n) internal {
        feed.setBilling(0, 0, 0, 400_000, 1_000_000);
        start(n);
    }

    // -- transmissions

    function ocr1Context(bytes16 digest_, uint32 epoch_, uint8 round) internal pure returns (bytes32) {
        return bytes32((uint256(uint128(digest_)) << 40) | (uint256(epoch_) << 8) | round);
    }

    /// @return Observations by oracles 0 to k-1, in another order.
    function report(bytes32 context, int192[] memory observations) internal pure returns (bytes memory) {
        return abi.encode(context, observersOf(observations.length), observations);
    }

    function observersOf(uint256 k) internal pure returns (bytes32 observers) {
        for (uint256 i = 0; i < k; i++) {
            observers |= bytes32((k - 1 - i) << (248 - 8 * i));
        }
    }

    function signed(bytes memory report_, uint256 first, uint256 count, uint256 n)
        internal
        pure
        returns (Ocr1Call memory call)
    {
        call.report = report_;
        call.rs = new bytes32[](count);
        call.ss = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            uint8 v;
            (v, call.rs[i], call.ss[i]) = vm.sign(signerKey((first + i) % n), keccak256(report_));
            call.rawVs |= bytes32(uint256(v - 27) << (248 - 8 * i));
        }
    }

    /// @return A call with f+1 signatures.
    function signed(bytes memory report_, uint256 n) internal view returns (Ocr1Call memory) {
        return signed(report_, epoch, (n - 1) / 3 + 1, n);
    }

    function nextContext() internal returns (bytes32) {
        return ocr1Context(digest, ++epoch, 1);
    }

    /// @return A call of the next round with n observations and f+1 signatures.
    function next(uint256 n) internal returns (Ocr1Call memory) {
        return next(n, observationsOf(n, PRICE));
    }

    function next(uint256 n, int192[] memory observations) internal returns (Ocr1Call memory) {
        return signed(report(nextContext(), observations), n);
    }

    function next(uint256 n, bytes32 observers, int192[] memory observations) internal returns (Ocr1Call memory) {
        return signed(abi.encode(nextContext(), observers, observations), n);
    }

    function encode(Ocr1Call memory call) internal view returns (bytes memory) {
        return abi.encodeCall(feed.transmit, (call.report, call.rs, call.ss, call.rawVs));
    }

    function transmit(Ocr1Call memory call, uint256 oracle) internal {
        (bool ok, bytes memory ret) = send(transmitterOf(oracle), encode(call));
        if (!ok) revert NotEqualBytes("transmit was refused", ret, "");
    }

    function transmit(uint256 n) internal {
        transmit(next(n), epoch % n);
    }

    // -- calls

    function send(address from, bytes memory data) internal returns (bool ok, bytes memory ret) {
        vm.prank(from, from);
        return address(feed).call{gas: 20_000_000}(data);
    }

    function refused(address from, bytes memory data, bytes memory reason) internal {
        (bool ok, bytes memory ret) = send(from, data);
        yes("refused", !ok);
        if (_ours()) eq("error", ret, reason);
    }

    function refused(Ocr1Call memory call, bytes memory reason) internal {
        refused(transmitterOf(0), encode(call), reason);
    }

    function refused(bytes memory data, bytes memory reason) internal {
        refused(address(this), data, reason);
    }

    /// @dev A deliberate difference: the reference accepts.
    function refusedByOursOnly(address from, bytes memory data, bytes memory reason) internal {
        (bool ok, bytes memory ret) = send(from, data);
        yes("refused by ours only", ok != _ours());
        if (_ours()) eq("why", ret, reason);
    }

    function onlyOwner(bytes memory data) internal {
        refused(stranger, data, abi.encodeWithSelector(IOwned.OnlyOwner.selector, stranger, address(this)));
    }

    function owed(uint256 oracle) internal view returns (uint256) {
        return feed.owedPayment(transmitterOf(oracle));
    }

    /// @return The first log of the feed with this topic among the recorded ones.
    function logOf(bytes32 topic) internal returns (Vm.Log memory) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter == address(feed) && logs[i].topics[0] == topic) return logs[i];
        }
        revert NotTrue("an event that should be there");
    }

    function countLogs() internal returns (uint256) {
        return vm.getRecordedLogs().length;
    }

    function code(string memory name) internal view returns (bytes memory) {
        return vm.parseJsonBytes(vm.readFile(string.concat("cache/reference/", name, ".json")), ".bytecode.object");
    }

    function create(bytes memory creation) internal returns (address made) {
        assembly {
            made := create(0, add(creation, 0x20), mload(creation))
        }
        yes("created", made != address(0));
    }
}
