// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Account, newMember, newOutsider} from "../../src/billing/Account.sol";
import {Hot} from "../../src/feed/Hot.sol";
import {Round, newRound} from "../../src/feed/Round.sol";
import {Check} from "../support/Check.sol";

/// @dev Words of storage that hold several numbers: each is read back, and writing one leaves the others alone.
contract WordsTest is Check {
    function same(Hot hot, address config, uint40 epochAndRound, uint32 roundId, uint16 limit) private pure {
        eq("config", hot.configData(), config);
        eq("epoch and round", hot.epochAndRound(), epochAndRound);
        eq("round", hot.roundId(), roundId);
        eq("limit", hot.historyLimit(), limit);
    }

    function size(Hot hot) private pure returns (uint256) {
        return Hot.unwrap(hot) >> 248;
    }

    function testFuzz_hot(
        address config,
        uint40 epochAndRound,
        uint32 roundId,
        uint16 limit,
        uint8 n,
        address other,
        uint40 later
    ) public pure {
        Hot hot = Hot.wrap(
            uint160(config) | (uint256(epochAndRound) << 160) | (uint256(roundId) << 200) | (uint256(limit) << 232)
                | (uint256(n) << 248)
        );
        same(hot, config, epochAndRound, roundId, limit);
        same(hot.withConfigData(other), other, epochAndRound, roundId, limit);
        eq("n", size(hot.withConfigData(other)), n);
        same(hot.afterConfig(other, uint8(later)), other, 0, roundId, limit);
        eq("n", size(hot.afterConfig(other, uint8(later))), uint8(later));
        same(hot.withHistoryLimit(uint16(later)), config, epochAndRound, roundId, uint16(later));
        eq("n", size(hot.withHistoryLimit(uint16(later))), n);
        Hot next = hot.afterTransmission(later);
        if (roundId == type(uint32).max) {
            eq("it went round", next.roundId(), 0);
        } else {
            same(next, config, later, roundId + 1, limit);
            eq("n", size(next), n);
        }
    }

    function testFuzz_round(int192 answer, uint32 observed, uint32 transmitted) public pure {
        Round round = newRound(answer, observed, transmitted);
        eqInt("answer", round.answer(), answer);
        (uint256 startedAt, uint256 updatedAt) = round.times();
        eq("observed", startedAt, observed);
        eq("transmitted", updatedAt, transmitted);
    }

    function same(Account account, bool active, uint8 seat, uint96 payment, uint128 carried) private pure {
        yes("active", account.active() == active);
        eq("seat", account.seat(), seat);
        eq("payment", account.paymentJuels(), payment);
        eq("carried", account.carriedJuels(), carried);
    }

    function testFuzz_account(uint8 seat, uint96 payment, uint128 carried) public pure {
        same(newOutsider(carried), false, 0, 0, carried);
        Account account = newMember(seat, carried);
        same(account, true, seat, 0, carried);
        account = account.withPayment(payment);
        same(account, true, seat, payment, carried);
        same(account.withPayment(0), true, seat, 0, carried);
    }
}
