// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OffchainAggregator} from "../src/OffchainAggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {IAggregatorValidator} from "../src/interfaces/IAggregatorValidator.sol";
import {IBilling} from "../src/interfaces/IBilling.sol";
import {IFeed} from "../src/interfaces/IFeed.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {IOffchainAggregator} from "../src/interfaces/IOffchainAggregator.sol";
import {IOwned} from "../src/interfaces/IOwned.sol";
import {OursOcr1, TheReferenceOcr1} from "./OffchainAggregator.t.sol";
import {Ocr1Test} from "./support/Ocr1Test.sol";
import {SpoiledToken} from "./support/SpoiledToken.sol";
import {Vm} from "./support/Vm.sol";

/// @title Where our OCR1 feed deliberately does something else than the reference: each difference on both
/// @dev `_ours()` says which side of a difference is looked at.
abstract contract Ocr1Differences is Ocr1Test {
    function tokenless(address token) internal {
        feed = _deployFeed(ILinkToken(token), IAccessController(address(0)), IAccessController(address(0)));
    }

    /// @dev Accepted by ours, refused by the reference.
    function acceptedByOursOnly(bytes memory data) internal {
        (bool ok,) = address(feed).call{gas: 20_000_000}(data);
        yes("accepted by ours only", ok == _ours());
    }

    // -- configuration

    function test_difference_zero_signer_is_refused() public {
        start(4);
        address[] memory signers = signersOf(4);
        signers[2] = address(0);
        bytes memory why = abi.encodeWithSelector(IFeed.ZeroSigner.selector, 2);
        refusedByOursOnly(address(this), encodeConfig(signers, transmittersOf(4), 1), why);
    }

    function test_difference_zero_transmitter_is_refused() public {
        start(4);
        address[] memory transmitters = transmittersOf(4);
        transmitters[3] = address(0);
        feed.setPayees(transmitters, payeesOf(4));
        bytes memory why = abi.encodeWithSelector(IFeed.ZeroTransmitter.selector, 3);
        refusedByOursOnly(address(this), encodeConfig(signersOf(4), transmitters, 1), why);
    }

    function test_difference_the_owner_cannot_transfer_to_itself() public {
        refusedByOursOnly(
            address(this),
            abi.encodeCall(IOwned.transferOwnership, (address(this))),
            abi.encodeWithSelector(IOwned.CannotTransferToSelf.selector, address(this))
        );
    }

    // -- reports

    function test_difference_bytes_behind_the_report_are_refused() public {
        start(4);
        Call memory call = signed(bytes.concat(next(4).report, bytes32(0)), 4);
        bytes memory why = abi.encodeWithSelector(IFeed.MalformedReport.selector);
        refusedByOursOnly(transmitterOf(0), encode(call), why);
    }

    /// @dev The list begins at the observers' word, which says how long it is.
    function test_difference_an_array_offset_elsewhere_is_refused() public {
        start(4);
        bytes memory report_ = abi.encodePacked(nextContext(), bytes32(uint256(3)), uint256(0x20), uint256(0x20), PRICE);
        report_ = abi.encodePacked(bytes32(ocr1Context(digest, epoch, 1)), uint256(3), uint256(0x20), uint256(0x20));
        report_ = bytes.concat(report_, bytes32(uint256(0x21)));
        // observers: 3, which are thirty-one zeros and a three; so ids 0, 0, 0: refused by both, but for that reason.
        (bool ok, bytes memory ret) = send(transmitterOf(0), encode(signed(report_, 4)));
        yes("refused", !ok);
        if (_ours()) eq("why", bytes4(ret), IFeed.MalformedReport.selector);

        // An offset of 0x80 with a word between.
        report_ = abi.encodePacked(
            ocr1Context(digest, epoch, 1), observersOf(4), uint256(0x80), "nobody has to look at this word.", uint256(4)
        );
        for (uint256 i = 0; i < 4; i++) {
            report_ = bytes.concat(report_, bytes32(uint256(uint192(PRICE)) + i));
        }
        bytes memory why = abi.encodeWithSelector(IFeed.MalformedReport.selector);
        refusedByOursOnly(transmitterOf(0), encode(signed(report_, 4)), why);
    }

    /// @dev The reference cuts them to 192 bits.
    function test_difference_observations_wider_than_int192_are_refused() public {
        start(4);
        uint256[2] memory places = [uint256(0), 3];
        for (uint256 i = 0; i < 2; i++) {
            bytes memory report_ = next(4).report;
            uint256 where = 0xa0 + 32 * places[i];
            // Both ways the number stays sorted among the others, in all 256 bits and in the lower 192.
            uint256 change = i == 0 ? (uint256(1) << 255) : (uint256(1) << 200);
            assembly {
                let word := add(report_, where)
                mstore(word, or(mload(word), change))
            }
            bytes memory why = abi.encodeWithSelector(IFeed.MalformedReport.selector);
            refusedByOursOnly(transmitterOf(0), encode(signed(report_, 4)), why);
        }
    }

    function test_difference_an_observer_without_a_seat_is_refused() public {
        start(4);
        bytes32 observers = bytes32(hex"00010204");
        bytes memory why = abi.encodeWithSelector(IOffchainAggregator.UnknownObserver.selector, 3, 4, 4);
        refusedByOursOnly(transmitterOf(0), encode(next(4, observers, observationsOf(4, PRICE))), why);
    }

    function test_difference_an_observer_above_30_does_not_burn_all_gas() public {
        start(4);
        bytes memory data = encode(next(4, bytes32(hex"0001021f"), observationsOf(4, PRICE)));
        vm.prank(transmitterOf(0));
        uint256 before = gasleft();
        (bool ok,) = address(feed).call{gas: 10_000_000}(data);
        yes("refused", !ok);
        yes("gas", (before - gasleft() < 200_000) == _ours());
    }

    // -- validator

    function test_difference_the_validator_sees_the_new_round_and_its_observations_paid() public {
        startWithoutGas(4);
        LookingValidator validator = new LookingValidator(ocr1(), transmitterOf(0));
        feed.setValidatorConfig(validator, 300_000);
        transmit(next(4), 0);
        eq("round", validator.latestRoundSeen(), _ours() ? 1 : 0);
        eq("owed", validator.owedSeen(), _ours() ? PER_OBSERVATION : 0);
        eq("in the end the same", owed(0), PER_OBSERVATION + PER_TRANSMISSION);
    }

    // -- payments

    /// @dev Section 9.7 of the notes on the original: it never pays the base of a transaction, and zero bytes like others.
    function test_difference_base_and_calldata_are_paid_as_they_cost() public {
        start(4);
        ocr1().setBilling(1000, 0, 1_000_000, 0, 0);
        vm.txGasPrice(1 gwei);
        Call memory call = next(4);
        bytes memory data = encode(call);
        uint256 zeros;
        for (uint256 i = 0; i < data.length; i++) {
            if (data[i] == 0) zeros++;
        }
        vm.prank(transmitterOf(0));
        uint256 before = gasleft();
        (bool ok,) = address(feed).call(data);
        uint256 execution = before - gasleft();
        yes("accepted", ok);
        uint256 paid = owed(0) / 1 gwei;
        uint256 exact = 21_000 + 16 * data.length - 12 * zeros + execution;
        // Of what was measured here, up to 3,000 gas are the call itself and the slots that were warm before.
        if (_ours()) yes("as in a receipt", paid + 500 > exact && paid < exact + 4_000);
        else yes("less", paid + 5_000 < exact);
    }

    function test_difference_without_funds_a_new_config_is_possible_and_debts_are_kept() public {
        startWithoutGas(4);
        transmit(next(4), 0);
        feed.withdrawFunds(address(1), type(uint256).max);
        transmit(next(4), 0); // funds for half of what is owed
        acceptedByOursOnly(encodeConfig(4, 1));
        if (!_ours()) return;
        uint256 paid = link.balanceOf(payeeOf(0)) + link.balanceOf(payeeOf(1)) + link.balanceOf(payeeOf(2))
            + link.balanceOf(payeeOf(3));
        uint256 still;
        for (uint256 i = 0; i < 4; i++) {
            yes("paid or owed", (owed(i) == 0) != (link.balanceOf(payeeOf(i)) == 0));
            eq("counted anew", ocr1().oracleObservationCount(transmitterOf(i)), 0);
            still += owed(i);
        }
        eq("nothing is lost", paid + still, 8 * PER_OBSERVATION + 2 * PER_TRANSMISSION);
        yes("something was paid", paid > 0);
        eqInt("available", feed.linkAvailableForPayment(), int256(link.balanceOf(address(feed))) - int256(still));
    }

    function test_difference_without_funds_new_terms_are_possible() public {
        startWithoutGas(4);
        feed.withdrawFunds(address(1), type(uint256).max);
        transmit(next(4), 0);
        acceptedByOursOnly(abi.encodeCall(ocr1().setBilling, (0, 0, 0, 1, 0)));
        if (!_ours()) return;
        transmit(next(4), 0);
        eq("old debt and new price", owed(2), PER_OBSERVATION + 1 gwei);
    }

    function test_difference_without_funds_another_token_is_possible() public {
        startWithoutGas(4);
        feed.withdrawFunds(address(1), type(uint256).max);
        transmit(next(4), 0);
        ILinkToken other = _deployLink();
        acceptedByOursOnly(abi.encodeCall(feed.setLinkToken, (other, address(7))));
        if (!_ours()) return;
        eq("still owed", owed(2), PER_OBSERVATION);
        other.transfer(address(feed), 10 ** 20);
        (bool ok,) = send(payeeOf(2), abi.encodeCall(feed.withdrawPayment, (transmitterOf(2))));
        yes("paid in the new token", ok && other.balanceOf(payeeOf(2)) == PER_OBSERVATION);
    }

    function test_difference_a_wrong_token_at_creation_can_be_replaced() public {
        ILinkToken good = link;
        address[3] memory wrong = [address(0), address(0xeeee), address(this)];
        for (uint256 i = 0; i < 3; i++) {
            tokenless(wrong[i]);
            start(4);
            transmit(4);
            acceptedByOursOnly(abi.encodeCall(feed.setLinkToken, (good, address(7))));
            (bool ok,) = address(feed).staticcall(abi.encodeCall(feed.linkAvailableForPayment, ()));
            yes("readable on ours only", ok == _ours());
        }
    }

    function test_difference_a_token_that_refuses_does_not_stop_a_new_config() public {
        SpoiledToken token = new SpoiledToken();
        tokenless(address(token));
        startWithoutGas(4);
        token.mint(address(feed), 10 ** 20);
        transmit(next(4), 3);
        bytes[2] memory answers = [abi.encode(false), bytes(hex"01")];
        for (uint256 i = 0; i < 2; i++) {
            token.answer(answers[i]);
            acceptedByOursOnly(encodeConfig(4, 1));
            eq("owed", owed(0), PER_OBSERVATION);
        }
        token.answer(abi.encode(true));
        configure(4);
        eq("paid in the end", token.balanceOf(payeeOf(0)), PER_OBSERVATION);
    }

    function test_difference_a_token_that_returns_nothing_is_taken_at_its_word() public {
        SpoiledToken token = new SpoiledToken();
        tokenless(address(token));
        startWithoutGas(4);
        token.mint(address(feed), 10 ** 20);
        transmit(next(4), 3);
        token.answer("");
        acceptedByOursOnly(encodeConfig(4, 1));
        if (_ours()) eq("paid once", token.balanceOf(payeeOf(0)), PER_OBSERVATION);
    }

    function test_difference_what_a_departed_oracle_is_owed_can_be_read() public {
        startWithoutGas(7);
        feed.withdrawFunds(address(1), type(uint256).max);
        transmit(next(7), 0);
        if (!_ours()) return;
        configure(4);
        eq("owed", owed(6), PER_OBSERVATION);
    }

    /// @dev Section 9.10: observations at a price of zero stay with the seat.
    function test_difference_a_newcomer_is_not_paid_for_its_predecessor() public {
        start(4);
        ocr1().setBilling(0, 0, 0, 0, 0);
        for (uint256 i = 0; i < 3; i++) {
            transmit(4);
        }
        address[] memory transmitters = transmittersOf(8);
        address[] memory last = new address[](4);
        for (uint256 i = 0; i < 4; i++) {
            last[i] = transmitters[4 + i];
        }
        ocr1().setConfig(signersOf(4), last, 1, 1, "");
        eq("count", ocr1().oracleObservationCount(last[0]), _ours() ? 0 : 3);
        ocr1().setBilling(0, 0, 0, 10, 0);
        eq("owed", feed.owedPayment(last[0]), _ours() ? 0 : 30 gwei);
    }

    /// @dev Section 9.10: the reference sums up all 31 seats.
    function test_difference_an_empty_seat_is_owed_nothing() public {
        start(7);
        ocr1().setBilling(0, 0, 0, 0, 0);
        for (uint256 i = 0; i < 3; i++) {
            transmit(7);
        }
        configure(4);
        ocr1().setBilling(0, 0, 0, 10, 0);
        uint256 owedToAll = owed(0) + owed(1) + owed(2) + owed(3) + owed(4) + owed(5) + owed(6);
        int256 books = int256(link.balanceOf(address(feed))) - feed.linkAvailableForPayment();
        yes("the books are what is owed", (books == int256(owedToAll)) == _ours());
        if (!_ours()) eqInt("three seats too many", books - int256(owedToAll), 3 * 3 * 10 gwei);
    }

    function test_difference_a_payee_of_a_signer_is_not_paid() public {
        startWithoutGas(4);
        address[] memory who = new address[](1);
        address[] memory payee = new address[](1);
        (who[0], payee[0]) = (vm.addr(signerKey(1)), stranger);
        feed.setPayees(who, payee);
        transmit(next(4), 0);
        (bool ok,) = send(stranger, abi.encodeCall(feed.withdrawPayment, (who[0])));
        yes("no failure", ok);
        eq("paid", link.balanceOf(stranger), _ours() ? 0 : PER_OBSERVATION);
        eq("owed", owed(1), _ours() ? PER_OBSERVATION : 0);
    }
}

