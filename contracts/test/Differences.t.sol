// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR2Aggregator} from "../src/OCR2Aggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {IAggregatorValidator} from "../src/interfaces/IAggregatorValidator.sol";
import {IBilling} from "../src/interfaces/IBilling.sol";
import {IFeed} from "../src/interfaces/IFeed.sol";
import {ILinkToken} from "../src/interfaces/ILinkToken.sol";
import {IOCR2, IOCR2Aggregator} from "../src/interfaces/IOCR2Aggregator.sol";
import {Ours, TheReference} from "./OCR2Aggregator.t.sol";
import {Ocr2Test} from "./support/Ocr2Test.sol";
import {SpoiledToken} from "./support/SpoiledToken.sol";
import {Vm} from "./support/Vm.sol";

/// @title Terms without gas, so that amounts are round numbers
abstract contract WithoutGas is Ocr2Test {
    uint256 internal constant PER_ROUND = 400_000 gwei;

    function startWithoutGas(uint256 n, bool payees) internal {
        ocr2().setBilling(0, 0, 400_000, 0, 0);
        if (payees) feed.setPayees(transmittersOf(n), payeesOf(n));
        configure(n, uint8((n - 1) / 3));
    }

    function encodeConfig(address[] memory signers, address[] memory transmitters)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IOCR2.setConfig, (signers, transmitters, 1, onchainConfig(), 2, ""));
    }
}

