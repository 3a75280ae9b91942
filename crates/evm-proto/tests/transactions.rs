//! Transcripts of the transaction machine: a script of what happens, and exactly what it does about it.

mod world;

use alloy_primitives::{Bytes, U256};
use evm_proto::transactions::{Answer, Ask, Estimate, Gas, Order, Submission, Verdict};
use machine::{Event, Ticket, Wall};
use std::time::Duration;
use world::{GWEI, SECOND, World, config, sender, submission};

/// Runs a script, one command a line, and writes down every effect below the command that caused it.
fn transcript(script: &str) -> String {
    let mut world = World::new(config(1, 2));
    let mut text = String::new();
    for line in script.trim().lines().map(str::trim) {
        run(&mut world, line);
        text += &format!("> {line}\n{}", world.log());
    }
    text
}

fn run(world: &mut World, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| words.get(at).map_or(0, |word| word.parse::<u64>().expect("a number"));
    match words[0] {
        "submit" => {
            let gas = match words.get(2) {
                Some(&"estimated") => Gas::Estimate { margin_percent: 20, limit_max: 90_000 },
                _ => Gas::Limit(100_000),
            };
            let expires = match words.get(2) {
                Some(&"expires") => Some(Wall(world.mono + number(3) * 1_000_000_000)),
                _ => None,
            };
            let submission = Submission { gas, expires, ..submission(number(1) as u8) };
            world.submit_as(number(1) as u8, submission, None);
        }
        "abandon" => world.abandon(number(1) as u8, None),
        "head" => world.hand(Event::Told(Order::NewHead), None),
        "look" | "sign" | "estimate" | "broadcast" => {
            let ticket = asked(world, words[0]);
            match words.get(1) {
                None => world.answer(ticket, 0, None),
                Some(&"behind") => world.answer(ticket, number(2), None),
                Some(&"fails") => world.fail(ticket, false),
                Some(&"unclear") => world.fail(ticket, true),
                Some(verdict) => {
                    world.asks.remove(&ticket);
                    world.hand(Event::Answered { ticket, answer: Some(verdict_or_estimate(verdict)) }, None);
                }
            }
        }
        "mine" => (0..number(1).max(1)).for_each(|_| world.chain.mine(true)),
        "empty" => (0..number(1).max(1)).for_each(|_| world.chain.mine(false)),
        "reorg" => world.chain.roll_back(number(1), words.get(2) == Some(&"lost")),
        "foreign" => {
            world.chain.foreign(sender(0));
            world.chain.mine(true);
        }
        "past" => (0..number(1)).for_each(|_| {
            world.chain.foreign(sender(0));
            world.chain.mine(true);
        }),
        "forget" => world.chain.pool.clear(),
        "basefee" => world.chain.base_fee = u128::from(number(1)) * GWEI,
        "balance" => world.chain.balance = U256::from(number(1)) * U256::from(GWEI),
        "pass" => world.pass(Duration::from_secs(number(1))),
        "crash" => world.crash(),
        _ => panic!("no such command: {line}"),
    }
}

fn asked(world: &World, kind: &str) -> Ticket {
    let of_kind = |ask: &Ask| match ask {
        Ask::Look(_) => kind == "look",
        Ask::Sign(_) => kind == "sign",
        Ask::Estimate { .. } => kind == "estimate",
        Ask::Broadcast { .. } => kind == "broadcast",
    };
    *world.asks.iter().find(|(_, ask)| of_kind(ask)).unwrap_or_else(|| panic!("no {kind} is asked")).0
}

fn verdict_or_estimate(word: &str) -> Answer {
    match word {
        "known" => Answer::Broadcast(Verdict::AlreadyKnown),
        "low" => Answer::Broadcast(Verdict::NonceTooLow),
        "high" => Answer::Broadcast(Verdict::NonceTooHigh),
        "underpriced" => Answer::Broadcast(Verdict::Underpriced),
        "unreplaced" => Answer::Broadcast(Verdict::ReplacementUnderpriced),
        "poor" => Answer::Broadcast(Verdict::InsufficientFunds),
        "refused" => Answer::Broadcast(Verdict::Refused),
        "reverts" => Answer::Estimated(Estimate::Reverts(Bytes::from_static(b"stale report"))),
        "80000" => Answer::Estimated(Estimate::Gas(80_000)),
        _ => panic!("no such answer: {word}"),
    }
}

macro_rules! transcripts {
    ($($(#[$doc:meta])* $claim:ident: $script:literal;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $claim() {
            insta::assert_snapshot!(stringify!($claim), transcript($script));
        }
    )*};
}

