// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOwned} from "../../src/interfaces/IOwned.sol";
import {LinkToken} from "../../src/token/LinkToken.sol";
import {Committee} from "../support/Committee.sol";

/// @title Everybody who acts on a feed, at random; and what they have seen
abstract contract Actors is Committee {
    uint256 internal constant POPULATION = 12; // oracles 0 to 11; committees are runs of them

    LinkToken public immutable link;
    IFeed public immutable feed;

    uint256 public first; // the committee: oracles first .. first + n - 1, modulo POPULATION
    uint256 public n;
    uint8 public f;
    bytes32 public digest; // of OCR1 the first 16 bytes
    uint32 public epoch;

    uint256 public highestRound;
    uint256 public roundWentBack;
    uint256 public epochWentBack;
    uint256 public forgedAccepted;
    uint256 public strangerActed;
    uint256 public overpaid;
    uint256 public frozenConfig;
    uint256 public accepted;
    uint256 public refusedHonest;
    mapping(uint256 roundId => bytes32 content) public content;

    constructor() {
        link = new LinkToken();
        feed = _deployFeed();
        setConfig(0, 4);
    }

    /// @dev A feed with terms, and what else its first configuration needs.
    function _deployFeed() internal virtual returns (IFeed);

    /// @return A call of setConfig.
    function _encodeConfig(address[] memory signers, address[] memory transmitters, uint8 f_)
        internal
        view
        virtual
        returns (bytes memory);

    function configDetails() public view virtual returns (uint32 count, bytes32 digest_);

    /// @return The epoch of the latest report.
    function _latestEpoch() internal virtual returns (uint32);

    /// @return A call of transmit that any member of the committee could make.
    function _honest() internal view virtual returns (bytes memory);

    /// @dev Everyone was paid, and another committee has begun.
    function _onConfig() internal virtual {}

    /// @dev An oracle was paid what it was owed.
    function _onPaid(uint256 who) internal virtual {}

    function oracle(uint256 seat) public view returns (uint256) {
        return (first + seat) % POPULATION;
    }

    // -- the owner

    function setConfig(uint256 first_, uint256 n_) public {
        (first_, n_) = (first_ % POPULATION, 4 + n_ % 7);
        address[] memory signers = new address[](n_);
        address[] memory transmitters = new address[](n_);
        for (uint256 i = 0; i < n_; i++) {
            signers[i] = vm.addr(signerKey((first_ + i) % POPULATION));
            transmitters[i] = transmitterOf((first_ + i) % POPULATION);
        }
        uint8 f_ = uint8((n_ - 1) / 3);
        (bool ok,) = address(feed).call(_encodeConfig(signers, transmitters, f_));
        if (!ok) {
            frozenConfig++;
            return;
        }
        (first, n, f) = (first_, n_, f_);
        bytes32 before = digest;
        (, digest) = configDetails();
        if (digest == before) frozenConfig++;
        epoch = 0;
        _onConfig();
    }

    function fund(uint256 amount) external {
        link.transfer(address(feed), amount % 10 ** 19);
    }

    function withdrawFunds(uint256 amount) external {
        try feed.withdrawFunds(address(this), amount % 10 ** 20) {} catch {}
    }

    // -- payees

    function withdrawPayment(uint256 who) external {
        who = who % POPULATION;
        uint256 owed = feed.owedPayment(transmitterOf(who));
        uint256 before = link.balanceOf(payeeOf(who));
        vm.prank(payeeOf(who));
        try feed.withdrawPayment(transmitterOf(who)) {
            if (link.balanceOf(payeeOf(who)) - before != owed) overpaid++;
            if (owed != 0) _onPaid(who);
        } catch {}
    }

    // -- strangers

    function strange(uint256 which, address who, bytes32 noise) external {
        if (who == address(this) || who == address(0)) return;
        for (uint256 i = 0; i < POPULATION; i++) {
            if (who == payeeOf(i) || who == transmitterOf(i)) return;
        }
        bytes[10] memory calls = [
            _encodeTerms(),
            _encodeConfig(new address[](4), new address[](4), 1),
            abi.encodeCall(feed.setPayees, (new address[](1), new address[](1))),
            abi.encodeCall(feed.withdrawFunds, (who, 1)),
            abi.encodeCall(feed.withdrawPayment, (transmitterOf(uint256(noise) % POPULATION))),
            abi.encodeCall(feed.setLinkToken, (link, who)),
            abi.encodeCall(feed.requestNewRound, ()),
            abi.encodeCall(feed.setHistoryLimit, (2)),
            abi.encodeCall(IOwned.transferOwnership, (who)),
            _honest()
        ];
        vm.prank(who);
        (bool ok,) = address(feed).call(calls[which % 10]);
        if (ok) strangerActed++;
    }

    /// @return A call of setBilling.
    function _encodeTerms() internal pure virtual returns (bytes memory);

    // -- inside

    function attempt(address from, bytes memory data) internal returns (bool ok) {
        uint32 epochBefore = _latestEpoch();
        vm.prank(from);
        (ok,) = address(feed).call(data);
        uint32 epochAfter = _latestEpoch();
        if (epochAfter < epochBefore || (ok && epochAfter == epochBefore)) epochWentBack++;
        uint256 round = feed.latestRound();
        if (round != highestRound + (ok ? 1 : 0)) roundWentBack++;
        if (round > highestRound) content[round] = roundContent(round);
        highestRound = round;
    }

    function roundContent(uint256 round) public view returns (bytes32) {
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
            feed.getRoundData(uint80(round));
        return keccak256(abi.encode(id, answer, startedAt, updatedAt, answeredIn));
    }
}