/// @title Where ours deliberately does something else than the reference: each difference on both
/// @dev `_ours()` says which side of a difference is looked at.
abstract contract Differences is WithoutGas {
    function refusedByOursOnly(bytes memory data, bytes memory why) internal {
        (bool ok, bytes memory ret) = address(feed).call(data);
        yes("refused by ours only", ok != _ours());
        if (_ours()) eq("why", ret, why);
    }

    function test_difference_zero_signer_is_refused() public {
        address[] memory signers = signersOf(4);
        signers[2] = address(0);
        bytes memory why = abi.encodeWithSelector(IFeed.ZeroSigner.selector, 2);
        refusedByOursOnly(encodeConfig(signers, transmittersOf(4)), why);
    }

    function test_difference_zero_transmitter_is_refused() public {
        address[] memory transmitters = transmittersOf(4);
        transmitters[3] = address(0);
        bytes memory why = abi.encodeWithSelector(IFeed.ZeroTransmitter.selector, 3);
        refusedByOursOnly(encodeConfig(signersOf(4), transmitters), why);
    }

    function test_difference_a_signer_that_transmits_is_refused() public {
        address[] memory transmitters = transmittersOf(4);
        transmitters[0] = vm.addr(signerKey(3));
        bytes memory why = abi.encodeWithSelector(IFeed.SignerIsTransmitter.selector, transmitters[0]);
        refusedByOursOnly(encodeConfig(signersOf(4), transmitters), why);
    }

    function test_difference_an_array_offset_elsewhere_is_refused() public {
        start(4);
        uint8[3] memory offsets = [0x60, 0x20, 0];
        for (uint256 i = 0; i < 3; i++) {
            // The word at the offset says how many words there are after it, so the report is of the right length.
            uint256 offset = offsets[i];
            bytes memory report_ = report(4);
            assembly {
                mstore(add(report_, 0x60), offset)
                mstore(add(report_, add(0x20, offset)), 4)
                if lt(offset, 0x60) { mstore(add(report_, 0x80), 1) }
            }
            Call memory call = next(4, report_);
            (bool ok, bytes memory ret) = send(transmitterOf(0), encode(call));
            yes("refused by ours", !ok || !_ours());
            if (_ours()) eq("why", ret, abi.encodeWithSelector(IFeed.MalformedReport.selector));
            else if (offset == 0x60) yes("accepted by the reference", ok);
        }
    }

    function test_difference_without_funds_a_new_config_is_possible_and_debts_are_kept() public {
        startWithoutGas(4, true);
        transmit(4);
        feed.withdrawFunds(address(1), type(uint256).max);
        transmit(4); // funds for half of what is owed: two oracles
        bytes memory data = encodeConfig(signersOf(4), transmittersOf(4));
        (bool ok,) = address(feed).call(data);
        yes("accepted by ours only", ok == _ours());
        if (!_ours()) return;
        for (uint256 i = 0; i < 4; i++) {
            eq("paid in order", link.balanceOf(payeeOf(i)), i < 2 ? 2 * PER_ROUND : 0);
            eq("or owed", feed.owedPayment(transmitterOf(i)), i < 2 ? 0 : 2 * PER_ROUND);
            eq("counted anew", ocr2().oracleObservationCount(transmitterOf(i)), 0);
        }
        eqInt("available", feed.linkAvailableForPayment(), -int256(4 * PER_ROUND));
    }

    function test_difference_without_payees_a_new_config_is_possible_and_debts_are_kept() public {
        startWithoutGas(4, false);
        transmit(4);
        (bool ok,) = address(feed).call(encodeConfig(signersOf(4), transmittersOf(4)));
        yes("accepted by ours only", ok == _ours());
        if (_ours()) eq("owed", feed.owedPayment(transmitterOf(3)), PER_ROUND);
    }

    function test_difference_without_funds_new_terms_are_possible() public {
        startWithoutGas(4, true);
        feed.withdrawFunds(address(1), type(uint256).max);
        transmit(4);
        (bool ok,) = address(feed).call(abi.encodeCall(ocr2().setBilling, (0, 0, 1, 0, 0)));
        yes("accepted by ours only", ok == _ours());
        if (!_ours()) return;
        transmit(next(4), 0);
        eq("old debt and new price", feed.owedPayment(transmitterOf(2)), PER_ROUND + 1 gwei);
    }

    function test_difference_without_funds_another_token_is_possible() public {
        startWithoutGas(4, true);
        feed.withdrawFunds(address(1), type(uint256).max);
        transmit(4);
        ILinkToken other = _deployLink();
        (bool ok,) = address(feed).call(abi.encodeCall(feed.setLinkToken, (other, address(7))));
        yes("accepted by ours only", ok == _ours());
        if (!_ours()) return;
        eq("still owed", feed.owedPayment(transmitterOf(2)), PER_ROUND);
        other.transfer(address(feed), 10 ** 20);
        (ok,) = send(payeeOf(2), abi.encodeCall(feed.withdrawPayment, (transmitterOf(2))));
        yes("paid in the new token", ok && other.balanceOf(payeeOf(2)) == PER_ROUND);
    }

    function test_difference_a_wrong_token_at_creation_can_be_replaced() public {
        ILinkToken good = link;
        address[3] memory wrong = [address(0), address(0xeeee), address(this)];
        for (uint256 i = 0; i < 3; i++) {
            feed = _deployFeed(ILinkToken(wrong[i]), IAccessController(address(0)), IAccessController(address(0)));
            startWithoutGas(4, true);
            transmit(4);
            (bool ok,) = address(feed).call(abi.encodeCall(feed.setLinkToken, (good, address(7))));
            yes("accepted by ours only", ok == _ours());
            (ok,) = address(feed).staticcall(abi.encodeCall(feed.linkAvailableForPayment, ()));
            yes("readable on ours only", ok == _ours());
            if (_ours()) eq("token", address(feed.getLinkToken()), address(good));
        }
    }

    function test_difference_what_a_departed_oracle_is_owed_can_be_read() public {
        startWithoutGas(7, false);
        transmit(7);
        if (!_ours()) return;
        configure(4, 1);
        eq("owed", feed.owedPayment(transmitterOf(6)), PER_ROUND);
    }

    function test_difference_a_token_that_returns_nothing_is_taken_at_its_word() public {
        SpoiledToken token = new SpoiledToken();
        feed = _deployFeed(ILinkToken(address(token)), IAccessController(address(0)), IAccessController(address(0)));
        startWithoutGas(4, true);
        token.mint(address(feed), 10 ** 20);
        transmit(4);
        token.answer("");
        (bool ok,) = address(feed).call(encodeConfig(signersOf(4), transmittersOf(4)));
        yes("accepted by ours only", ok == _ours());
        if (_ours()) eq("paid once", token.balanceOf(payeeOf(0)), PER_ROUND);
    }

    function test_difference_a_token_that_refuses_does_not_stop_a_new_config() public {
        SpoiledToken token = new SpoiledToken();
        feed = _deployFeed(ILinkToken(address(token)), IAccessController(address(0)), IAccessController(address(0)));
        startWithoutGas(4, true);
        token.mint(address(feed), 10 ** 20);
        transmit(4);
        bytes[3] memory answers = [abi.encode(false), abi.encode(2), bytes(hex"01")];
        for (uint256 i = 0; i < 3; i++) {
            token.answer(answers[i]);
            (bool ok,) = address(feed).call(encodeConfig(signersOf(4), transmittersOf(4)));
            yes("accepted by ours only", ok == _ours());
            if (_ours()) eq("owed", feed.owedPayment(transmitterOf(0)), PER_ROUND);
        }
        token.answer(bytes.concat(abi.encode(true), "more"));
        ocr2().setConfig(signersOf(4), transmittersOf(4), 1, onchainConfig(), 2, "");
        if (_ours()) eq("paid in the end", feed.owedPayment(transmitterOf(0)), 0);
    }
}

