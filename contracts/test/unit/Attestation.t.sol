// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFeed} from "../../src/interfaces/IFeed.sol";
import {Attestation} from "../../src/ocr2/Attestation.sol";
import {ConfigData} from "../../src/feed/ConfigData.sol";
import {Hot} from "../../src/feed/Hot.sol";
import {Committee} from "../support/Committee.sol";

contract AttestationTest is Committee {
    uint256 private constant N = 7;
    Hot private s_hot;
    address private s_data;

    function setUp() public {
        bytes memory data = ConfigData.encode(ConfigData.load(address(0)), "digest", 2, signersOf(N), transmittersOf(N));
        s_data = ConfigData.deploy(data);
        s_hot = Hot.wrap(uint160(s_data) | (uint256(0xabcdef) << 160) | (N << 248));
    }

    // The library, called with the selector of transmit's arguments so that lengths agree.

    function check(
        bytes32[3] calldata context,
        bytes calldata report,
        bytes32[] calldata rs,
        bytes32[] calldata ss,
        bytes32 vs
    ) external view returns (bytes memory config, bytes memory loaded, uint256 gap) {
        (uint256 c, uint256 t) = Attestation.requireValid(s_hot, context, report, rs, ss, vs);
        config = copy(c, 0x180 + 20 * N);
        loaded = copy(t + 0x80, report.length);
        uint256 free;
        bytes memory first = config;
        assembly {
            free := first
        }
        // What is allocated next begins behind the two words for observers.
        gap = free - (t + 0x80 + report.length);
        yes("the report is behind the configuration", t >= c + 0x180 + 20 * N + 12);
    }

    /// @dev Where memory that was never written is 0x55 everywhere, which is no int192.
    function dirtyCheck(
        bytes32[3] calldata context,
        bytes calldata report,
        bytes32[] calldata rs,
        bytes32[] calldata ss,
        bytes32 vs
    ) external view {
        assembly {
            let free := mload(0x40)
            for { let i := 0 } lt(i, 8192) { i := add(i, 32) } { mstore(add(free, i), div(not(0), 3)) }
        }
        Attestation.requireValid(s_hot, context, report, rs, ss, vs);
    }

    function copy(uint256 from, uint256 length) private pure returns (bytes memory made) {
        made = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            uint256 value;
            assembly {
                value := byte(0, mload(add(from, i)))
            }
            made[i] = bytes1(uint8(value));
        }
    }

    function decode(bytes calldata report) external pure returns (uint32, bytes32, int192[] memory, int192) {
        return abi.decode(report, (uint32, bytes32, int192[], int192));
    }

    /// @dev What Solidity's own decoder accepts, in the one layout that encoders produce.
    function isWellFormedByDecoder(bytes memory report) private view returns (bool) {
        try this.decode(report) returns (uint32 time, bytes32 observers, int192[] memory observations, int192 rate) {
            return
                observations.length < 32
                    && keccak256(report) == keccak256(abi.encode(time, observers, observations, rate));
        } catch {
            return false;
        }
    }

    function isAccepted(bytes memory report) private view returns (bool) {
        Call memory call = signedBy(contextOf("digest", 1, 1), report, 3, 3, N);
        try this.check(call.context, call.report, call.rs, call.ss, call.rawVs) {
            return true;
        } catch (bytes memory why) {
            bytes4 wanted =
                report.length % 32 == 0 ? IFeed.MalformedReport.selector : IFeed.CalldataLengthMismatch.selector;
            eq("why", bytes4(why), wanted);
            return false;
        }
    }

    function test_config_and_report_are_loaded_side_by_side() public view {
        for (uint256 k = 0; k < 32; k++) {
            Call memory call = signedBy(contextOf("digest", 1, 1), reportOf(1, observationsOf(k, 5), 1), k % N, 3, N);
            (bytes memory config, bytes memory loaded, uint256 gap) =
                this.check(call.context, call.report, call.rs, call.ss, call.rawVs);
            bytes memory data = ConfigData.load(s_data);
            assembly {
                mstore(data, mload(config))
            }
            eq("config", config, data);
            eq("report", loaded, call.report);
            yes("two words for observers", gap >= 0x40);
        }
    }

    function test_dirty_memory_is_not_read() public view {
        for (uint256 k = 0; k < 32; k++) {
            Call memory call = signedBy(contextOf("digest", 1, 1), reportOf(1, observationsOf(k, 5), 1), k % N, 3, N);
            this.dirtyCheck(call.context, call.report, call.rs, call.ss, call.rawVs);
        }
    }

    function testFuzz_a_report_is_well_formed_if_solidity_would_encode_it_so(
        uint256 seed,
        uint8 size,
        uint16 where,
        uint256 value
    ) public view {
        uint256 k = size % 34;
        int192[] memory observations = new int192[](k);
        for (uint256 i = 0; i < k; i++) {
            observations[i] = int192(int256(uint256(keccak256(abi.encode(seed, i)))));
        }
        bytes memory report = abi.encode(uint32(seed), bytes32(seed), observations, int192(int256(seed >> 64)));
        yes("as encoded", isAccepted(report) == (k < 32));

        // One word replaced: by anything, by a sign-extended number, or by a number near a border.
        uint256 word = where % (5 + k);
        uint256[4] memory values =
            [value, uint256(int256(int192(int256(value)))), uint256(1) << (value % 256), ~value >> (value % 256)];
        uint256 replaced = values[value % 4];
        assembly {
            mstore(add(report, mul(32, add(word, 1))), replaced)
        }
        yes("as the decoder says", isAccepted(report) == isWellFormedByDecoder(report));
    }

    function testFuzz_any_bytes_are_judged_as_the_decoder_judges_them(bytes calldata report) public view {
        yes("as the decoder says", isAccepted(report) == isWellFormedByDecoder(report));
    }

    /// @dev With quorums at random, some by strangers or with repetitions: accepted if and only if the signers are distinct
    /// and known.
    function testFuzz_distinct_known_signers_are_accepted(uint256 seed) public view {
        bytes memory report = reportOf(1, observationsOf(4, 5), 1);
        bytes32[3] memory context = contextOf("digest", 1, 1);
        Call memory call = signedBy(context, report, 0, 3, N);
        bytes32 hash = signedHash(report, context);
        call.rawVs = 0;
        uint256 mask;
        for (uint256 i = 0; i < 3; i++) {
            uint256 oracle = (seed >> (8 * i)) % (N + 1); // the last is a stranger
            uint8 v;
            (v, call.rs[i], call.ss[i]) = vm.sign(signerKey(oracle), hash);
            call.rawVs |= bytes32(uint256(v - 27) << (248 - 8 * i));
            mask |= 1 << oracle;
        }
        uint256 distinct;
        for (uint256 i = 0; i < N; i++) {
            distinct += (mask >> i) & 1;
        }
        try this.check(call.context, call.report, call.rs, call.ss, call.rawVs) {
            eq("known and distinct", distinct, 3);
        } catch (bytes memory why) {
            yes("a fault", distinct < 3);
            yes(
                "named", bytes4(why) == IFeed.DuplicateSigner.selector || bytes4(why) == IFeed.InvalidSignature.selector
            );
        }
    }
}
