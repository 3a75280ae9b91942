// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OffchainAggregator} from "../src/OffchainAggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {LinkToken} from "../src/token/LinkToken.sol";
import {Committee} from "./support/Committee.sol";

/// @title Everybody who acts on an OCR1 feed, at random; and what they have seen
/// @dev The ghosts below keep the books a second time: every observation and every price.
contract Ocr1Actors is Committee {
    uint256 internal constant POPULATION = 12; // oracles 0 to 11; committees are runs of them

    LinkToken public immutable link;
    OffchainAggregator public immutable feed;

    uint256 public first; // the committee: oracles first .. first + n - 1, modulo POPULATION
    uint256 public n;
    uint8 public f;
    bytes16 public digest;
    uint32 public epoch;
    uint256 public pricePerObservation;

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
    /// @dev Observations of an oracle that were not settled, as OCR1's rules count them.
    mapping(uint256 oracle => uint256 count) public observed;

    constructor() {
        link = new LinkToken();
        IAccessController nobody = IAccessController(address(0));
        feed = new OffchainAggregator(
            1000, 50, 1_000_000, 400_000, 1_000_000, link, 1, type(int192).max / 2, nobody, nobody, 8, "invariants"
        );
        pricePerObservation = 400_000 gwei;
        feed.setPayees(transmittersOf(POPULATION), payeesOf(POPULATION));
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
        try feed.setConfig(signers, transmitters, uint8((n_ - 1) / 3), 1, "") {
            (first, n, f) = (first_, n_, uint8((n_ - 1) / 3));
            bytes16 before = digest;
            (,, digest) = feed.latestConfigDetails();
            if (digest == before) frozenConfig++;
            epoch = 0;
            for (uint256 i = 0; i < POPULATION; i++) {
                observed[i] = 0;
            }
        } catch {
            frozenConfig++;
        }
    }

    function setBilling(uint32 observation, uint32 transmission) external {
        uint32 price = observation % 3 == 0 ? 0 : observation % 1_000_000;
        // Who is owed something is settled; a count that has earned nothing stays.
        for (uint256 i = 0; i < n; i++) {
            if (feed.owedPayment(transmitterOf(oracle(i))) != 0) observed[oracle(i)] = 0;
        }
        try feed.setBilling(1000, 50, 1_000_000, price, transmission % 10_000_000) {
            pricePerObservation = uint256(price) * 1 gwei;
        } catch {
            frozenConfig++;
        }
    }

    function fund(uint256 amount) external {
        link.transfer(address(feed), amount % 10 ** 19);
    }

    function withdrawFunds(uint256 amount) external {
        try feed.withdrawFunds(address(this), amount % 10 ** 20) {} catch {}
    }

    // -- oracles

    function transmit(uint256 seat, uint256 from, uint256 count, uint32 skip) external {
        uint256 observations = 2 * f + 1 + count % (n - 2 * f);
        epoch += 1 + skip % 3;
        vm.txGasPrice(1 gwei * (1 + count % 100));
        bytes memory report = reportOf(epoch, observations, from);
        if (attempt(transmitterOf(oracle(seat % n)), call(report, from, f + 1 + skip % (n - f)))) {
            accepted++;
            for (uint256 i = 0; i < observations; i++) {
                observed[oracle((from % n + i) % n)]++;
            }
        } else {
            refusedHonest++;
        }
    }

    /// @dev Reports that must not count: too few signers, one of them twice, one of them a stranger, another digest, old,
    /// changed after it was signed, too few observations, one observer twice.
    function forge(uint256 seat, uint256 kind, uint256 from) external {
        kind = kind % 8;
        bytes memory report = reportOf(epoch + 1, n, from);
        if (kind == 3) report = abi.encode(keccak256("context"), bytes32(0), observationsOf(n, 1000));
        if (kind == 4) {
            (, uint32 latest,,,) = details();
            if (latest == 0) return; // nothing is old yet
            report = reportOf(latest, n, from);
        }
        if (kind == 6) report = reportOf(epoch + 1, 2 * f, from);
        if (kind == 7) report[32] = report[33];
        bytes memory data = call(report, from, kind == 0 ? f : f + 1);
        if (kind == 1) data = callTwice(report, from);
        if (kind == 2) data = call(report, from, f + 1, 1);
        if (kind == 5) data[4 + 32 * 9] ^= 0x01; // the last observation
        if (attempt(transmitterOf(oracle(seat % n)), data)) forgedAccepted++;
    }

    function withdrawPayment(uint256 who) external {
        who = who % POPULATION;
        uint256 owed = feed.owedPayment(transmitterOf(who));
        uint256 before = link.balanceOf(payeeOf(who));
        vm.prank(payeeOf(who));
        try feed.withdrawPayment(transmitterOf(who)) {
            if (link.balanceOf(payeeOf(who)) - before != owed) overpaid++;
            if (owed != 0) observed[who] = 0;
        } catch {}
    }

    // -- strangers

    function strange(uint256 which, address who, bytes32 noise) external {
        if (who == address(this) || who == address(0)) return;
        for (uint256 i = 0; i < POPULATION; i++) {
            if (who == payeeOf(i) || who == transmitterOf(i)) return;
        }
        bytes[10] memory calls = [
            abi.encodeCall(feed.setBilling, (1, 2, 3, 4, 5)),
            abi.encodeCall(feed.setConfig, (new address[](4), new address[](4), 1, 2, "")),
            abi.encodeCall(feed.setPayees, (new address[](1), new address[](1))),
            abi.encodeCall(feed.withdrawFunds, (who, 1)),
            abi.encodeCall(feed.withdrawPayment, (transmitterOf(uint256(noise) % POPULATION))),
            abi.encodeCall(feed.setLinkToken, (link, who)),
            abi.encodeCall(feed.requestNewRound, ()),
            abi.encodeCall(feed.setHistoryLimit, (2)),
            abi.encodeCall(feed.transferOwnership, (who)),
            call(reportOf(epoch + 1, n, 0), 0, f + 1)
        ];
        vm.prank(who);
        (bool ok,) = address(feed).call(calls[which % 10]);
        if (ok) strangerActed++;
    }

    // -- inside

    function reportOf(uint32 epoch_, uint256 observations, uint256 from) private view returns (bytes memory) {
        bytes32 context = bytes32((uint256(uint128(digest)) << 40) | (uint256(epoch_) << 8) | 1);
        bytes32 observers;
        for (uint256 i = 0; i < observations; i++) {
            observers |= bytes32(((from % n + i) % n) << (248 - 8 * i));
        }
        return abi.encode(context, observers, observationsOf(observations, 1000));
    }

    function call(bytes memory report, uint256 from, uint256 count) private view returns (bytes memory) {
        return call(report, from, count, 0);
    }

    function call(bytes memory report, uint256 from, uint256 count, uint256 strangers)
        private
        view
        returns (bytes memory)
    {
        bytes32[] memory rs = new bytes32[](count);
        bytes32[] memory ss = new bytes32[](count);
        bytes32 vs;
        for (uint256 i = 0; i < count; i++) {
            uint256 key = i < strangers ? 77 : signerKey(oracle((from % n + i) % n));
            uint8 v;
            (v, rs[i], ss[i]) = vm.sign(key, keccak256(report));
            vs |= bytes32(uint256(v - 27) << (248 - 8 * i));
        }
        return abi.encodeCall(feed.transmit, (report, rs, ss, vs));
    }

    function callTwice(bytes memory report, uint256 from) private view returns (bytes memory) {
        bytes32[] memory rs = new bytes32[](f + 1);
        bytes32[] memory ss = new bytes32[](f + 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signerKey(oracle(from % n)), keccak256(report));
        bytes32 vs;
        for (uint256 i = 0; i <= f; i++) {
            (rs[i], ss[i]) = (r, s);
            vs |= bytes32(uint256(v - 27) << (248 - 8 * i));
        }
        return abi.encodeCall(feed.transmit, (report, rs, ss, vs));
    }

    function details() private returns (bytes16, uint32, uint8, int192, uint64) {
        vm.prank(address(1), address(1));
        return feed.latestTransmissionDetails();
    }

    function attempt(address from, bytes memory data) private returns (bool ok) {
        (, uint32 epochBefore,,,) = details();
        vm.prank(from);
        (ok,) = address(feed).call(data);
        (, uint32 epochAfter,,,) = details();
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

/// @dev Numbers are those of docs/Invariants.md, under OffchainAggregator.
contract Ocr1InvariantsTest is Committee {
    Ocr1Actors private actors;

    function setUp() public {
        actors = new Ocr1Actors();
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(actors);
    }

    function invariant_1_rounds_grow_by_one_and_never_change() public view {
        eq("steps", actors.roundWentBack(), 0);
        OffchainAggregator feed = actors.feed();
        uint256 latest = feed.latestRound();
        eq("rounds", latest, actors.accepted());
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
        eq("honest reports refused", actors.refusedHonest(), 0);
    }

    function invariant_4_only_owners_admins_and_payees_act() public view {
        eq("strangers' calls that did something", actors.strangerActed(), 0);
    }

    function invariant_5_the_books_are_the_sum_of_what_is_owed() public view {
        OffchainAggregator feed = actors.feed();
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

    function invariant_8_only_members_are_counted_and_for_what_they_observed() public view {
        OffchainAggregator feed = actors.feed();
        for (uint256 i = 0; i < 12; i++) {
            bool member = (i + 12 - actors.first()) % 12 < actors.n();
            eq("count", feed.oracleObservationCount(transmitterOf(i)), member ? actors.observed(i) : 0);
        }
    }

    function invariant_9_the_digest_belongs_to_the_config() public view {
        (uint32 count,, bytes16 digest) = actors.feed().latestConfigDetails();
        yes("configured", count > 0);
        eq("digest", digest, actors.digest());
    }

    function invariant_10_who_observed_is_owed_at_least_that() public view {
        OffchainAggregator feed = actors.feed();
        for (uint256 i = 0; i < actors.n(); i++) {
            uint256 who = actors.oracle(i);
            uint256 earned = actors.observed(who) * actors.pricePerObservation();
            yes("owed", feed.owedPayment(transmitterOf(who)) >= earned);
        }
    }
}
