// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR2Aggregator} from "../src/OCR2Aggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {LinkToken} from "../src/token/LinkToken.sol";
import {Committee} from "./support/Committee.sol";

/// @title Everybody who acts on a feed, at random; and what they have seen
/// @dev The ghosts below keep the books a second time, from the events' amounts.
contract Actors is Committee {
    uint256 internal constant POPULATION = 12; // oracles 0 to 11; committees are runs of them

    LinkToken public immutable link;
    OCR2Aggregator public immutable feed;

    uint256 public first; // the committee: oracles first .. first + n - 1, modulo POPULATION
    uint256 public n;
    uint8 public f;
    bytes32 public digest;
    uint32 public epoch;

    uint256 public highestRound;
    uint256 public roundWentBack;
    uint256 public epochWentBack;
    uint256 public forgedAccepted;
    uint256 public strangerActed;
    uint256 public overpaid;
    uint256 public frozenConfig;
    uint256 public accepted;
    mapping(uint256 roundId => bytes32 content) public content;

    constructor() {
        link = new LinkToken();
        feed = new OCR2Aggregator(
            link, 1, type(int192).max / 2, IAccessController(address(0)), IAccessController(address(0)), 8, "invariants"
        );
        feed.setBilling(1000, 50, 400_000, 1_000_000, 15_000);
        setConfig(0, 4);
    }

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
        bytes memory bounds = abi.encodePacked(uint8(1), int192(1), type(int192).max / 2);
        try feed.setConfig(signers, transmitters, uint8((n_ - 1) / 3), bounds, 2, "") {
            (first, n, f) = (first_, n_, uint8((n_ - 1) / 3));
            bytes32 before = digest;
            (,, digest) = feed.latestConfigDetails();
            if (digest == before) frozenConfig++;
            epoch = 0;
        } catch {
            frozenConfig++;
        }
    }

    function setBilling(uint32 observation, uint32 transmission) external {
        try feed.setBilling(1000, 50, observation % 1_000_000, transmission % 10_000_000, 15_000) {}
        catch {
            frozenConfig++;
        }
    }

    function setPayee(uint256 who) external {
        address[] memory transmitters = new address[](1);
        address[] memory payees = new address[](1);
        (transmitters[0], payees[0]) = (transmitterOf(who % POPULATION), payeeOf(who % POPULATION));
        feed.setPayees(transmitters, payees);
    }

    function fund(uint256 amount) external {
        link.transfer(address(feed), amount % 10 ** 19);
    }

    function withdrawFunds(uint256 amount) external {
        try feed.withdrawFunds(address(this), amount % 10 ** 20) {} catch {}
    }

    // -- oracles

    function transmit(uint256 seat, uint256 from, uint256 count, uint32 skip) external {
        uint256 observations = f + 1 + count % (n - f);
        epoch += 1 + skip % 3;
        Call memory call = signed(epoch, observations, from, f + 1);
        vm.txGasPrice(1 gwei * (1 + count % 100));
        if (attempt(transmitterOf(oracle(seat % n)), call)) accepted++;
    }

    /// @dev Reports that must not count: too few signers, one of them twice, one of them a stranger, another digest, old.
    function forge(uint256 seat, uint256 kind, uint256 from) external {
        Call memory call = signed(epoch + 1, n, from, f + 1);
        kind = kind % 6;
        if (kind == 0) call = signed(epoch + 1, n, from, f);
        if (kind == 1) (call.rs[1], call.ss[1], call.rawVs) = (call.rs[0], call.ss[0], twice(call.rawVs));
        if (kind == 2) (call.rs[0], call.ss[0]) = (keccak256("r"), bytes32(uint256(1)));
        if (kind == 3) call.context[0] = keccak256("another digest");
        if (kind == 4) {
            (,, uint32 latest) = feed.latestConfigDigestAndEpoch();
            if (latest == 0) return; // nothing is old yet
            call = signed(latest, n, from, f + 1);
        }
        if (kind == 5) call.report[200] ^= 0x01;
        if (attempt(transmitterOf(oracle(seat % n)), call)) forgedAccepted++;
    }

    function twice(bytes32 vs) private pure returns (bytes32) {
        bytes32 v = vs >> 248 << 248;
        return v | (v >> 8);
    }

    function withdrawPayment(uint256 who) external {
        who = who % POPULATION;
        uint256 owed = feed.owedPayment(transmitterOf(who));
        uint256 before = link.balanceOf(payeeOf(who));
        vm.prank(payeeOf(who));
        try feed.withdrawPayment(transmitterOf(who)) {
            if (link.balanceOf(payeeOf(who)) - before != owed) overpaid++;
        } catch {}
    }

    // -- strangers

    function strange(uint256 which, address who, bytes32 noise) external {
        if (who == address(this) || who == address(0)) return;
        for (uint256 i = 0; i < POPULATION; i++) {
            if (who == payeeOf(i) || who == transmitterOf(i)) return;
        }
        bytes[9] memory calls = [
            abi.encodeCall(feed.setBilling, (1, 2, 3, 4, 5)),
            abi.encodeCall(feed.setConfig, (new address[](4), new address[](4), 1, "", 2, "")),
            abi.encodeCall(feed.setPayees, (new address[](1), new address[](1))),
            abi.encodeCall(feed.withdrawFunds, (who, 1)),
            abi.encodeCall(feed.withdrawPayment, (transmitterOf(uint256(noise) % POPULATION))),
            abi.encodeCall(feed.setLinkToken, (link, who)),
            abi.encodeCall(feed.requestNewRound, ()),
            abi.encodeCall(feed.setHistoryLimit, (2)),
            abi.encodeCall(feed.transferOwnership, (who))
        ];
        vm.prank(who);
        (bool ok,) = address(feed).call(calls[which % 9]);
        if (ok) strangerActed++;
    }

    // -- inside

    function signed(uint32 epoch_, uint256 observations, uint256 from, uint256 count)
        private
        view
        returns (Call memory)
    {
        uint256[] memory keys = new uint256[](n);
        for (uint256 i = 0; i < n; i++) {
            keys[i] = oracle(i);
        }
        Call memory call;
        call.context = contextOf(digest, epoch_, 1);
        call.report = reportOf(uint32(block.timestamp), observationsOf(observations, 1000), 10 ** 18);
        call.rs = new bytes32[](count);
        call.ss = new bytes32[](count);
        bytes32 hash = signedHash(call.report, call.context);
        for (uint256 i = 0; i < count; i++) {
            uint8 v;
            (v, call.rs[i], call.ss[i]) = vm.sign(signerKey(keys[(from % n + i) % n]), hash);
            call.rawVs |= bytes32(uint256(v - 27) << (248 - 8 * i));
        }
        return call;
    }

    function attempt(address from, Call memory call) private returns (bool ok) {
        (,, uint32 epochBefore) = feed.latestConfigDigestAndEpoch();
        vm.prank(from);
        (ok,) = address(feed)
            .call(abi.encodeCall(feed.transmit, (call.context, call.report, call.rs, call.ss, call.rawVs)));
        (,, uint32 epochAfter) = feed.latestConfigDigestAndEpoch();
        if (epochAfter < epochBefore) epochWentBack++;
        uint256 round = feed.latestRound();
        if (round < highestRound || round > highestRound + 1) roundWentBack++;
        if (round > highestRound) content[round] = roundContent(round);
        highestRound = round;
    }

    function roundContent(uint256 round) public view returns (bytes32) {
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
            feed.getRoundData(uint80(round));
        return keccak256(abi.encode(id, answer, startedAt, updatedAt, answeredIn));
    }
}

