// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OffchainAggregator} from "../src/OffchainAggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {IFeed} from "../src/interfaces/IFeed.sol";
import {IOCR1Billing, IOffchainAggregator} from "../src/interfaces/IOffchainAggregator.sol";
import {Actors, InvariantSuite} from "./suites/InvariantSuite.sol";

/// @title Everybody who acts on an OCR1 feed
/// @dev The ghosts below keep the books a second time: every observation and every price.
contract Ocr1Actors is Actors {
    uint256 public pricePerObservation;
    /// @dev Observations of an oracle that were not settled, as OCR1's rules count them.
    mapping(uint256 oracle => uint256 count) public observed;

    function ocr1() public view returns (IOffchainAggregator) {
        return IOffchainAggregator(address(feed));
    }

    function _deployFeed() internal override returns (IFeed made) {
        IAccessController nobody = IAccessController(address(0));
        made = new OffchainAggregator(
            1000, 50, 1_000_000, 400_000, 1_000_000, link, 1, type(int192).max / 2, nobody, nobody, 8, "invariants"
        );
        pricePerObservation = 400_000 gwei;
        made.setPayees(transmittersOf(POPULATION), payeesOf(POPULATION));
    }

    function _encodeConfig(address[] memory signers, address[] memory transmitters, uint8 f_)
        internal
        view
        override
        returns (bytes memory)
    {
        return abi.encodeCall(ocr1().setConfig, (signers, transmitters, f_, 1, ""));
    }

    function _encodeTerms() internal pure override returns (bytes memory) {
        return abi.encodeCall(IOCR1Billing.setBilling, (1, 2, 3, 4, 5));
    }

    function configDetails() public view override returns (uint32, bytes32) {
        (uint32 count,, bytes16 digest_) = ocr1().latestConfigDetails();
        return (count, digest_);
    }

    function _latestEpoch() internal override returns (uint32 latest) {
        vm.prank(address(1), address(1));
        (, latest,,,) = ocr1().latestTransmissionDetails();
    }

    function _honest() internal view override returns (bytes memory) {
        return call(reportOf(epoch + 1, n, 0), 0, f + 1);
    }

    function _onConfig() internal override {
        for (uint256 i = 0; i < POPULATION; i++) {
            observed[i] = 0;
        }
    }

    function _onPaid(uint256 who) internal override {
        observed[who] = 0;
    }

    // -- the owner

    function setBilling(uint32 observation, uint32 transmission) external {
        uint32 price = observation % 3 == 0 ? 0 : observation % 1_000_000;
        // Who is owed something is settled; a count that has earned nothing stays.
        for (uint256 i = 0; i < n; i++) {
            if (feed.owedPayment(transmitterOf(oracle(i))) != 0) observed[oracle(i)] = 0;
        }
        try ocr1().setBilling(1000, 50, 1_000_000, price, transmission % 10_000_000) {
            pricePerObservation = uint256(price) * 1 gwei;
        } catch {
            frozenConfig++;
        }
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
            uint32 latest = _latestEpoch();
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

    // -- inside

    function reportOf(uint32 epoch_, uint256 observations, uint256 from) private view returns (bytes memory) {
        bytes32 context = bytes32((uint256(digest) >> 128 << 40) | (uint256(epoch_) << 8) | 1);
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
        return abi.encodeCall(ocr1().transmit, (report, rs, ss, vs));
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
        return abi.encodeCall(ocr1().transmit, (report, rs, ss, vs));
    }
}

contract Ocr1InvariantsTest is InvariantSuite {
    Ocr1Actors private actors;

    function setUp() public {
        actors = new Ocr1Actors();
    }

    function _actors() internal view override returns (Actors) {
        return actors;
    }

    function invariant_8_only_members_are_counted_and_for_what_they_observed() public view {
        IOffchainAggregator feed = actors.ocr1();
        for (uint256 i = 0; i < 12; i++) {
            bool member = (i + 12 - actors.first()) % 12 < actors.n();
            eq("count", feed.oracleObservationCount(transmitterOf(i)), member ? actors.observed(i) : 0);
        }
    }

    function invariant_10_who_observed_is_owed_at_least_that() public view {
        IFeed feed = actors.feed();
        for (uint256 i = 0; i < actors.n(); i++) {
            uint256 who = actors.oracle(i);
            uint256 earned = actors.observed(who) * actors.pricePerObservation();
            yes("owed", feed.owedPayment(transmitterOf(who)) >= earned);
        }
    }
}
