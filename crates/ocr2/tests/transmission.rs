//! A final report on its way to the contract, under scripts.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use machine::Wall;
use ocr2::{
    Answer, Message, PendingTransmission, Record, RoundId,
    limits::{ACCEPTING_MAX, PENDING_MAX, TRANSMISSION_TRIES_MAX},
    message::{AttributedSignature, Final},
    signing::ReportContext,
};
use support::*;

fn last(epoch: u32, round: u8) -> Arc<Final> {
    let (report, extra_hash) = (Bytes::from_static(b"report"), [5; 32]);
    let digest = ReportContext { config_digest: DIGEST, epoch, round, extra_hash }.report_digest(&report);
    let signature = |signer| AttributedSignature { signature: sign_report(oracle(4, signer), digest), signer };
    Arc::new(Final { at: at(epoch, round), extra_hash, report, signatures: [0, 3].map(signature).into() })
}

/// The first rounds of which oracle 1 transmits at once, after one stage, and after two.
fn rounds_by_stage() -> [RoundId; 3] {
    let key = setup(4, oracle(4, 1), parameters()).transmission_order_key;
    let stage = |at: RoundId| {
        key.schedule(committee(4), DIGEST, at.epoch.0.into(), at.round.0.into(), &[1, 1, 2]).stage(oracle(4, 1))
    };
    [0, 1, 2].map(|wanted| (1..60).map(|epoch| at(epoch, 1)).find(|at| stage(*at) == Some(wanted)).unwrap())
}

fn accepted(at: RoundId) -> (Script, Vec<String>) {
    let mut script = Script::follower();
    script.answer("contract epoch");
    script.receive(3, Message::FinalEcho(last(at.epoch.0, at.round.0)));
    let log = script.answer("view");
    (script, log)
}

fn seen(latest: RoundId) -> Option<Answer> {
    Some(Answer::View(view(latest)))
}

/// Without what an oracle repeats whatever happens.
fn quiet(log: Vec<String>) -> Vec<String> {
    let is_usual =
        |line: &str| line.contains("NewEpoch") || line.contains("FinalEcho") || line.starts_with("store epoch");
    log.into_iter().filter(|line| !is_usual(line)).collect()
}

#[test]
fn the_first_stage_transmits_at_once_and_looks_whether_the_contract_has_it() {
    let [first, ..] = rounds_by_stage();
    let (mut script, log) = accepted(first);
    assert!(log[0].starts_with("tell Accepted"), "{log:?}");
    assert_eq!(log[1..], [format!("store pending {first}"), format!("ask transmit {first}")]);
    assert!(script.answer("transmit")[0].starts_with("tell Transmitted"));
    assert_eq!(quiet(script.pass(499)), [""; 0]);
    assert_eq!(quiet(script.pass(1)), [format!("ask view {first} Transmit")]);
    let log = script.answer_with("view", seen(first));
    assert_eq!(log[0], format!("store no longer pending {first}"));
    assert!(log[1].contains("Settled { ours: true }"), "{log:?}");
    assert_eq!(script.records.keys().filter(|key| matches!(key, ocr2::RecordKey::Pending(..))).count(), 0);
}

#[test]
fn later_stages_wait_and_do_not_transmit_what_the_contract_has() {
    let [_, second, third] = rounds_by_stage();
    for (at, delay) in [(second, 100), (third, 200)] {
        let (mut script, log) = accepted(at);
        assert_eq!(log[1..], [format!("store pending {at}")]);
        assert_eq!(quiet(script.pass(delay - 1)), [""; 0]);
        assert_eq!(quiet(script.pass(1)), [format!("ask view {at} Transmit")]);
        let log = script.answer_with("view", seen(at));
        assert!(log[1].contains("Settled { ours: false }"), "{log:?}");
    }
}

#[test]
fn a_report_that_the_plugin_does_not_accept_or_cannot_judge_is_dropped() {
    let [first, ..] = rounds_by_stage();
    for (answer, told) in [
        (seen(first), "tell Accepted"),
        (
            Some(Answer::View(ocr2::View { bytes: Bytes::new(), read_at: Wall(0) })),
            "tell View(Accept) failed: the plugin",
        ),
        (None, "tell View(Accept) failed: it failed"),
    ] {
        let mut script = Script::follower();
        script.answer("contract epoch");
        script.receive(3, Message::FinalEcho(last(first.epoch.0, 1)));
        let log = script.answer_with("view", answer);
        assert!(log.len() == 1 && log[0].starts_with(told), "{log:?}");
    }
}

#[test]
fn a_transmission_that_fails_is_tried_again_and_in_the_end_given_up() {
    let [first, ..] = rounds_by_stage();
    let (mut script, _) = accepted(first);
    let mut waits = Vec::new();
    for attempt in 1..TRANSMISSION_TRIES_MAX {
        assert_eq!(script.answer_with("transmit", None), ["tell Transmit failed: it failed"], "attempt {attempt}");
        let from = script.now;
        while script.asks.is_empty() {
            script.pass(100);
        }
        waits.push((script.now - from) / 100);
        assert_eq!(script.answer("view"), [format!("ask transmit {first}")], "it is still worth it");
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 600, 600], "twice as long each time, up to a minute");
    let log = script.answer_with("transmit", None);
    assert_eq!(log[1], format!("store no longer pending {first}"));
    assert!(log[2].contains("GivenUp"), "{log:?}");
}

