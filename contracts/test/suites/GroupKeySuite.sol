// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGroupKey} from "../../src/interfaces/IGroupKey.sol";
import {IOwned} from "../../src/interfaces/IOwned.sol";
import {Schnorr} from "../../src/threshold/Schnorr.sol";
import {Group} from "../support/Group.sol";
import {Vm} from "../support/Vm.sol";

/// @title A contract that obeys a group key: which updates it takes, and how the key changes
abstract contract GroupKeySuite is Group {
    /// @dev Where `latest` is; see the storage layout in the artifact.
    bytes32 internal constant LATEST = bytes32(uint256(2));

    IGroupKey internal target;
    address internal stranger = address(0xbad);

    /// @return A contract of the same kind and parameters at another address.
    function _deploy() internal virtual returns (IGroupKey);

    /// @return A report that is acceptable, but for epoch and round.
    function _sample(uint32 epoch, uint8 round) internal view virtual returns (uint256);

    /// @return The message that `to` would check now for this report.
    function _message(IGroupKey to, uint256 report) internal view virtual returns (bytes32);

    /// @return The call that brings the report with this signature.
    function _call(uint256 report, Schnorr.Signature memory signature) internal view virtual returns (bytes memory);

    function setUp() public virtual {
        vm.warp(1_700_000_000);
        target = _deploy();
        install(target, key(1));
    }

    function update(Key memory by, uint32 epoch, uint8 round) internal view returns (bytes memory) {
        uint256 report = _sample(epoch, round);
        return _call(report, sign(by, _message(target, report)));
    }

    function accepted(bytes memory call) internal {
        vm.prank(stranger); // Anyone may bring what is signed.
        (bool ok, bytes memory ret) = address(target).call(call);
        if (!ok) revert NotEqualBytes("refused", ret, "");
    }

    function refused(bytes memory call, bytes memory why) internal {
        refusedFrom(address(this), call, why);
    }

    function refusedFrom(address from, bytes memory call, bytes memory why) internal {
        bytes32 before = vm.load(address(target), LATEST);
        vm.prank(from);
        (bool ok, bytes memory ret) = address(target).call(call);
        yes("refused", !ok);
        eq("why", ret, why);
        eq("nothing has changed", vm.load(address(target), LATEST), before);
    }

    function notSigned(bytes memory call, uint256 report) internal {
        refused(call, abi.encodeWithSelector(IGroupKey.InvalidSignature.selector, _message(target, report)));
    }

    function state(uint32 generation, uint32 epoch, uint8 round, uint32 roundId) internal view {
        (uint32 g, uint32 e, uint8 r, uint32 id) = target.latestUpdate();
        eq("latestUpdate", abi.encode(g, e, r, id), abi.encode(generation, epoch, round, roundId));
    }

    // -- updates

    function test_updates_are_in_order_of_epoch_and_round() public {
        state(1, 0, 0, 0);
        refused(update(key(1), 0, 0), abi.encodeWithSelector(IGroupKey.StaleReport.selector, 0, 0));
        accepted(update(key(1), 0, 1));
        state(1, 0, 1, 1);
        bytes memory replay = update(key(1), 3, 200);
        accepted(replay);
        state(1, 3, 200, 2);
        uint40 latest = (3 << 8) | 200;
        refused(replay, abi.encodeWithSelector(IGroupKey.StaleReport.selector, latest, latest));
        refused(update(key(1), 3, 199), abi.encodeWithSelector(IGroupKey.StaleReport.selector, latest - 1, latest));
        refused(update(key(1), 2, 255), abi.encodeWithSelector(IGroupKey.StaleReport.selector, (2 << 8) | 255, latest));
        accepted(update(key(1), 4, 0));
        accepted(update(key(1), type(uint32).max, 255));
        state(1, type(uint32).max, 255, 4);
        latest = type(uint40).max;
        refused(
            update(key(1), type(uint32).max, 255),
            abi.encodeWithSelector(IGroupKey.StaleReport.selector, latest, latest)
        );
    }

    function testFuzz_newer_is_accepted_and_nothing_else(uint40 first, uint40 second) public {
        vm.assume(first != 0);
        accepted(update(key(1), uint32(first >> 8), uint8(first)));
        bytes memory call = update(key(1), uint32(second >> 8), uint8(second));
        if (second > first) accepted(call);
        else refused(call, abi.encodeWithSelector(IGroupKey.StaleReport.selector, second, first));
    }

    function test_the_bits_of_the_contract_are_zero_in_a_report() public {
        for (uint256 bit = 0; bit < 128; bit++) {
            if (bit >= 56 && bit < 96) continue; // epoch and round
            uint256 report = _sample(1, 1) | (1 << bit);
            bytes memory call = _call(report, sign(key(1), _message(target, report)));
            refused(call, abi.encodeWithSelector(IGroupKey.MalformedReport.selector, report));
        }
    }

    function test_what_another_key_signed_is_refused() public {
        notSigned(update(key(2), 1, 1), _sample(1, 1));
    }

    function testFuzz_what_was_signed_is_all_that_counts(uint256 bit) public {
        uint256 report = _sample(0x80808080, 0x80);
        Schnorr.Signature memory signature = sign(key(1), _message(target, report));
        // Another time, epoch or round; what is above differs between contracts.
        bit = 56 + bit % 104;
        vm.assume(bit < 96 || bit >= 128);
        uint256 other = report ^ (1 << bit);
        vm.assume(uint40(other >> 56) > 0);
        notSigned(_call(other, signature), other);
        accepted(_call(report, signature));
    }

    function test_a_report_for_another_contract_is_refused() public {
        IGroupKey other = _deploy();
        install(other, key(1));
        uint256 report = _sample(1, 1);
        notSigned(_call(report, sign(key(1), _message(other, report))), report);
    }

    function test_a_report_for_another_chain_is_refused() public {
        bytes memory call = update(key(1), 1, 1);
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        notSigned(call, _sample(1, 1));
        vm.chainId(here);
        accepted(call);
    }

    function test_a_report_for_another_generation_of_the_same_key_is_refused() public {
        bytes memory call = update(key(1), 9, 9);
        install(target, key(1));
        notSigned(call, _sample(9, 9));
        state(2, 0, 0, 0);
        accepted(update(key(1), 1, 0));
    }

    function test_before_the_first_key_nothing_is_accepted() public {
        target = _deploy();
        (uint256 x, uint8 parity, uint32 generation) = target.groupKey();
        eq("no key", abi.encode(x, parity, generation), new bytes(96));
        uint256 report = _sample(1, 1);
        notSigned(update(key(1), 1, 1), report);
        notSigned(_call(report, Schnorr.Signature(address(0), 1)), report);
        Key memory next = key(2);
        refused(
            rotation(next, proofOf(target, next), Schnorr.Signature(address(0), 1)),
            abi.encodeWithSelector(IGroupKey.NoConsentOfGroup.selector, 0, target.rotationMessage(next.x, next.parity))
        );
    }

    function test_calldata_that_is_cut_is_refused() public {
        bytes memory call = update(key(1), 1, 1);
        for (uint256 cut = 1; cut <= 32; cut++) {
            bytes memory short = new bytes(call.length - cut);
            for (uint256 i = 0; i < short.length; i++) {
                short[i] = call[i];
            }
            refused(short, "");
        }
    }

    function test_after_the_last_round_comes_none() public {
        uint256 latest = uint256(vm.load(address(target), LATEST)) | (uint256(type(uint32).max) << 24);
        vm.store(address(target), LATEST, bytes32(latest));
        refused(update(key(1), 1, 1), abi.encodeWithSelector(IGroupKey.RoundsExhausted.selector));
    }

    // -- the key

    function set(Key memory next, Schnorr.Signature memory proof) internal view returns (bytes memory) {
        return abi.encodeCall(target.setGroupKey, (next.x, next.parity, proof));
    }

    function rotation(Key memory next, Schnorr.Signature memory proof, Schnorr.Signature memory consent)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodeCall(target.rotateGroupKey, (next.x, next.parity, proof, consent));
    }

    function consentOf(Key memory by, Key memory next) internal view returns (Schnorr.Signature memory) {
        return sign(by, target.rotationMessage(next.x, next.parity));
    }

    function hasKey(Key memory wanted, uint32 generation) internal view {
        (uint256 x, uint8 parity, uint32 g) = target.groupKey();
        eq("groupKey", abi.encode(x, parity, g), abi.encode(wanted.x, wanted.parity, generation));
    }

    function announced(Key memory wanted, uint32 generation, bool byGroup) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("one event", logs.length, 1);
        eq("its name", logs[0].topics[0], IGroupKey.GroupKeySet.selector);
        eq("generation", uint256(logs[0].topics[1]), generation);
        eq("key", logs[0].data, abi.encode(wanted.x, wanted.parity, byGroup));
    }

    function test_the_owner_sets_a_key_and_the_group_before_is_out() public {
        accepted(update(key(1), 5, 5));
        uint256 upper = uint256(vm.load(address(target), LATEST)) >> 96;
        vm.recordLogs();
        install(target, key(2));
        announced(key(2), 2, false);
        hasKey(key(2), 2);
        state(2, 0, 0, 1); // Epochs begin anew, rounds go on.
        eq("what is read stays", uint256(vm.load(address(target), LATEST)) >> 96, upper);
        notSigned(update(key(1), 6, 1), _sample(6, 1));
        accepted(update(key(2), 1, 1));
        state(2, 1, 1, 2);
    }

    function test_only_the_owner_sets_a_key_without_the_group() public {
        Key memory next = key(2);
        refusedFrom(
            stranger,
            set(next, proofOf(target, next)),
            abi.encodeWithSelector(IOwned.OnlyOwner.selector, stranger, address(this))
        );
    }

    function test_the_group_hands_over_without_the_owner() public {
        accepted(update(key(1), 5, 5));
        Key memory next = key(2);
        bytes memory call = rotation(next, proofOf(target, next), consentOf(key(1), next));
        vm.recordLogs();
        accepted(call);
        announced(next, 2, true);
        hasKey(next, 2);
        notSigned(update(key(1), 6, 1), _sample(6, 1));
        accepted(update(next, 1, 1));
        state(2, 1, 1, 2);
        // The consent is used up: it was for generation 1, by a key that has no say any more.
        bytes32 message = target.rotationMessage(next.x, next.parity);
        refused(call, abi.encodeWithSelector(IGroupKey.NoConsentOfGroup.selector, 2, message));
    }

    function test_a_group_hands_over_to_whom_it_named_and_nobody_else() public {
        Key memory next = key(2);
        Key memory other = key(3);
        Schnorr.Signature memory consent = consentOf(key(1), next);
        bytes memory why = abi.encodeWithSelector(
            IGroupKey.NoConsentOfGroup.selector, 1, target.rotationMessage(other.x, other.parity)
        );
        refused(rotation(other, proofOf(target, other), consent), why);
        refused(rotation(other, proofOf(target, other), consentOf(other, other)), why);
        Key memory negative = keyOf(N_ORDER - next.secret);
        why = abi.encodeWithSelector(
            IGroupKey.NoConsentOfGroup.selector, 1, target.rotationMessage(negative.x, negative.parity)
        );
        refused(rotation(negative, proofOf(target, negative), consent), why);
        accepted(rotation(next, proofOf(target, next), consent));
    }

    function test_a_consent_for_an_earlier_generation_is_none() public {
        Key memory next = key(2);
        Schnorr.Signature memory consent = consentOf(key(1), next);
        install(target, key(1)); // the same key, another generation
        refused(
            rotation(next, proofOf(target, next), consent),
            abi.encodeWithSelector(IGroupKey.NoConsentOfGroup.selector, 2, target.rotationMessage(next.x, next.parity))
        );
        accepted(rotation(next, proofOf(target, next), consentOf(key(1), next)));
    }

    function test_a_signed_report_is_neither_consent_nor_proof() public {
        Key memory next = key(2);
        uint256 report = _sample(1, 1);
        Schnorr.Signature memory signed = sign(key(1), _message(target, report));
        refused(
            rotation(next, proofOf(target, next), signed),
            abi.encodeWithSelector(IGroupKey.NoConsentOfGroup.selector, 1, target.rotationMessage(next.x, next.parity))
        );
        noProof(next, sign(next, _message(target, report)));
        noProof(next, sign(next, target.rotationMessage(next.x, next.parity)));
        notSigned(_call(report, consentOf(key(1), next)), report);
        notSigned(_call(report, proofOf(target, key(1))), report);
    }

    function noProof(Key memory next, Schnorr.Signature memory proof) private {
        bytes memory why = abi.encodeWithSelector(
            IGroupKey.NoProofOfPossession.selector, next.x, next.parity, target.proofMessage(next.x, next.parity)
        );
        refused(set(next, proof), why);
        refused(rotation(next, proof, consentOf(key(1), next)), why);
    }

    function test_a_key_is_not_set_without_proof_of_possession() public {
        Key memory next = key(2);
        noProof(next, Schnorr.Signature(address(0), 0));
        noProof(next, sign(key(1), target.proofMessage(next.x, next.parity)));
        noProof(next, sign(next, "anything"));
        Key memory other = key(3);
        noProof(next, sign(next, target.proofMessage(other.x, other.parity)));

        IGroupKey elsewhere = _deploy();
        noProof(next, proofOf(elsewhere, next));
        install(elsewhere, key(1)); // of the same generation
        noProof(next, proofOf(elsewhere, next));

        Schnorr.Signature memory early = proofOf(target, next);
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        noProof(next, early);
        vm.chainId(here);
        install(target, key(1)); // a generation later
        noProof(next, early);
        install(target, next);
    }

    /// @dev A proof for any generation, which the owner alone can use.
    function lastingProof(Key memory next) private view returns (Schnorr.Signature memory) {
        bytes32 kind = keccak256("dodona threshold proof of possession v1");
        return sign(next, keccak256(abi.encode(kind, block.chainid, address(target), 0, next.x, next.parity)));
    }

    function test_a_group_that_keeps_handing_over_to_itself_cannot_keep_the_owner_out() public {
        Key memory next = key(3);
        bytes memory early = set(next, proofOf(target, next));
        bytes memory lasting = set(next, lastingProof(next));
        Key memory again = key(1);
        accepted(rotation(again, proofOf(target, again), consentOf(key(1), again)));
        bytes32 message = target.proofMessage(next.x, next.parity);
        refused(early, abi.encodeWithSelector(IGroupKey.NoProofOfPossession.selector, next.x, next.parity, message));
        target.setGroupKey(next.x, next.parity, lastingProof(next));
        hasKey(next, 3);
        refusedFrom(stranger, lasting, abi.encodeWithSelector(IOwned.OnlyOwner.selector, stranger, address(this)));
    }

    function test_a_proof_for_any_generation_is_none_for_the_group_nor_elsewhere() public {
        Key memory next = key(2);
        bytes memory why = abi.encodeWithSelector(
            IGroupKey.NoProofOfPossession.selector, next.x, next.parity, target.proofMessage(next.x, next.parity)
        );
        refused(rotation(next, lastingProof(next), consentOf(key(1), next)), why);
        refused(set(next, lastingProof(key(3))), why);
        IGroupKey here = target;
        target = _deploy();
        Schnorr.Signature memory elsewhere = lastingProof(next);
        target = here;
        refused(set(next, elsewhere), why);
    }

    function test_what_is_no_key_is_refused() public {
        uint256[4] memory xs = [0, N_ORDER, N_ORDER + 1, type(uint256).max];
        for (uint256 i = 0; i < xs.length; i++) {
            notAKey(xs[i], 0);
            notAKey(xs[i], 1);
        }
        notAKey(key(2).x, 2);
        notAKey(key(2).x, 255);
    }

    function notAKey(uint256 x, uint8 parity) private {
        Key memory none = Key(1, x, parity);
        bytes memory why = abi.encodeWithSelector(IGroupKey.InvalidGroupKey.selector, x, parity);
        refused(set(none, proofOf(target, none)), why);
        refused(rotation(none, proofOf(target, none), consentOf(key(1), none)), why);
    }

    function test_an_x_without_a_point_has_no_proof() public {
        Key memory none = Key(1, 5, 0); // 5^3 + 7 is no square
        noProof(none, proofOf(target, none));
    }

    function test_after_the_last_generation_comes_none() public {
        uint256 latest = uint256(vm.load(address(target), LATEST)) | (((1 << 23) - 1) << 1);
        vm.store(address(target), LATEST, bytes32(latest));
        (,, uint32 generation) = target.groupKey();
        eq("the last", generation, (1 << 23) - 1);
        accepted(update(key(1), 1, 1));
        Key memory next = key(2);
        bytes memory call = set(next, proofOf(target, next));
        refused(call, abi.encodeWithSelector(IGroupKey.GenerationsExhausted.selector));
    }

    function test_the_last_generation_is_for_the_owner() public {
        uint256 latest = uint256(vm.load(address(target), LATEST)) & ~uint256(0xfffffe);
        vm.store(address(target), LATEST, bytes32(latest | (((1 << 23) - 2) << 1)));
        Key memory next = key(2);
        refused(
            rotation(next, proofOf(target, next), consentOf(key(1), next)),
            abi.encodeWithSelector(IGroupKey.GenerationsExhausted.selector)
        );
        install(target, next);
        hasKey(next, (1 << 23) - 1);
    }

    function test_messages_are_those_of_the_specification() public view {
        Key memory next = Key(0, 11, 1);
        bytes memory head = abi.encode(keccak256("dodona threshold rotation v1"), block.chainid, address(target), 1);
        eq("rotation", target.rotationMessage(11, 1), keccak256(bytes.concat(head, abi.encode(next.x, next.parity))));
        head = abi.encode(keccak256("dodona threshold proof of possession v1"), block.chainid, address(target), 2);
        eq("proof", target.proofMessage(11, 1), keccak256(bytes.concat(head, abi.encode(next.x, next.parity))));
    }
}