contract OCR2AggregatorDifferencesTest is Differences, Ours {}

contract ReferenceDifferencesTest is Differences, TheReference {}

/// @title What only ours has
contract OCR2AggregatorOwnTest is WithoutGas, Ours {
    // -- carried debts

    function departed() private returns (uint256 debt) {
        startWithoutGas(7, false);
        transmit(7);
        transmit(7);
        configure(4, 1);
        return 2 * PER_ROUND;
    }

    function test_what_a_departed_oracle_is_owed_can_be_withdrawn_by_its_payee() public {
        uint256 debt = departed();
        eq("still owed", feed.owedPayment(transmitterOf(6)), debt);
        eq("earns no more", ocr2().oracleObservationCount(transmitterOf(6)), 0);
        eqInt("on the books", feed.linkAvailableForPayment(), 10 ** 24 - int256(7 * debt));
        transmit(4);
        eq("earns no more", feed.owedPayment(transmitterOf(6)), debt);

        feed.setPayees(transmittersOf(7), payeesOf(7));
        vm.recordLogs();
        (bool ok,) = send(payeeOf(6), abi.encodeCall(feed.withdrawPayment, (transmitterOf(6))));
        yes("paid", ok);
        eq("amount", logOf(IBilling.OraclePaid.selector).data, abi.encode(debt));
        eq("balance", link.balanceOf(payeeOf(6)), debt);
        eq("owed", feed.owedPayment(transmitterOf(6)), 0);
        eqInt("on the books", feed.linkAvailableForPayment(), 10 ** 24 - int256(7 * debt + 4 * PER_ROUND));
        (ok,) = send(payeeOf(6), abi.encodeCall(feed.withdrawPayment, (transmitterOf(6))));
        eq("not twice", link.balanceOf(payeeOf(6)), debt);
    }

    function test_what_is_owed_to_departed_oracles_cannot_be_withdrawn_by_others() public {
        uint256 debt = departed();
        feed.withdrawFunds(address(7), type(uint256).max);
        eq("left", link.balanceOf(address(feed)), 7 * debt);
    }

    function test_who_comes_back_is_owed_once() public {
        uint256 debt = departed();
        configure(7, 2);
        eq("owed", feed.owedPayment(transmitterOf(6)), debt);
        transmit(7);
        eq("owed", feed.owedPayment(transmitterOf(6)), debt + PER_ROUND);
        eqInt("on the books", feed.linkAvailableForPayment(), 10 ** 24 - int256(7 * debt + 7 * PER_ROUND));
        feed.setPayees(transmittersOf(7), payeesOf(7));
        configure(4, 1);
        for (uint256 i = 0; i < 7; i++) {
            eq("paid", link.balanceOf(payeeOf(i)), debt + PER_ROUND);
            eq("owed", feed.owedPayment(transmitterOf(i)), 0);
        }
        eqInt("on the books", feed.linkAvailableForPayment(), 10 ** 24 - int256(7 * debt + 7 * PER_ROUND));
    }

    function test_a_carried_payment_is_announced() public {
        startWithoutGas(4, false);
        transmit(4);
        vm.recordLogs();
        ocr2().setBilling(0, 0, 0, 0, 0);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("four and BillingSet", logs.length, 5);
        eq("topic", logs[3].topics[0], IBilling.PaymentCarried.selector);
        eq("transmitter", address(uint160(uint256(logs[3].topics[1]))), transmitterOf(3));
        eq("amount", logs[3].data, abi.encode(PER_ROUND));
    }

    function test_a_token_that_burns_its_gas_takes_no_more_than_its_share() public {
        SpoiledToken token = new SpoiledToken();
        feed = _deployFeed(ILinkToken(address(token)), IAccessController(address(0)), IAccessController(address(0)));
        startWithoutGas(31, true);
        token.mint(address(feed), 10 ** 20);
        transmit(31);
        token.burnGas();
        uint256 before = gasleft();
        (bool ok,) = address(feed).call{gas: 16_000_000}(encodeConfig(signersOf(4), transmittersOf(4)));
        yes("accepted", ok);
        yes("gas", before - gasleft() < 10_000_000);
        eq("owed", feed.owedPayment(transmitterOf(30)), PER_ROUND);
    }

    function test_a_payee_that_is_the_token_is_carried() public {
        startWithoutGas(4, false);
        address[] memory payees = payeesOf(4);
        payees[1] = address(link);
        feed.setPayees(transmittersOf(4), payees);
        transmit(4);
        configure(4, 1);
        eq("carried", feed.owedPayment(transmitterOf(1)), PER_ROUND);
        eq("paid", feed.owedPayment(transmitterOf(2)), 0);
    }

    function test_a_token_that_would_pay_anybody_is_not_asked_to_pay_itself_or_nobody() public {
        SpoiledToken token = new SpoiledToken();
        feed = _deployFeed(ILinkToken(address(token)), IAccessController(address(0)), IAccessController(address(0)));
        startWithoutGas(4, false);
        address[] memory payees = payeesOf(2);
        payees[1] = address(token);
        feed.setPayees(transmittersOf(2), payees);
        token.mint(address(feed), 10 ** 20);
        transmit(4);
        configure(4, 1);
        eq("paid", feed.owedPayment(transmitterOf(0)), 0);
        eq("its payee is the token", feed.owedPayment(transmitterOf(1)), PER_ROUND);
        eq("it has no payee", feed.owedPayment(transmitterOf(2)), PER_ROUND);
    }

    /// @dev The deployed token burns all gas that it is given when it refuses.
    function test_a_settlement_asks_for_no_more_than_is_left() public {
        SpoiledToken token = new SpoiledToken();
        feed = _deployFeed(ILinkToken(address(token)), IAccessController(address(0)), IAccessController(address(0)));
        startWithoutGas(4, true);
        token.mint(address(feed), PER_ROUND * 3 / 2);
        transmit(4);
        vm.expectCall(address(token), abi.encodeCall(token.transfer, (payeeOf(1), PER_ROUND)), 0);
        configure(4, 1);
        eq("paid", feed.owedPayment(transmitterOf(0)), 0);
        eq("carried", feed.owedPayment(transmitterOf(1)), PER_ROUND);
    }

    function test_the_first_token_is_announced() public {
        vm.recordLogs();
        feed = _deployFeed(link, IAccessController(address(0)), IAccessController(address(0)));
        Vm.Log memory log = logOf(IBilling.LinkTokenSet.selector);
        eq("no token before", uint256(log.topics[1]), 0);
        eq("token", address(uint160(uint256(log.topics[2]))), address(link));
    }

    // -- history

    function limited(uint16 rounds) private {
        vm.recordLogs();
        feed.setHistoryLimit(rounds);
        eq("event", logOf(IFeed.HistoryLimitSet.selector).data, abi.encode(rounds));
        eq("limit", feed.getHistoryLimit(), rounds);
        start(4);
    }

    function test_history_is_not_limited_by_default() public view {
        eq("limit", feed.getHistoryLimit(), 0);
    }

    function test_a_limited_history_keeps_the_latest_rounds() public {
        limited(3);
        for (uint256 latest = 1; latest <= 10; latest++) {
            vm.warp(1_700_000_000 + latest);
            transmit(next(4, reportOf(uint32(latest), observationsOf(4, int192(int256(1000 * latest))), RATE)), 0);
            eq("latest", feed.latestRound(), latest);
            eqInt("latestAnswer", feed.latestAnswer(), int256(1000 * latest + 2 * 123_457));
            for (uint256 round = 0; round <= latest + 1; round++) {
                bool kept = round >= 1 && round <= latest && round + 3 > latest;
                int256 answer = kept ? int256(1000 * round + 2 * 123_457) : int256(0);
                eqInt("getAnswer", feed.getAnswer(round), answer);
                eq("getTimestamp", feed.getTimestamp(round), kept ? 1_700_000_000 + round : 0);
                (uint80 id, int256 value, uint256 startedAt,,) = feed.getRoundData(uint80(round));
                eq("id", id, round);
                eqInt("getRoundData", value, answer);
                eq("startedAt", startedAt, kept ? round : 0);
            }
        }
    }

    function test_a_limited_history_still_knows_the_previous_answer() public {
        limited(2);
        CountingValidator validator = new CountingValidator();
        feed.setValidatorConfig(IAggregatorValidator(address(validator)), 200_000);
        for (uint256 i = 0; i < 5; i++) {
            transmit(next(4, reportOf(1, observationsOf(4, int192(int256(1000 * i + 1))), RATE)), 0);
        }
        eqInt("sum of steps", validator.sum(), 4000);
    }

    function test_history_can_be_limited_only_before_it_begins() public {
        onlyOwner(abi.encodeCall(IFeed.setHistoryLimit, (5)));
        refused(
            abi.encodeCall(IFeed.setHistoryLimit, (1)),
            abi.encodeWithSelector(IFeed.HistoryLimitTooSmall.selector, 1, 2)
        );
        feed.setHistoryLimit(5);
        vm.recordLogs();
        feed.setHistoryLimit(5);
        eq("no change, no event", countLogs(), 0);
        feed.setHistoryLimit(0);
        start(4);
        transmit(4);
        refused(abi.encodeCall(IFeed.setHistoryLimit, (5)), abi.encodeWithSelector(IFeed.HistoryHasBegun.selector, 1));
    }

    function test_a_limit_survives_config_terms_and_validator() public {
        limited(7);
        feed.setValidatorConfig(IAggregatorValidator(address(1)), 5);
        ocr2().setBilling(1, 2, 3, 4, 5);
        configure(7, 2);
        eq("limit", feed.getHistoryLimit(), 7);
    }

    // -- the end

    function test_after_the_last_of_all_rounds_a_transmission_is_refused() public {
        start(4);
        transmit(4);
        // The hot word has the round in bits 200 to 231; it is found by its value.
        for (uint256 slot = 0; slot < 16; slot++) {
            uint256 word = uint256(vm.load(address(feed), bytes32(slot)));
            if (uint32(word >> 200) != 1 || word >> 160 == 0 || uint40(word >> 160) != 257) continue;
            vm.store(address(feed), bytes32(slot), bytes32(word | (uint256(type(uint32).max) << 200)));
            eq("latest", feed.latestRound(), type(uint32).max);
            refused(next(4), abi.encodeWithSelector(IFeed.RoundsExhausted.selector));
            return;
        }
        revert NotTrue("the hot word");
    }

    // -- a validator that acts

    function test_a_validator_that_pays_the_transmitter_out_does_not_pay_it_twice() public {
        ocr2().setBilling(0, 0, 400_000, 1_000_000, 0);
        address[] memory payees = payeesOf(4);
        PayingValidator validator = new PayingValidator(ocr2(), transmitterOf(0));
        payees[0] = address(validator);
        feed.setPayees(transmittersOf(4), payees);
        configure(4, 1);
        feed.setValidatorConfig(validator, 1_000_000);
        for (uint256 i = 1; i <= 3; i++) {
            transmit(next(4), 0);
            eq("owed", feed.owedPayment(transmitterOf(0)), 1_000_000 gwei);
            eq("paid", link.balanceOf(address(validator)), i * 400_000 gwei + (i - 1) * 1_000_000 gwei);
        }
    }

    function test_a_validator_that_replaces_the_committee_leaves_no_debt_beside_the_books() public {
        start(4);
        ReplacingValidator validator = new ReplacingValidator(OCR2Aggregator(address(feed)));
        feed.setValidatorConfig(validator, 5_000_000);
        OCR2Aggregator(address(feed)).transferOwnership(address(validator));
        validator.arm(signersOf(4), transmittersOf(7), onchainConfig());
        transmit(next(4), 3);
        eq("the old transmitter is out", ocr2().oracleObservationCount(transmitterOf(3)), 0);
        eq("and is owed nothing", feed.owedPayment(transmitterOf(3)), 0);
    }
}

