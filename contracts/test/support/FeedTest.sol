// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {ILinkToken} from "../../src/interfaces/ILinkToken.sol";
import {IOCR2Aggregator} from "../../src/interfaces/IOCR2Aggregator.sol";
import {IOwned} from "../../src/interfaces/IOwned.sol";
import {Committee} from "./Committee.sol";
import {Vm} from "./Vm.sol";

/// @title A funded feed with a committee, ours or the reference's
/// @dev The suites say what both do. A refusal is checked to the byte on ours, where we know the reason, and as a revert on
/// the reference. What only ours does is in the test contracts of ours, with the difference in the test's name.
abstract contract FeedTest is Committee {
    int192 internal constant MIN = 1;
    int192 internal constant MAX = type(int192).max / 2;
    int192 internal constant RATE = 215_000_000_000_000_000_123; // juels per fee coin
    int192 internal constant PRICE = 250_000_000_000;

    ILinkToken internal link;
    IOCR2Aggregator internal feed;
    address internal stranger = address(0xbad);
    address internal billingAdmin = address(0xb111);
    address internal requester = address(0x4e9);

    bytes32 internal digest;
    uint32 internal epoch;

    /// @dev True if the feed is ours, so that refusals are compared to the byte.
    function _ours() internal pure virtual returns (bool);

    /// @dev Skips the test if what it needs is not there.
    function _requireArtifacts() internal virtual;

    function _deployLink() internal virtual returns (ILinkToken);

    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        virtual
        returns (IOCR2Aggregator);

    function setUp() public virtual {
        _requireArtifacts();
        vm.warp(1_700_000_000);
        vm.roll(1000);
        link = _deployLink();
        feed = _deployFeed(link, _admits(billingAdmin), _admits(requester));
        link.transfer(address(feed), 10 ** 24);
        vm.label(address(feed), "feed");
        vm.label(address(link), "link");
    }

    /// @dev An access controller that admits one address.
    function _admits(address user) internal returns (IAccessController) {
        return new AdmitsOne(user);
    }

    // -- configuration

    function onchainConfig() internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(1), MIN, MAX);
    }

    function configure(uint256 n, uint8 f) internal {
        feed.setConfig(signersOf(n), transmittersOf(n), f, onchainConfig(), 2, "offchain config");
        (,, digest) = feed.latestConfigDetails();
        epoch = 0;
    }

    /// @dev A committee with payees and prices.
    function start(uint256 n) internal {
        feed.setBilling(1000, 50, 400_000, 1_000_000, 15_000);
        feed.setPayees(transmittersOf(n), payeesOf(n));
        configure(n, uint8((n - 1) / 3));
    }

    // -- transmissions

    function report(uint256 observations) internal view returns (bytes memory) {
        return reportOf(uint32(block.timestamp - 5), observationsOf(observations, PRICE), RATE);
    }

    /// @return A call of the next round with n observations and f+1 signatures.
    function next(uint256 n) internal returns (Call memory) {
        return next(n, report(n));
    }

    function next(uint256 n, bytes memory report_) internal returns (Call memory) {
        epoch++;
        return signedBy(contextOf(digest, epoch, 1), report_, epoch, (n - 1) / 3 + 1, n);
    }

    function encode(Call memory call) internal view returns (bytes memory) {
        return abi.encodeCall(feed.transmit, (call.context, call.report, call.rs, call.ss, call.rawVs));
    }

    function transmit(Call memory call, uint256 oracle) internal {
        (bool ok, bytes memory ret) = send(transmitterOf(oracle), encode(call));
        if (!ok) revert NotEqualBytes("transmit was refused", ret, "");
    }

    function transmit(uint256 n) internal {
        transmit(next(n), epoch % n);
    }

    // -- calls

    function send(address from, bytes memory data) internal returns (bool ok, bytes memory ret) {
        vm.prank(from, from);
        return address(feed).call(data);
    }

    function refused(address from, bytes memory data, bytes memory reason) internal {
        (bool ok, bytes memory ret) = send(from, data);
        yes("refused", !ok);
        if (_ours()) eq("error", ret, reason);
    }

    function refused(Call memory call, bytes memory reason) internal {
        refused(transmitterOf(0), encode(call), reason);
    }

    function refused(bytes memory data, bytes memory reason) internal {
        refused(address(this), data, reason);
    }

    function onlyOwner(bytes memory data) internal {
        refused(stranger, data, abi.encodeWithSelector(IOwned.OnlyOwner.selector, stranger, address(this)));
    }

    /// @return The only log of the feed with this topic among the recorded ones.
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

contract AdmitsOne is IAccessController {
    address private immutable i_user;

    constructor(address user) {
        i_user = user;
    }

    function hasAccess(address user, bytes calldata) external view override returns (bool) {
        return user == i_user;
    }
}