transcripts! {
    a_call_is_recorded_before_it_is_sent_and_ends_when_it_is_confirmed:
        "pass 1
        submit 1
        look
        sign
        broadcast
        mine
        head
        look
        mine
        head
        look
        submit 1
        pass 60";

    several_calls_take_ascending_nonces_and_no_more_than_may_be_in_flight:
        "submit 1
        submit 2
        submit 3
        submit 4
        submit 5
        look
        sign
        sign
        sign
        sign
        broadcast
        broadcast
        broadcast
        broadcast
        mine 2
        head
        look";

    a_call_that_is_not_mined_is_bid_higher:
        "submit 1
        look
        sign
        broadcast
        empty 3
        head
        look
        sign
        broadcast
        basefee 30
        empty 3
        head
        look
        sign";

    a_bid_never_exceeds_the_most_that_may_be_paid:
        "basefee 600
        submit 1
        look
        basefee 450
        pass 1
        look
        sign
        broadcast
        empty 3
        pass 1
        look";

    what_endpoints_find_too_cheap_is_bid_higher_at_the_next_look:
        "submit 1
        look
        sign
        broadcast underpriced
        pass 1
        look
        sign
        broadcast unreplaced
        pass 1
        look
        sign
        broadcast";

    an_abandoned_call_that_was_not_sent_is_dropped:
        "submit 1
        submit 2
        look
        abandon 1
        abandon 2
        abandon 2
        abandon 3";

    an_abandoned_call_that_was_sent_is_replaced_by_nothing:
        "submit 1
        look
        sign
        broadcast
        abandon 1
        look
        sign
        broadcast
        mine 2
        head
        look";

    an_abandoned_call_that_is_mined_all_the_same_is_included:
        "submit 1
        look
        sign
        broadcast
        mine
        abandon 1
        look
        mine
        head
        look";

    a_call_expires_in_the_queue_and_in_the_pool:
        "submit 1 expires 30
        look
        sign
        broadcast
        submit 2 expires 1
        pass 1
        look
        pass 30
        look
        sign
        broadcast
        mine 2
        head
        look";

    a_transaction_that_a_reorganisation_removed_is_sent_again:
        "submit 1
        look
        sign
        broadcast
        mine
        head
        look
        reorg 1 lost
        empty 2
        head
        look
        broadcast
        mine
        head
        look
        reorg 1
        mine
        head
        look";

    after_a_crash_the_same_payload_is_sent_under_the_same_nonce:
        "submit 1
        look
        sign
        crash
        look
        sign
        broadcast
        submit 1
        mine 2
        head
        look
        crash
        submit 1";

    a_crash_before_the_signature_costs_no_nonce:
        "submit 1
        look
        crash
        look
        sign";

    a_broadcast_whose_fate_is_unclear_is_settled_by_the_next_look:
        "submit 1
        look
        sign
        broadcast unclear
        pass 1
        look
        broadcast
        mine 2
        head
        look";

    a_nonce_that_someone_else_used_is_replaced_by_another:
        "submit 1
        look
        sign
        foreign
        broadcast
        look
        empty
        pass 1
        look
        pass 1
        look
        pass 1
        look
        sign
        broadcast
        mine 2
        head
        look";

    an_account_with_a_past_goes_on_from_there:
        "past 3
        submit 1
        look
        sign";

    a_gap_is_filled_after_it_was_seen_three_times:
        "submit 1
        look
        sign
        broadcast
        mine 2
        head
        look
        reorg 2 lost
        empty 3
        submit 2
        head
        look
        pass 1
        look
        pass 1
        look
        sign
        broadcast
        sign
        broadcast
        mine 2
        head
        look";

    a_lagging_endpoint_is_not_believed:
        "submit 1
        look
        sign
        broadcast
        mine 1
        head
        look
        head
        look behind 1
        mine
        head
        look";

    a_lagging_endpoint_after_a_crash_does_not_make_a_nonce_be_used_twice:
        "submit 1
        look
        sign
        broadcast
        mine 2
        head
        look
        crash
        submit 2
        look behind 2
        pass 1
        look
        sign";

    a_call_that_would_revert_is_not_sent:
        "submit 1 estimated
        look
        estimate reverts
        submit 2 estimated
        estimate 80000
        submit 3 estimated
        estimate fails
        pass 1
        look
        estimate
        sign";

    a_call_that_no_endpoint_takes_gives_its_nonce_to_nothing:
        "submit 1
        look
        sign
        broadcast refused
        pass 1
        look
        sign
        broadcast
        mine 2
        head
        look";

    without_funds_nothing_is_sent:
        "balance 1000
        submit 1
        look
        balance 100000000
        pass 1
        look
        sign
        broadcast poor
        pass 10
        look
        broadcast";

    an_endpoint_that_misses_earlier_nonces_is_given_them_again:
        "submit 1
        submit 2
        look
        sign
        broadcast
        forget
        sign
        broadcast high
        pass 1
        look
        broadcast
        broadcast";

    an_ask_that_is_overdue_is_forgotten:
        "submit 1
        pass 5
        pass 1
        look
        pass 5
        pass 1
        look
        sign
        pass 5";

    a_chain_that_was_reset_stops_the_sender:
        "past 20
        submit 1
        look
        sign
        broadcast
        mine 2
        head
        look
        reorg 22 lost
        empty 30
        submit 2
        head
        look
        pass 1
        look";
}