contract OffchainAggregatorDifferencesTest is Ocr1Differences, OursOcr1 {}

contract ReferenceOcr1DifferencesTest is Ocr1Differences, TheReferenceOcr1 {}

/// @title What only our OCR1 feed has
contract OffchainAggregatorOwnTest is OursOcr1 {
    function test_what_a_departed_oracle_is_owed_can_be_withdrawn_by_its_payee() public {
        startWithoutGas(7);
        feed.withdrawFunds(address(1), type(uint256).max);
        transmit(next(7), 6);
        transmit(next(7), 6);
        vm.recordLogs();
        configure(4);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("seven and ConfigSet", logs.length, 8);
        eq("topic", logs[6].topics[0], IBilling.PaymentCarried.selector);
        eq("transmitter", address(uint160(uint256(logs[6].topics[1]))), transmitterOf(6));
        uint256 debt = 2 * (PER_OBSERVATION + PER_TRANSMISSION);
        eq("amount", logs[6].data, abi.encode(debt));
        eq("still owed", owed(6), debt);
        eq("earns no more", ocr1().oracleObservationCount(transmitterOf(6)), 0);
        link.transfer(address(feed), 10 ** 22);
        (bool ok,) = send(payeeOf(6), abi.encodeCall(feed.withdrawPayment, (transmitterOf(6))));
        yes("paid", ok);
        eq("balance", link.balanceOf(payeeOf(6)), debt);
        eq("owed", owed(6), 0);
        eqInt("books", feed.linkAvailableForPayment(), int256(10 ** 22 - debt - 6 * 2 * PER_OBSERVATION));
    }

    function test_who_comes_back_is_owed_once() public {
        startWithoutGas(7);
        feed.withdrawFunds(address(1), type(uint256).max);
        transmit(next(7), 0);
        configure(4);
        configure(7);
        eq("owed", owed(6), PER_OBSERVATION);
        transmit(next(7), 0);
        eq("owed", owed(6), 2 * PER_OBSERVATION);
        link.transfer(address(feed), 10 ** 22);
        configure(4);
        eq("paid", link.balanceOf(payeeOf(6)), 2 * PER_OBSERVATION);
        eq("owed", owed(6), 0);
    }

    /// @dev The largest prices there are, until the sum is full.
    function test_a_sum_that_leaves_96_bits_stays_at_its_end_and_the_feed_goes_on() public {
        start(4);
        uint32 most = type(uint32).max;
        ocr1().setBilling(most, most, most, 0, most);
        vm.txGasPrice(uint256(most) * 1 gwei);
        uint256 before;
        for (uint256 i = 0; i < 80; i++) {
            transmit(next(4), 0);
            yes("never less", owed(0) >= before);
            before = owed(0);
        }
        eq("full", before, type(uint96).max);
    }

    function test_a_limited_history_keeps_the_latest_rounds() public {
        feed.setHistoryLimit(3);
        eq("limit", feed.getHistoryLimit(), 3);
        start(4);
        for (uint256 latest = 1; latest <= 8; latest++) {
            vm.warp(1_700_000_000 + latest);
            transmit(next(4, observationsOf(4, int192(int256(1000 * latest)))), 0);
            (uint80 newest, int256 value,, uint256 time,) = feed.latestRoundData();
            eq(
                "latest",
                abi.encode(newest, value, time),
                abi.encode(latest, 1000 * latest + 2 * 123_457, block.timestamp)
            );
            for (uint256 round = 0; round <= latest + 1; round++) {
                bool kept = round >= 1 && round <= latest && round + 3 > latest;
                int256 answer = kept ? int256(1000 * round + 2 * 123_457) : int256(0);
                eqInt("getAnswer", feed.getAnswer(round), answer);
                eq("getTimestamp", feed.getTimestamp(round), kept ? 1_700_000_000 + round : 0);
                (uint80 id, int256 same, uint256 startedAt, uint256 updatedAt,) = feed.getRoundData(uint80(round));
                eq("id", id, round);
                eqInt("getRoundData", same, answer);
                eq("times", startedAt, updatedAt);
            }
        }
        refused(abi.encodeCall(IFeed.setHistoryLimit, (5)), abi.encodeWithSelector(IFeed.HistoryHasBegun.selector, 8));
    }

    function test_after_the_last_of_all_rounds_a_transmission_is_refused() public {
        start(4);
        transmit(4);
        // The hot word has the round in bits 200 to 231; it is found by its value.
        for (uint256 slot = 0; slot < 16; slot++) {
            uint256 word = uint256(vm.load(address(feed), bytes32(slot)));
            if (uint32(word >> 200) != 1 || uint40(word >> 160) != 257) continue;
            vm.store(address(feed), bytes32(slot), bytes32(word | (uint256(type(uint32).max) << 200)));
            eq("latest", feed.latestRound(), type(uint32).max);
            refused(next(4), abi.encodeWithSelector(IFeed.RoundsExhausted.selector));
            return;
        }
        revert NotTrue("the hot word");
    }

    function test_negative_answers_are_read_as_they_are() public {
        feed = new OffchainAggregator(
            0, 0, 0, 0, 0, link, -100, 100, IAccessController(address(0)), IAccessController(address(0)), 8, ""
        );
        start(4);
        int192[] memory observations = new int192[](4);
        (observations[0], observations[1], observations[2], observations[3]) = (-9, -7, -5, 3);
        transmit(next(4, observations), 0);
        eqInt("latestAnswer", feed.latestAnswer(), -5);
        eqInt("getAnswer", feed.getAnswer(1), -5);
        (, int256 value,,,) = feed.latestRoundData();
        eqInt("latestRoundData", value, -5);
    }

    function test_a_validator_that_replaces_the_committee_leaves_no_debt_beside_the_books() public {
        startWithoutGas(4);
        Ocr1ReplacingValidator validator = new Ocr1ReplacingValidator(OffchainAggregator(address(feed)));
        feed.setValidatorConfig(validator, 5_000_000);
        OffchainAggregator(address(feed)).transferOwnership(address(validator));
        validator.arm(signersOf(4), transmittersOf(7));
        transmit(next(4), 3);
        eq("the old transmitter is out", ocr1().oracleObservationCount(transmitterOf(3)), 0);
        eq("its observation was paid", link.balanceOf(payeeOf(3)), PER_OBSERVATION);
        eq("and it is owed nothing", owed(3), 0);
    }
}

contract LookingValidator is IAggregatorValidator {
    IOffchainAggregator private immutable i_feed;
    address private immutable i_transmitter;
    uint256 public latestRoundSeen;
    uint256 public owedSeen;

    constructor(IOffchainAggregator feed, address transmitter) {
        (i_feed, i_transmitter) = (feed, transmitter);
    }

    function validate(uint256, int256, uint256, int256) external override returns (bool) {
        latestRoundSeen = i_feed.latestRound();
        owedSeen = i_feed.owedPayment(i_transmitter);
        return true;
    }
}

contract Ocr1ReplacingValidator is IAggregatorValidator {
    OffchainAggregator private immutable i_feed;
    address[] private s_signers;
    address[] private s_transmitters;

    constructor(OffchainAggregator feed) {
        i_feed = feed;
    }

    function arm(address[] memory signers, address[] memory transmitters) external {
        i_feed.acceptOwnership();
        s_signers = signers;
        for (uint256 i = 3; i < 7; i++) {
            s_transmitters.push(transmitters[(i + 1) % 7]);
        }
    }

    function validate(uint256, int256, uint256, int256) external override returns (bool) {
        i_feed.setConfig(s_signers, s_transmitters, 1, 2, "");
        return true;
    }
}
