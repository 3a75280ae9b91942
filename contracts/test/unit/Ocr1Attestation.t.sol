// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ConfigData} from "../../src/feed/ConfigData.sol";
import {Hot} from "../../src/feed/Hot.sol";
import {IFeed} from "../../src/interfaces/IFeed.sol";
import {IOffchainAggregator} from "../../src/interfaces/IOffchainAggregator.sol";
import {OCR1Attestation} from "../../src/ocr1/OCR1Attestation.sol";
import {OCR1ConfigDigest} from "../../src/ocr1/OCR1ConfigDigest.sol";
import {Committee} from "../support/Committee.sol";

contract OCR1AttestationTest is Committee {
    uint256 private constant N = 7;
    bytes16 private constant DIGEST = "digest";
    Hot private s_hot;
    address private s_data;

    function setUp() public {
        bytes memory data = ConfigData.encode(ConfigData.load(address(0)), DIGEST, 2, signersOf(N), transmittersOf(N));
        s_data = ConfigData.deploy(data);
        s_hot = Hot.wrap(uint160(s_data) | (uint256(0xabcdef) << 160) | (N << 248));
    }

    function context() private pure returns (bytes32) {
        return bytes32((uint256(uint128(DIGEST)) << 40) | 257);
    }

    // The library, called with transmit's arguments so that lengths agree.

    function check(bytes calldata report, bytes32[] calldata rs, bytes32[] calldata ss, bytes32 vs)
        external
        view
        returns (uint256 k, uint256 low, uint256 high)
    {
        (uint256 config, uint256 transmission) = OCR1Attestation.load(s_hot, report);
        OCR1Attestation.requireSigned(config, transmission, report.length, rs, ss, vs);
        return OCR1Attestation.requireWellFormed(config, transmission, report.length, N);
    }

    /// @dev The same, where memory that was never written is 0x55 everywhere, which is no int192.
    function checkInDirt(bytes calldata report, bytes32[] calldata rs, bytes32[] calldata ss, bytes32 vs)
        external
        view
        returns (uint256 k, uint256 low, uint256 high)
    {
        assembly {
            let free := mload(0x40)
            for { let i := 0 } lt(i, 8192) { i := add(i, 32) } { mstore(add(free, i), div(not(0), 3)) }
        }
        (uint256 config, uint256 transmission) = OCR1Attestation.load(s_hot, report);
        OCR1Attestation.requireSigned(config, transmission, report.length, rs, ss, vs);
        return OCR1Attestation.requireWellFormed(config, transmission, report.length, N);
    }

    function loaded(bytes calldata report)
        external
        view
        returns (bytes memory config, bytes memory copied, bool zeros)
    {
        assembly {
            let free := mload(0x40)
            for { let i := 0 } lt(i, 8192) { i := add(i, 32) } { mstore(add(free, i), not(0)) }
        }
        (uint256 c, uint256 t) = OCR1Attestation.load(s_hot, report);
        uint256 free_;
        assembly {
            free_ := mload(0x40)
        }
        eq("four words behind the report are reserved", free_, t + 0x80 + report.length + 0x80);
        yes("the report is behind the configuration", t >= c + 0x180 + 20 * N + 12);
        zeros = true;
        for (uint256 i = 0; i < 4; i++) {
            zeros = zeros && OCR1Attestation.word(t, 0x80 + report.length + 32 * i) == 0;
        }
        config = bytesAt(c, 0x180 + 20 * N);
        copied = bytesAt(t + 0x80, report.length);
    }

    function bytesAt(uint256 from, uint256 length) private pure returns (bytes memory made) {
        made = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            made[i] = bytes1(uint8(OCR1Attestation.word(from, i) >> 248));
        }
    }

    function signed(bytes memory report, uint256 first, uint256 count)
        private
        pure
        returns (bytes32[] memory rs, bytes32[] memory ss, bytes32 vs)
    {
        rs = new bytes32[](count);
        ss = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            uint8 v;
            (v, rs[i], ss[i]) = vm.sign(signerKey((first + i) % N), keccak256(report));
            vs |= bytes32(uint256(v - 27) << (248 - 8 * i));
        }
    }

    function accepted(bytes memory report) private view returns (bool) {
        (bytes32[] memory rs, bytes32[] memory ss, bytes32 vs) = signed(report, 2, 3);
        try this.check(report, rs, ss, vs) returns (uint256 k, uint256 low, uint256 high) {
            (uint256 k_, uint256 low_, uint256 high_) = this.checkInDirt(report, rs, ss, vs);
            eq("in dirt too", abi.encode(k, low, high), abi.encode(k_, low_, high_));
            return true;
        } catch (bytes memory why) {
            try this.checkInDirt(report, rs, ss, vs) returns (uint256, uint256, uint256) {
                revert NotTrue("refused in dirt too");
            } catch (bytes memory again) {
                eq("in dirt too", again, why);
            }
            return false;
        }
    }

    function test_config_and_report_are_loaded_side_by_side() public view {
        for (uint256 k = 0; k < 32; k++) {
            bytes memory report = abi.encode(context(), bytes32(0), observationsOf(k, 5));
            (bytes memory config, bytes memory copied, bool zeros) = this.loaded(report);
            bytes memory data = ConfigData.load(s_data);
            assembly {
                mstore(data, mload(config))
            }
            eq("config", config, data);
            eq("report", copied, report);
            yes("zeros", zeros);
        }
    }

    /// @dev The model: what Solidity decodes, in the one layout that encoders produce, by more than 2f distinct members,
    /// ascending.
    function wellFormed(bytes memory report) private view returns (bool) {
        try this.decode(report) returns (bytes32 context_, bytes32 observers, int192[] memory observations) {
            if (keccak256(report) != keccak256(abi.encode(context_, observers, observations))) return false;
            if (observations.length > 31 || observations.length <= 4) return false;
            if (uint256(context_) << 88 >> 128 != uint128(DIGEST)) return false;
            uint256 seen;
            for (uint256 i = 0; i < observations.length; i++) {
                uint256 observer = uint8(observers[i]);
                if (observer >= N || seen & (1 << observer) != 0) return false;
                seen |= 1 << observer;
                if (i > 0 && observations[i] < observations[i - 1]) return false;
            }
            return true;
        } catch {
            return false;
        }
    }

    function decode(bytes calldata report) external pure returns (bytes32, bytes32, int192[] memory) {
        return abi.decode(report, (bytes32, bytes32, int192[]));
    }

    function testFuzz_a_report_is_judged_as_the_model_judges_it(
        uint256 seed,
        uint8 size,
        uint16 where,
        uint256 value,
        bool spoil
    ) public view {
        uint256 k = size % 9;
        int192[] memory observations = observationsOf(k, int192(int256(seed)) / 2);
        bytes32 observers;
        for (uint256 i = 0; i < k; i++) {
            observers |= bytes32(((i + seed % N) % N) << (248 - 8 * i));
        }
        bytes memory report = abi.encode(context(), observers, observations);
        eq("as encoded", k > 4 && k <= N ? 1 : 0, accepted(report) ? 1 : 0);
        if (!spoil) return;

        // One word replaced: by anything, by a sign-extended number, by a number near a border, or with one byte changed.
        uint256 word = where % (4 + k);
        uint256[4] memory values =
            [value, uint256(int256(int192(int256(value)))), uint256(1) << (value % 256), ~value >> (value % 256)];
        uint256 replaced = values[value % 4];
        assembly {
            let at := add(report, mul(32, add(word, 1)))
            if eq(mod(value, 5), 0) { replaced := xor(mload(at), shl(mul(8, mod(shr(8, value), 32)), 1)) }
            mstore(at, replaced)
        }
        yes("as the model says", accepted(report) == wellFormed(report));
    }

    function testFuzz_any_bytes_are_judged_as_the_model_judges_them(bytes calldata report) public view {
        yes("as the model says", accepted(report) == wellFormed(report));
    }

    function testFuzz_each_observer_is_in_its_lane(uint256 seed) public view {
        bytes32 observers;
        uint256 wanted;
        for (uint256 i = 0; i < 6; i++) {
            uint256 observer = (i + seed % N) % N;
            observers |= bytes32(observer << (248 - 8 * i));
            wanted |= 1 << (16 * observer);
        }
        bytes memory report = abi.encode(context(), observers, observationsOf(6, 1));
        (bytes32[] memory rs, bytes32[] memory ss, bytes32 vs) = signed(report, 0, 3);
        (uint256 k, uint256 low, uint256 high) = this.check(report, rs, ss, vs);
        eq("k", k, 6);
        eq("low", low, wanted);
        eq("high", high, 0);
    }

    function lanes(bytes calldata report) external view returns (uint256 k, uint256 low, uint256 high) {
        (uint256 config, uint256 transmission) = OCR1Attestation.load(s_hot, report);
        return OCR1Attestation.requireWellFormed(config, transmission, report.length, 31);
    }

    function test_seats_from_16_on_are_in_the_other_word() public view {
        for (uint256 without = 0; without < 31; without++) {
            bytes32 observers;
            uint256[2] memory wanted;
            uint256 place;
            for (uint256 observer = 0; observer < 31; observer++) {
                if (observer == without) continue;
                observers |= bytes32(observer << (248 - 8 * place++));
                wanted[observer / 16] |= 1 << (16 * (observer % 16));
            }
            (, uint256 low, uint256 high) = this.lanes(abi.encode(context(), observers, observationsOf(30, 1)));
            eq("low", low, wanted[0]);
            eq("high", high, wanted[1]);
        }
    }

    /// @dev With quorums at random, some by strangers or with repetitions: accepted if and only if the signers are distinct
    /// and known.
    function testFuzz_distinct_known_signers_are_accepted(uint256 seed, uint8 more) public view {
        bytes memory report = abi.encode(context(), bytes32(hex"00010203040506"), observationsOf(N, 5));
        uint256 count = 3 + more % 5;
        (bytes32[] memory rs, bytes32[] memory ss, bytes32 vs) = signed(report, 0, count);
        vs = 0;
        uint256 mask;
        for (uint256 i = 0; i < count; i++) {
            // Mostly distinct ones; the last of all is a stranger.
            uint256 oracle = (seed >> (8 * i)) % 4 == 0 ? (seed >> (8 * i + 2)) % (N + 1) : (seed % N + i) % N;
            uint8 v;
            (v, rs[i], ss[i]) = vm.sign(signerKey(oracle), keccak256(report));
            vs |= bytes32(uint256(v - 27) << (248 - 8 * i));
            mask |= 1 << oracle;
        }
        uint256 distinct;
        for (uint256 i = 0; i < N; i++) {
            distinct += (mask >> i) & 1;
        }
        try this.check(report, rs, ss, vs) {
            eq("known and distinct", distinct, count);
        } catch (bytes memory why) {
            yes("a fault", distinct < count);
            yes(
                "named", bytes4(why) == IFeed.DuplicateSigner.selector || bytes4(why) == IFeed.InvalidSignature.selector
            );
        }
    }

    function test_the_first_wrong_observation_is_named() public {
        bytes32 observers = bytes32(hex"0001020304");
        int192[] memory observations = observationsOf(5, 5);
        observations[3] = 0;
        bytes4 why = IOffchainAggregator.ObservationsNotSorted.selector;
        vm.expectRevert(abi.encodeWithSelector(why, 3));
        this.lanes(abi.encode(context(), observers, observations));
        why = IOffchainAggregator.RepeatedObserver.selector;
        vm.expectRevert(abi.encodeWithSelector(why, 2, 1));
        this.lanes(abi.encode(context(), bytes32(hex"0001010304"), observations));
        why = IOffchainAggregator.UnknownObserver.selector;
        vm.expectRevert(abi.encodeWithSelector(why, 1, 31, 31));
        this.lanes(abi.encode(context(), bytes32(hex"001f010304"), observations));
        vm.expectRevert(abi.encodeWithSelector(why, 0, 32, 31));
        this.lanes(abi.encode(context(), bytes32(hex"2021222324"), observationsOf(5, 5))); // and nothing else is wrong
        observations[1] = observations[0]; // which is sorted
        why = IOffchainAggregator.ObservationsNotSorted.selector;
        vm.expectRevert(abi.encodeWithSelector(why, 3));
        this.lanes(abi.encode(context(), observers, observations));
    }
}