#[test]
fn an_id_with_another_content_is_refused() {
    let mut world = World::new(config(1, 2));
    world.submit(1, None);
    world.submit_as(1, Submission { value: U256::from(1), ..submission(1) }, None);
    world.submit(1, None);
    let log = world.log();
    assert!(log.contains("IdReused") && log.contains("AlreadySubmitted"), "{log}");
}

#[test]
fn a_full_queue_and_a_stranger_as_sender_and_a_long_input_are_refused_at_once() {
    let mut world = World::new(config(1, 2));
    for number in 0..=249 {
        world.submit(number, None);
    }
    assert!(world.outputs.is_empty());
    world.submit(250, None);
    world.submit_as(251, Submission { from: Some(sender(7)), ..submission(251) }, None);
    world.submit_as(252, Submission { input: vec![0; 120 * 1024 + 1].into(), ..submission(252) }, None);
    let log = world.log();
    for wanted in ["QueueFull", "UnknownSender", "InputTooLong { got: 122881 }"] {
        assert!(log.contains(wanted), "{log}");
    }
    assert_eq!(world.disk.len(), 250);
}

#[test]
fn work_is_shared_among_the_senders() {
    let mut world = World::new(config(3, 2));
    for number in 0..6 {
        world.submit(number, None);
    }
    assert_eq!([0, 1, 2].map(|number| world.machine.underway(sender(number))), [(2, 0); 3]);
    world.settle();
    assert_eq!([0, 1, 2].map(|number| world.machine.underway(sender(number))), [(0, 2); 3]);
}

#[test]
fn an_idle_machine_asks_nothing_and_wants_no_waking() {
    use machine::Machine as _;
    let mut world = World::new(config(1, 2));
    world.pass(SECOND * 100);
    assert_eq!((world.log().as_str(), world.machine.deadline()), ("", None));
    world.submit(1, None);
    for _ in 0..3 {
        world.settle();
        world.chain.mine(true);
        world.pass(SECOND);
    }
    world.log();
    world.pass(SECOND * 100);
    assert_eq!((world.log().as_str(), world.machine.deadline()), ("", None));
}

proptest::proptest! {
    #[test]
    fn a_damaged_record_is_an_error_or_another_record_but_never_a_panic(
        at: proptest::sample::Index, value: u8, cut: proptest::sample::Index, which: proptest::sample::Index
    ) {
        use evm_proto::transactions::Record;
        use machine::Record as _;
        let mut world = World::new(config(1, 1));
        // One of each kind: in a slot, expired in the queue, estimated to revert, replaced, included.
        for line in [
            "submit 1", "look", "sign", "broadcast refused", "submit 2 expires 0", "pass 1", "look", "sign", "broadcast",
            "submit 3 estimated", "pass 1", "look", "estimate reverts", "submit 4", "sign",
        ] {
            run(&mut world, line);
        }
        let records: Vec<&Vec<u8>> = world.disk.values().collect();
        let mut bytes = which.get(&records).to_vec();
        let cut_at = cut.index(bytes.len());
        proptest::prop_assert!(Record::decode(&bytes[..cut_at]).is_err());
        let at = at.index(bytes.len());
        bytes[at] = value;
        if let Ok(record) = Record::decode(&bytes) {
            let mut again = Vec::new();
            record.encode(&mut again);
            proptest::prop_assert_eq!(again, bytes);
        }
    }
}

#[test]
fn a_config_that_cannot_work_is_refused() {
    use evm_proto::transactions::{ConfigError, FeePolicy, Transactions};
    let good = config(1, 2);
    let fees = |fees: FeePolicy| evm_proto::transactions::Config { fees, ..good.clone() };
    for (bad, error) in [
        (config(0, 2), ConfigError::NoSender),
        (config(1, 0), ConfigError::Confirmations { got: 0 }),
        (config(1, 101), ConfigError::Confirmations { got: 101 }),
        (fees(FeePolicy { bump_percent: 9, ..good.fees }), ConfigError::BumpPercent { got: 9 }),
        (fees(FeePolicy { headroom_percent: 99, ..good.fees }), ConfigError::Headroom { got: 99 }),
    ] {
        assert_eq!(Transactions::recover(bad, []).unwrap_err(), error);
    }
}