/// @dev Numbers are those of docs/Invariants.md.
contract InvariantsTest is Committee {
    Actors private actors;

    function setUp() public {
        actors = new Actors();
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(actors);
    }

    function invariant_1_rounds_grow_by_one_and_never_change() public view {
        eq("steps", actors.roundWentBack(), 0);
        OCR2Aggregator feed = actors.feed();
        uint256 latest = feed.latestRound();
        for (uint256 round = 1; round <= latest; round++) {
            eq("content", actors.content(round), actors.roundContent(round));
        }
        eq("none after the latest", feed.getTimestamp(latest + 1), 0);
    }

    function invariant_2_epochs_never_go_back_under_one_config() public view {
        eq("steps", actors.epochWentBack(), 0);
    }

    function invariant_3_without_a_quorum_nothing_changes() public view {
        eq("forged reports accepted", actors.forgedAccepted(), 0);
    }

    function invariant_4_only_owners_admins_and_payees_act() public view {
        eq("strangers' calls that did something", actors.strangerActed(), 0);
    }

    function invariant_5_the_books_are_the_sum_of_what_is_owed() public view {
        OCR2Aggregator feed = actors.feed();
        uint256 owed;
        for (uint256 i = 0; i < 12; i++) {
            owed += feed.owedPayment(transmitterOf(i));
        }
        int256 balance = int256(actors.link().balanceOf(address(feed)));
        eqInt("available", feed.linkAvailableForPayment(), balance - int256(owed));
    }

    function invariant_6_what_is_withdrawn_was_owed() public view {
        eq("withdrawals of another amount", actors.overpaid(), 0);
    }

    function invariant_7_config_and_terms_can_always_be_set() public view {
        eq("refusals", actors.frozenConfig(), 0);
    }

    function invariant_8_who_is_not_in_the_committee_earns_nothing() public view {
        OCR2Aggregator feed = actors.feed();
        address[] memory members = feed.getTransmitters();
        for (uint256 i = 0; i < 12; i++) {
            bool member;
            for (uint256 j = 0; j < members.length; j++) {
                if (members[j] == transmitterOf(i)) member = true;
            }
            if (!member) eq("rounds", feed.oracleObservationCount(transmitterOf(i)), 0);
        }
    }

    function invariant_9_the_digest_belongs_to_the_config() public view {
        (uint32 count,, bytes32 digest) = actors.feed().latestConfigDetails();
        yes("configured", count > 0);
        eq("digest", digest, actors.digest());
        eq("prefix", uint256(digest) >> 240, 1);
    }
}