/// @dev Numbers are those of docs/Invariants.md. What is counted of an oracle is the business of each protocol.
abstract contract InvariantSuite is Committee {
    function _actors() internal view virtual returns (Actors);

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(_actors());
    }

    function invariant_1_rounds_grow_by_one_and_never_change() public view {
        eq("steps", _actors().roundWentBack(), 0);
        IFeed feed = _actors().feed();
        uint256 latest = feed.latestRound();
        eq("rounds", latest, _actors().accepted());
        for (uint256 round = 1; round <= latest; round++) {
            eq("content", _actors().content(round), _actors().roundContent(round));
        }
        eq("none after the latest", feed.getTimestamp(latest + 1), 0);
    }

    function invariant_2_epochs_never_go_back_under_one_config() public view {
        eq("steps", _actors().epochWentBack(), 0);
    }

    function invariant_3_without_a_quorum_nothing_changes() public view {
        eq("forged reports accepted", _actors().forgedAccepted(), 0);
        eq("honest reports refused", _actors().refusedHonest(), 0);
    }

    function invariant_4_only_owners_admins_and_payees_act() public view {
        eq("strangers' calls that did something", _actors().strangerActed(), 0);
    }

    function invariant_5_the_books_are_the_sum_of_what_is_owed() public view {
        IFeed feed = _actors().feed();
        uint256 owed;
        for (uint256 i = 0; i < 12; i++) {
            owed += feed.owedPayment(transmitterOf(i));
        }
        int256 balance = int256(_actors().link().balanceOf(address(feed)));
        eqInt("available", feed.linkAvailableForPayment(), balance - int256(owed));
    }

    function invariant_6_what_is_withdrawn_was_owed() public view {
        eq("withdrawals of another amount", _actors().overpaid(), 0);
    }

    function invariant_7_config_and_terms_can_always_be_set() public view {
        eq("refusals", _actors().frozenConfig(), 0);
    }

    function invariant_9_the_digest_belongs_to_the_config() public view {
        (uint32 count, bytes32 digest) = _actors().configDetails();
        yes("configured", count > 0);
        eq("digest", digest, _actors().digest());
    }
}
