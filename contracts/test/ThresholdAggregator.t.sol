// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ThresholdAggregator} from "../src/ThresholdAggregator.sol";
import {ThresholdBatch} from "../src/ThresholdBatch.sol";
import {IThresholdAggregator} from "../src/interfaces/IThresholdAggregator.sol";
import {Schnorr} from "../src/threshold/Schnorr.sol";
import {ThresholdSuite} from "./suites/ThresholdSuite.sol";
import {Group} from "./support/Group.sol";
import {Attributed, Bare, Everything, Ring} from "./support/Modes.sol";

contract ThresholdBareTest is ThresholdSuite, Bare {}

contract ThresholdEverythingTest is ThresholdSuite, Everything {}

contract ThresholdAttributedTest is ThresholdSuite, Attributed {}

contract ThresholdRingTest is ThresholdSuite, Ring {}

/// @dev What committees of 4, 31 and 256 oracles signed in Rust, and what is next to it and no signature.
contract ThresholdVectorsTest is Group {
    string private file;

    function setUp() public {
        file = vm.readFile("test/vectors/threshold.json");
    }

    struct Row {
        bytes32 x;
        uint256 parity;
        bytes32 message;
        Schnorr.Signature signature;
        bytes words;
        bytes32 kind;
    }

    function count(string memory list) private view returns (uint256) {
        return vm.parseJsonBytes32Array(file, string.concat(".", list, ".x")).length;
    }

    function path(string memory list, string memory column, uint256 row) private pure returns (string memory) {
        return string.concat(".", list, ".", column, "[", vm.toString(row), "]");
    }

    function rowOf(string memory list, uint256 i) private view returns (Row memory) {
        return Row({
            x: vm.parseJsonBytes32(file, path(list, "x", i)),
            parity: vm.parseJsonUint(file, path(list, "parity", i)),
            message: vm.parseJsonBytes32(file, path(list, "message", i)),
            signature: Schnorr.Signature(
                vm.parseJsonAddress(file, path(list, "r", i)), uint256(vm.parseJsonBytes32(file, path(list, "s", i)))
            ),
            words: vm.parseJsonBytes(file, path(list, "words", i)),
            kind: keccak256(bytes(vm.parseJsonString(file, path(list, "kind", i))))
        });
    }

    function check(Row memory row) private view returns (bool) {
        return this.isValid(uint256(row.x), row.parity, row.message, row.signature);
    }

    function isValid(uint256 x, uint256 parity, bytes32 message, Schnorr.Signature calldata signature)
        external
        view
        returns (bool)
    {
        return Schnorr.isValid(x, parity, message, signature);
    }

    function test_what_committees_signed_is_valid() public view {
        uint256 rows = count("signatures");
        yes("rows", rows >= 20);
        for (uint256 i = 0; i < rows; i++) {
            Row memory row = rowOf("signatures", i);
            yes("a key", Schnorr.isKey(uint256(row.x), row.parity));
            yes("valid", check(row));
            if (row.kind != keccak256("bare")) eq("message", keccak256(row.words), row.message);
        }
    }

    function test_what_is_next_to_it_is_refused() public view {
        uint256 rows = count("refused");
        yes("rows", rows >= 10);
        for (uint256 i = 0; i < rows; i++) {
            if (check(rowOf("refused", i))) {
                revert NotTrue(vm.parseJsonString(file, path("refused", "why", i)));
            }
        }
    }

    function wordOf(Row memory row, uint256 index) private pure returns (uint256 value) {
        bytes memory words = row.words;
        assembly {
            value := mload(add(add(words, 0x20), mul(index, 0x20)))
        }
    }

    /// @dev The same committees on real contracts, at the address and on the chain for which they signed: a proof sets the key,
    /// reports and a batch are accepted, and the next key comes by consent of the present one.
    function test_contracts_obey_committees() public {
        vm.chainId(vm.parseJsonUint(file, ".chainId"));
        uint256 lives;
        uint256 played;
        uint256 rows = count("signatures");
        for (uint256 i = 0; i < rows; i++) {
            Row memory row = rowOf("signatures", i);
            if (row.kind != keccak256("proof") || wordOf(row, 3) != 1) continue;
            lives++;
            for (uint256 j = i + 1; j < rows; j++) {
                Row memory next = rowOf("signatures", j);
                if (next.kind == keccak256("proof")) break;
                uint256 before = vm.snapshotState(); // All of them live at one address.
                if (next.kind == keccak256("report")) report(row, next);
                if (next.kind == keccak256("batch")) batch(row, next);
                if (next.kind == keccak256("rotation")) rotation(row, next, rowOf("signatures", j + 1));
                vm.revertToState(before);
                played++;
            }
        }
        eq("committees", lives, 3);
        eq("signatures", played, 18);
    }

    /// @dev A contract of the given code, at the address of the vectors, with no key.
    function place(address code) private returns (address where) {
        where = vm.parseJsonAddress(file, ".contract");
        vm.etch(where, code.code);
        vm.store(where, bytes32(0), bytes32(uint256(uint160(address(this))))); // owner
    }

    function single(Row memory proof, bool attribution) private returns (ThresholdAggregator feed) {
        ThresholdAggregator code = new ThresholdAggregator(
            type(int96).min, type(int96).max, 8, "ETH / USD", type(uint32).max, attribution, false
        );
        feed = ThresholdAggregator(place(address(code)));
        feed.setGroupKey(uint256(proof.x), uint8(proof.parity), proof.signature);
    }

    function report(Row memory proof, Row memory row) private {
        (uint256 word, uint256 contributors) = (wordOf(row, 5), wordOf(row, 6));
        ThresholdAggregator feed = single(proof, contributors != 0);
        feed.updateAnswer(IThresholdAggregator.SignedReport(word, contributors, row.signature));
        eqInt("answer", feed.latestAnswer(), int256(word) >> 160);
        eq("contributors", feed.contributorsOf(1), contributors);
    }

    function batch(Row memory proof, Row memory row) private {
        string[] memory descriptions = new string[](64);
        uint8[] memory decimals = new uint8[](64);
        for (uint256 i = 0; i < 64; i++) {
            (descriptions[i], decimals[i]) = (string.concat("FEED ", vm.toString(i), " / USD"), 8);
        }
        ThresholdBatch feeds = ThresholdBatch(place(address(new ThresholdBatch(descriptions, decimals, true))));
        feeds.setGroupKey(uint256(proof.x), uint8(proof.parity), proof.signature);
        (uint256 head, uint256 contributors) = (wordOf(row, 5), wordOf(row, 6));

        // Feed i has the answer (i - 9) * 1,000,000,007, but every fifth has none, and a whole group of four.
        uint256[] memory words = new uint256[](15);
        uint256 next;
        for (uint256 group = 0; group < 16; group++) {
            if (group == 5) continue;
            for (uint256 j = 0; j < 4; j++) {
                uint256 i = 4 * group + j;
                if (i % 5 != 4) words[next] |= uint256(uint64(answerOf(i))) << (64 * j);
            }
            next++;
        }
        feeds.updateAnswers(head, contributors, words, row.signature);
        for (uint256 i = 0; i < 64; i++) {
            (uint32 round, int64 answer,,) = feeds.readFeed(i);
            bool listed = i % 5 != 4 && i / 4 != 5;
            eq("round", round, listed ? 1 : 0);
            eqInt("answer", answer, listed ? answerOf(i) : int64(0));
        }
    }

    function answerOf(uint256 feed) private pure returns (int64) {
        return (int64(uint64(feed)) - 9) * 1_000_000_007;
    }

    function rotation(Row memory proof, Row memory consent, Row memory next) private {
        ThresholdAggregator feed = single(proof, false);
        vm.prank(address(0xbad));
        feed.rotateGroupKey(uint256(next.x), uint8(next.parity), next.signature, consent.signature);
        (uint256 x, uint8 parity, uint32 generation) = feed.groupKey();
        eq("key", abi.encode(x, parity, generation), abi.encode(next.x, next.parity, 2));
    }
}