contract CountingValidator is IAggregatorValidator {
    int256 public sum;

    function validate(uint256 previousRound, int256 previous, uint256, int256 current)
        external
        override
        returns (bool)
    {
        if (previousRound > 0) sum += current - previous;
        return true;
    }
}

contract PayingValidator is IAggregatorValidator {
    IOCR2Aggregator private immutable i_feed;
    address private immutable i_transmitter;

    constructor(IOCR2Aggregator feed, address transmitter) {
        (i_feed, i_transmitter) = (feed, transmitter);
    }

    function validate(uint256, int256, uint256, int256) external override returns (bool) {
        i_feed.withdrawPayment(i_transmitter);
        return true;
    }
}

contract ReplacingValidator is IAggregatorValidator {
    OCR2Aggregator private immutable i_feed;
    address[] private s_signers;
    address[] private s_transmitters;
    bytes private s_onchainConfig;

    constructor(OCR2Aggregator feed) {
        i_feed = feed;
    }

    function arm(address[] memory signers, address[] memory transmitters, bytes memory onchainConfig) external {
        i_feed.acceptOwnership();
        s_signers = signers;
        for (uint256 i = 3; i < 7; i++) {
            s_transmitters.push(transmitters[(i + 1) % 7]);
        }
        s_onchainConfig = onchainConfig;
    }

    function validate(uint256, int256, uint256, int256) external override returns (bool) {
        i_feed.setConfig(s_signers, s_transmitters, 1, s_onchainConfig, 2, "");
        return true;
    }
}
