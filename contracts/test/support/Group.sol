// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGroupKey} from "../../src/interfaces/IGroupKey.sol";
import {Schnorr} from "../../src/threshold/Schnorr.sol";
import {Check} from "./Check.sol";
import {Vm} from "./Vm.sol";

/// @title Group keys, what they sign, and the words of reports
/// @dev One secret stands for the whole committee: that is what the chain sees. What committees made is in Vectors.
abstract contract Group is Check {
    uint256 internal constant N_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    struct Key {
        uint256 secret;
        uint256 x;
        uint8 parity;
    }

    mapping(uint256 secret => Key) private s_keys;

    /// @dev A key by its number. That x < N holds for all of these: one in 2^128 is not.
    function key(uint256 number) internal returns (Key memory) {
        return keyOf(uint256(keccak256(abi.encode("group", number))) % N_ORDER);
    }

    function keyOf(uint256 secret) internal returns (Key memory made) {
        made = s_keys[secret];
        if (made.secret != 0) return made;
        Vm.Wallet memory wallet = vm.createWallet(secret);
        made = Key(secret, wallet.publicKeyX, uint8(wallet.publicKeyY & 1));
        s_keys[secret] = made;
    }

    function challenge(Key memory by, bytes32 message, address r) internal pure returns (uint256) {
        return uint256(keccak256(abi.encodePacked(by.x, by.parity, message, r))) % N_ORDER;
    }

    function sign(Key memory by, bytes32 message) internal pure returns (Schnorr.Signature memory) {
        return signWith(by, message, uint256(keccak256(abi.encode("nonce", by.secret, message))) % N_ORDER);
    }

    function signWith(Key memory by, bytes32 message, uint256 nonce) internal pure returns (Schnorr.Signature memory) {
        address r = vm.addr(nonce);
        uint256 s = addmod(nonce, mulmod(challenge(by, message, r), by.secret, N_ORDER), N_ORDER);
        return Schnorr.Signature(r, s);
    }

    /// @dev What `next` proves to become the key of `feed`.
    function proofOf(IGroupKey feed, Key memory next) internal view returns (Schnorr.Signature memory) {
        return sign(next, feed.proofMessage(next.x, next.parity));
    }

    /// @dev The owner, who is the caller, sets a key.
    function install(IGroupKey feed, Key memory next) internal {
        feed.setGroupKey(next.x, next.parity, proofOf(feed, next));
    }

    /// @param head An answer as uint96, or a set of feeds.
    function word(uint96 head, uint32 observed, uint32 epoch, uint8 round) internal pure returns (uint256) {
        return (uint256(head) << 160) | (uint256(observed) << 128) | (uint256(epoch) << 64) | (uint256(round) << 56);
    }

    function reportOf(int96 answer, uint32 observed, uint32 epoch, uint8 round) internal pure returns (uint256) {
        return word(uint96(answer), observed, epoch, round);
    }
}
