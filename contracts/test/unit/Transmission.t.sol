// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOCR2Aggregator} from "../../src/interfaces/IOCR2Aggregator.sol";
import {Transmission} from "../../src/ocr2/Transmission.sol";
import {Committee} from "../support/Committee.sol";
import {Vm} from "../support/Vm.sol";

contract TransmissionTest is Committee {
    // Functions of the library, called from outside so that a report is calldata.

    function isWellFormed(bytes calldata report) external pure returns (bool) {
        return Transmission.isWellFormed(Transmission.load(report), report.length);
    }

    function decode(bytes calldata report) external pure returns (uint32, bytes32, int192[] memory, int192) {
        return abi.decode(report, (uint32, bytes32, int192[], int192));
    }

    function fields(bytes calldata report) external pure returns (uint32, int192, uint256, int192) {
        uint256 start = Transmission.load(report);
        return (
            Transmission.observationsTimestamp(start),
            Transmission.juelsPerFeeCoin(start),
            Transmission.observationCount(start),
            Transmission.median(start)
        );
    }

    function hash(bytes calldata report, bytes32[3] calldata context) external pure returns (bytes32) {
        return Transmission.signedHash(Transmission.load(report), report.length, context);
    }

    function emitted(bytes calldata report, uint32 roundId, int192 answer, bytes32 digest, uint40 epochAndRound) external {
        uint256 start = Transmission.load(report);
        bytes memory behind = "memory behind a transmission";
        Transmission.emitted(start, IOCR2Aggregator.NewTransmission.selector, roundId, answer, digest, epochAndRound);
        eq("memory behind", behind, "memory behind a transmission");
    }

    /// @dev What Solidity's own decoder accepts, in the one layout that encoders produce.
    function isWellFormedByDecoder(bytes memory report) private view returns (bool) {
        try this.decode(report) returns (uint32 time, bytes32 observers, int192[] memory observations, int192 rate) {
            return observations.length < 32
                && keccak256(report) == keccak256(abi.encode(time, observers, observations, rate));
        } catch {
            return false;
        }
    }

    function testFuzz_a_report_is_well_formed_if_solidity_would_encode_it_so(uint256 seed, uint8 size, uint16 where, uint256 value)
        public
        view
    {
        uint256 k = size % 34;
        int192[] memory observations = new int192[](k);
        for (uint256 i = 0; i < k; i++) observations[i] = int192(int256(uint256(keccak256(abi.encode(seed, i)))));
        bytes memory report = abi.encode(uint32(seed), bytes32(seed), observations, int192(int256(seed >> 64)));
        yes("as encoded", this.isWellFormed(report) == (k < 32));

        // One word replaced: by anything, by a sign-extended number, or by a number near a border.
        uint256 word = where % (5 + k);
        uint256[4] memory values = [value, uint256(int256(int192(int256(value)))), uint256(1) << (value % 256), ~value >> (value % 256)];
        uint256 replaced = values[value % 4];
        assembly {
            mstore(add(report, mul(32, add(word, 1))), replaced)
        }
        yes("as the decoder says", this.isWellFormed(report) == isWellFormedByDecoder(report));
    }

    function testFuzz_any_bytes_are_judged_as_the_decoder_judges_them(bytes calldata report) public view {
        yes("as the decoder says", this.isWellFormed(report) == isWellFormedByDecoder(report));
    }

    function test_dirty_memory_behind_an_odd_report_is_not_read() public view {
        // Leaves bits where the next transmission goes.
        assembly {
            let free := mload(0x40)
            for { let i := 0 } lt(i, 4096) { i := add(i, 32) } { mstore(add(free, i), not(0)) }
        }
        for (uint256 k = 0; k < 32; k++) {
            yes("well formed", this.isWellFormed(reportOf(1, observationsOf(k, 5), 1)));
        }
    }

    function testFuzz_fields(uint32 time, int192 rate, uint8 size, int192 base) public view {
        uint256 k = 1 + size % 31;
        vm.assume(base < type(int192).max - 10_000_000);
        int192[] memory observations = observationsOf(k, base);
        (uint32 gotTime, int192 gotRate, uint256 gotCount, int192 gotMedian) = this.fields(reportOf(time, observations, rate));
        eq("time", gotTime, time);
        eqInt("rate", gotRate, rate);
        eq("count", gotCount, k);
        eqInt("median", gotMedian, observations[k / 2]);
    }

    function testFuzz_signed_hash(bytes calldata report, bytes32[3] calldata context) public view {
        eq("hash", this.hash(report, context), keccak256(abi.encodePacked(keccak256(report), context)));
    }

    function testFuzz_event(uint32 time, int192 rate, uint8 size, uint32 roundId, int192 answer, uint40 er) public {
        int192[] memory observations = observationsOf(1 + size % 31, -3_000_000);
        bytes memory report = reportOf(time, observations, rate);
        bytes memory observers = observersOf(report, observations.length);
        vm.recordLogs();
        this.emitted(report, roundId, answer, "digest", er);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("one", logs.length, 1);
        eq("round", uint256(logs[0].topics[1]), roundId);
        bytes memory wanted =
            abi.encode(answer, address(this), time, observations, observers, rate, bytes32("digest"), er);
        eq("data", logs[0].data, wanted);
    }

    function observersOf(bytes memory report, uint256 k) private view returns (bytes memory shortened) {
        (, bytes32 observers,,) = this.decode(report);
        shortened = new bytes(k);
        for (uint256 i = 0; i < k; i++) shortened[i] = observers[i];
    }
}