#[test]
fn what_hangs_is_forgotten_and_tried_again() {
    let [first, ..] = rounds_by_stage();
    let (mut script, _) = accepted(first);
    // 50 ms, and 100 more in which an answer may be on its way.
    assert_eq!(quiet(script.pass(150)), ["forget", "tell Transmit failed: it did not end in time"]);
    assert_eq!(quiet(script.pass(500)), [format!("ask view {first} Transmit")]);
    assert_eq!(quiet(script.pass(150)), ["forget", "tell View(Transmit) failed: it did not end in time"]);
    assert_eq!(quiet(script.pass(1000)), [format!("ask view {first} Transmit")]);
    let log = script.answer_with("view", seen(first));
    assert!(log[1].contains("Settled"), "{log:?}");
}

#[test]
fn a_restart_keeps_what_is_pending_and_its_time() {
    let [_, _, third] = rounds_by_stage();
    let (mut script, _) = accepted(third);
    script.pass(50);
    let mut script = script.restart();
    assert_eq!(script.now, 50);
    script.log();
    // The clock of the restarted oracle's first event stood at 0, so its turn is 200 ms after.
    assert_eq!(quiet(script.pass(149)), ["forget", "tell ContractEpoch failed: it did not end in time"]);
    assert_eq!(quiet(script.pass(1)), [format!("ask view {third} Transmit")]);
    assert_eq!(script.answer("view"), [format!("ask transmit {third}")]);
}

fn pending(at: RoundId, due: Wall) -> Record {
    let report = Arc::new(Final { at, ..(*last(1, 1)).clone() });
    Record::Pending { config_digest: DIGEST, transmission: PendingTransmission { due, report } }
}

#[test]
fn what_became_due_while_the_oracle_was_down_is_looked_at_at_once_but_not_after_a_day() {
    let day = 24 * 60 * 60 * 1_000_000_000;
    let now = time(0).wall.0;
    let records = [pending(at(1, 1), Wall(now - day)), pending(at(1, 2), Wall(now - day - 1))];
    let mut script = Script::new(4, 1, Toy::default(), parameters(), records);
    let log = script.log();
    assert!(log.contains(&"store no longer pending 1/2".into()), "{log:?}");
    assert_eq!(quiet(script.pass(0)), ["ask view 1/1 Transmit"]);
}

#[test]
fn a_clock_that_was_set_back_holds_a_pending_transmission_no_longer_than_its_turn() {
    let [.., third] = rounds_by_stage();
    let year = 365 * 24 * 60 * 60 * 1_000_000_000;
    let mut script = Script::new(4, 1, Toy::default(), parameters(), [pending(third, Wall(time(0).wall.0 + year))]);
    script.answer("contract epoch");
    assert_eq!(quiet(script.pass(199)), [""; 0]);
    assert_eq!(quiet(script.pass(1)), [format!("ask view {third} Transmit")]);
}

#[test]
fn beyond_the_bounds_the_oldest_goes() {
    let records = (0..PENDING_MAX).map(|i| pending(at(1, i as u8), Wall(time(1_000_000).wall.0)));
    // Nobody's turn comes at once, so nothing is asked of what was pending.
    let patient = ocr2::config::Parameters { s: vec![0, 1, 1, 2], ..parameters() };
    let mut script = Script::new(4, 1, Toy::default(), patient, records.collect::<Vec<_>>());
    script.answer("contract epoch");
    let [.., third] = rounds_by_stage();
    let third = at(third.epoch.0 + 1, third.round.0);
    let later = (third.epoch.0..).map(|epoch| at(epoch, 1)).find(|at| {
        let key = setup(4, oracle(4, 1), parameters()).transmission_order_key;
        let schedule = key.schedule(committee(4), DIGEST, at.epoch.0.into(), at.round.0.into(), &[1, 1, 2]);
        schedule.stage(oracle(4, 1)) == Some(2)
    });
    let later = later.unwrap();
    script.receive(3, Message::FinalEcho(last(later.epoch.0, 1)));
    let log = script.answer("view");
    assert_eq!(log[1..3], [format!("store pending {later}"), "store no longer pending 1/0".into()]);
    assert!(log[3].contains("Displaced"), "{log:?}");

    let mut script = Script::follower();
    script.answer("contract epoch");
    for round in 0..ACCEPTING_MAX as u32 {
        script.receive(3, Message::FinalEcho(last(round + 1, 1)));
    }
    let log = script.receive(3, Message::FinalEcho(last(ACCEPTING_MAX as u32 + 1, 1)));
    assert_eq!(log[3], "forget");
    assert!(log[4].contains("Displaced"), "{log:?}");
}

#[test]
fn old_reports_that_a_liar_replays_do_not_displace_the_newest() {
    // After a restart nothing is known, so every old echo within the age is new to us.
    let mut script = Script::follower();
    script.answer("contract epoch");
    script.receive(0, Message::FinalEcho(last(100, 1)));
    for epoch in 1..ACCEPTING_MAX as u32 {
        script.receive(3, Message::FinalEcho(last(epoch, 1)));
    }
    let log = script.receive(3, Message::FinalEcho(last(ACCEPTING_MAX as u32, 1)));
    assert!(log.last().unwrap().contains(&format!("{:?}, end: Displaced", at(1, 1))), "{log:?}");
    assert!(script.answer("view 100/1")[0].starts_with("tell Accepted"));
}

#[test]
fn an_oracle_outside_of_the_schedule_never_transmits() {
    let mut parameters = parameters();
    parameters.s.clear();
    let mut script = Script::new(4, 1, Toy::default(), parameters, []);
    script.answer("contract epoch");
    script.receive(3, Message::FinalEcho(last(1, 1)));
    let log = script.answer("view");
    assert_eq!(log.len(), 1);
    assert!(log[0].contains("accepted: true, delay: None"), "{log:?}");
}
