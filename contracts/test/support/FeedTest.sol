// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {IAggregatorValidator} from "../../src/interfaces/IAggregatorValidator.sol";
import {IFeed} from "../../src/interfaces/IFeed.sol";
import {ILinkToken} from "../../src/interfaces/ILinkToken.sol";
import {IOwned} from "../../src/interfaces/IOwned.sol";
import {LinkToken} from "../../src/token/LinkToken.sol";
import {Committee} from "./Committee.sol";
import {Vm} from "./Vm.sol";

/// @title A funded feed with a committee, of either protocol, ours or the reference's
/// @dev The suites say what all of them do; what a protocol does in its own way is a function without a body here. A refusal is
/// checked to the byte on ours, where we know the reason, and as a revert on the reference. What only ours does is in the
/// test contracts of ours, with the difference in the test's name.
abstract contract FeedTest is Committee {
    int192 internal constant MIN = 1;
    int192 internal constant MAX = type(int192).max / 2;
    int192 internal constant PRICE = 250_000_000_000;
    uint256 internal constant PER_OBSERVATION = 400_000 gwei;
    uint256 internal constant PER_TRANSMISSION = 1_000_000 gwei;

    ILinkToken internal link;
    IFeed internal feed;
    address internal stranger = address(0xbad);
    address internal billingAdmin = address(0xb111);
    address internal requester = address(0x4e9);

    bytes32 internal digest; // of OCR1 the first 16 bytes
    uint32 internal epoch;

    /// @dev True if the feed is ours, so that refusals are compared to the byte.
    function _ours() internal pure virtual returns (bool);

    /// @dev Skips the test if what it needs is not there.
    function _requireArtifacts() internal virtual;

    function _deployLink() internal virtual returns (ILinkToken);

    function _deployFeed(ILinkToken token, IAccessController billing, IAccessController requests)
        internal
        virtual
        returns (IFeed);

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

    /// @return A call of setConfig.
    function encodeConfig(address[] memory signers, address[] memory transmitters, uint8 f)
        internal
        view
        virtual
        returns (bytes memory);

    function encodeConfig(uint256 n, uint8 f) internal view returns (bytes memory) {
        return encodeConfig(signersOf(n), transmittersOf(n), f);
    }

    /// @dev What the first ConfigSet among the recorded logs says.
    function configSet() internal virtual returns (uint32 previousBlock, uint64 count, bytes memory offchainConfig);

    function configDigest() internal view virtual returns (bytes32);

    function configure(uint256 n, uint8 f) internal {
        (bool ok, bytes memory ret) = address(feed).call(encodeConfig(n, f));
        if (!ok) revert NotEqualBytes("setConfig was refused", ret, "");
        digest = configDigest();
        epoch = 0;
    }

    function configure(uint256 n) internal {
        configure(n, uint8((n - 1) / 3));
    }

    /// @dev A committee with prices, and payees for everyone who may ever be in a committee of these tests.
    function start(uint256 n) internal virtual;

    // -- terms

    /// @return A call of setBilling under which gas is free, so that amounts are round numbers. Prices are in gwei.
    function encodePrices(uint32 observation, uint32 transmission) internal view virtual returns (bytes memory);

    function setPrices(uint32 observation, uint32 transmission) internal {
        (bool ok, bytes memory ret) = address(feed).call(encodePrices(observation, transmission));
        if (!ok) revert NotEqualBytes("setBilling was refused", ret, "");
    }

    function startWithoutGas(uint256 n) internal {
        start(n);
        setPrices(400_000, 1_000_000);
    }

    function owed(uint256 oracle) internal view returns (uint256) {
        return feed.owedPayment(transmitterOf(oracle));
    }

    /// @return How many observations, or of OCR2 rounds, of an oracle were not paid yet.
    function countOf(address transmitter) internal view virtual returns (uint256);

    // -- transmissions

    /// @return A report with these observations and f+1 signatures, from those of oracle `epoch_` modulo n on.
    function callOf(bytes32 digest_, uint32 epoch_, uint8 round, int192[] memory observations, uint256 n)
        internal
        view
        virtual
        returns (Call memory);

    function callOf(uint32 epoch_, uint8 round, uint256 n) internal view returns (Call memory) {
        return callOf(digest, epoch_, round, observationsOf(n, PRICE), n);
    }

    /// @return A call of the next round with n observations and f+1 signatures.
    function next(uint256 n) internal returns (Call memory) {
        return next(n, observationsOf(n, PRICE));
    }

    function next(uint256 n, int192[] memory observations) internal returns (Call memory) {
        return callOf(digest, ++epoch, 1, observations, n);
    }

    /// @return What the oracles sign.
    function hashOf(Call memory call) internal pure virtual returns (bytes32);

    /// @dev Signatures of `count` oracles from `first` on.
    function sign(Call memory call, uint256 first, uint256 count, uint256 n) internal pure returns (Call memory) {
        return sign(call, hashOf(call), first, count, n);
    }

    /// @return When a round started whose report was made by `callOf` in this block.
    function startOfRound() internal view virtual returns (uint256);

    /// @return The fewest observations that are accepted.
    function fewest(uint256 f) internal pure virtual returns (uint256);

    /// @return A call of transmit.
    function encode(Call memory call) internal view virtual returns (bytes memory);

    /// @return The data of NewTransmission.
    function announced(Call memory call, address transmitter) internal view virtual returns (bytes memory);

    function newTransmission() internal pure virtual returns (bytes32 topic);

    function transmit(Call memory call, uint256 oracle) internal {
        (bool ok, bytes memory ret) = send(transmitterOf(oracle), encode(call));
        if (!ok) revert NotEqualBytes("transmit was refused", ret, "");
    }

    function transmit(uint256 n) internal {
        transmit(next(n), epoch % n);
    }

    /// @return list The first k bytes.
    function cut(bytes32 word, uint256 k) internal pure returns (bytes memory list) {
        list = new bytes(k);
        for (uint256 i = 0; i < k; i++) {
            list[i] = word[i];
        }
    }

    // -- what is read under another name in each protocol

    /// @dev The answer to latestTransmissionDetails, asked by an account.
    function details()
        internal
        virtual
        returns (bytes32 digest_, uint32 epoch_, uint8 round, int192 answer, uint64 updatedAt);

    function requesterController() internal view virtual returns (IAccessController);

    function billingController() internal view virtual returns (IAccessController);

    function validatorConfig() internal view virtual returns (IAggregatorValidator validator, uint32 gasLimit);

    // -- calls

    /// @dev Some refusals of the original's OCR1 burn all gas that they have.
    function send(address from, bytes memory data) internal returns (bool ok, bytes memory ret) {
        vm.prank(from, from);
        return address(feed).call{gas: 20_000_000}(data);
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

    /// @dev A deliberate difference: the reference accepts.
    function refusedByOursOnly(address from, bytes memory data, bytes memory reason) internal {
        (bool ok, bytes memory ret) = send(from, data);
        yes("refused by ours only", ok != _ours());
        if (_ours()) eq("why", ret, reason);
    }

    function onlyOwner(bytes memory data) internal {
        refused(stranger, data, abi.encodeWithSelector(IOwned.OnlyOwner.selector, stranger, address(this)));
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

/// @title On ours
abstract contract OnOurs is FeedTest {
    function _ours() internal pure override returns (bool) {
        return true;
    }

    function _requireArtifacts() internal override {}

    function _deployLink() internal override returns (ILinkToken) {
        return new LinkToken();
    }
}

/// @title On the reference's own bytecode: what the suites claim is true of it first
/// @dev Skipped while tools/reference.mjs has not fetched it.
abstract contract OnTheReference is FeedTest {
    function _ours() internal pure override returns (bool) {
        return false;
    }

    function _requireArtifacts() internal override {
        vm.skip(!vm.exists("cache/reference/OCR2Aggregator.json"), "run `node tools/reference.mjs` first");
    }

    function _deployLink() internal override returns (ILinkToken) {
        return ILinkToken(create(code("LinkToken")));
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
