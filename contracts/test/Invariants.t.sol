// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR2Aggregator} from "../src/OCR2Aggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {IFeed} from "../src/interfaces/IFeed.sol";
import {IOCR2Aggregator, IOCR2Billing} from "../src/interfaces/IOCR2Aggregator.sol";
import {Actors, InvariantSuite} from "./suites/InvariantSuite.sol";

/// @title Everybody who acts on an OCR2 feed
contract Ocr2Actors is Actors {
    function ocr2() public view returns (IOCR2Aggregator) {
        return IOCR2Aggregator(address(feed));
    }

    function _deployFeed() internal override returns (IFeed) {
        IAccessController nobody = IAccessController(address(0));
        OCR2Aggregator made = new OCR2Aggregator(link, 1, type(int192).max / 2, nobody, nobody, 8, "invariants");
        made.setBilling(1000, 50, 400_000, 1_000_000, 15_000);
        return made;
    }

    function _encodeConfig(address[] memory signers, address[] memory transmitters, uint8 f_)
        internal
        view
        override
        returns (bytes memory)
    {
        bytes memory bounds = abi.encodePacked(uint8(1), int192(1), type(int192).max / 2);
        return abi.encodeCall(ocr2().setConfig, (signers, transmitters, f_, bounds, 2, ""));
    }

    function _encodeTerms() internal pure override returns (bytes memory) {
        return abi.encodeCall(IOCR2Billing.setBilling, (1, 2, 3, 4, 5));
    }

    function configDetails() public view override returns (uint32 count, bytes32 digest_) {
        (count,, digest_) = ocr2().latestConfigDetails();
    }

    function _latestEpoch() internal view override returns (uint32 latest) {
        (,, latest) = ocr2().latestConfigDigestAndEpoch();
    }

    function _honest() internal view override returns (bytes memory) {
        return encode(signed(epoch + 1, n, 0, f + 1));
    }

    // -- the owner

    function setBilling(uint32 observation, uint32 transmission) external {
        try ocr2().setBilling(1000, 50, observation % 1_000_000, transmission % 10_000_000, 15_000) {}
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

    // -- oracles

    function transmit(uint256 seat, uint256 from, uint256 count, uint32 skip) external {
        uint256 observations = f + 1 + count % (n - f);
        epoch += 1 + skip % 3;
        Call memory call = signed(epoch, observations, from, f + 1);
        vm.txGasPrice(1 gwei * (1 + count % 100));
        if (attempt(transmitterOf(oracle(seat % n)), encode(call))) accepted++;
        else refusedHonest++;
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
            uint32 latest = _latestEpoch();
            if (latest == 0) return; // nothing is old yet
            call = signed(latest, n, from, f + 1);
        }
        if (kind == 5) call.report[200] ^= 0x01;
        if (attempt(transmitterOf(oracle(seat % n)), encode(call))) forgedAccepted++;
    }

    function twice(bytes32 vs) private pure returns (bytes32) {
        bytes32 v = vs >> 248 << 248;
        return v | (v >> 8);
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

    function encode(Call memory call) private view returns (bytes memory) {
        return abi.encodeCall(ocr2().transmit, (call.context, call.report, call.rs, call.ss, call.rawVs));
    }
}

contract InvariantsTest is InvariantSuite {
    Ocr2Actors private actors;

    function setUp() public {
        actors = new Ocr2Actors();
    }

    function _actors() internal view override returns (Actors) {
        return actors;
    }

    function invariant_8_who_is_not_in_the_committee_earns_nothing() public view {
        IOCR2Aggregator feed = actors.ocr2();
        address[] memory members = feed.getTransmitters();
        for (uint256 i = 0; i < 12; i++) {
            bool member;
            for (uint256 j = 0; j < members.length; j++) {
                if (members[j] == transmitterOf(i)) member = true;
            }
            if (!member) eq("rounds", feed.oracleObservationCount(transmitterOf(i)), 0);
        }
    }

    function invariant_9_the_digest_says_what_made_it() public view {
        eq("prefix", uint256(actors.digest()) >> 240, 1);
    }
}