contract OCR1ConfigDigestTest is Committee {
    /// @dev Computed by the reference's Go code, for four oracles.
    function test_digest_of_a_vector_of_the_reference() public pure {
        address[] memory signers = new address[](4);
        (signers[0], signers[1], signers[2], signers[3]) =
        (
            0x78bd7b3019F778c579782A555481B769E97ecECF,
            0x4871dC97A9e3c1f52A6389ae48dea8a77450cb91,
            0x14B589427B2Ac676AE93b1C3FbD9aa34Fa05eb03,
            0xaf81D9b3a4e9bFEE705e7E088B0ECC5786B61be0
        );
        address[] memory transmitters = new address[](4);
        (transmitters[0], transmitters[1], transmitters[2], transmitters[3]) =
        (
            0x773f7786b8e982cAF69b8B8cB03409f5Ba2FDb4a,
            0x5ad874f780A056A1fd229F07132a71Aee4c2FACD,
            0x52Db4B5975C6FE529AC9860e0300666f455c4E09,
            0xC8bF6a5F0Ee5bE6F9B60bb2eb5cf413006ABaA95
        );
        bytes16 digest = OCR1ConfigDigest.compute(
            0xAdf646055c3B868dee8FF44e3073380000758D79, 29469, signers, transmitters, 1, 1, ""
        );
        eq("digest", digest, bytes16(0x803182619c3fc570f437e8ec73f23634));
    }
}
