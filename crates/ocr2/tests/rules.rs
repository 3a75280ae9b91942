//! One oracle under scripts: each rule by what comes in and the exact list of what goes out.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use ocr2::{
    Epoch, Message, Refusal, Round,
    limits::ECHOES_MAX,
    message::{AttributedSignature, Final, Observe, ObserveReq, Report, ReportReq, TooLarge},
    refusal::{Early, Fault, Stale},
    signing::ReportContext,
    transport::PluginLimits,
};
use support::*;

fn observe_req(epoch: u32, round: u8) -> Message {
    Message::ObserveReq(ObserveReq { at: at(epoch, round), query: Bytes::from_static(b"q") })
}

fn request(observers: &[u8], epoch: u32, round: u8, query: &'static [u8]) -> Arc<ReportReq> {
    let n = observers.iter().map(|observer| *observer as usize + 1).max().unwrap_or(1).max(4);
    let observations = observations(observers.iter().map(|index| oracle(n, *index)), at(epoch, round), query);
    Arc::new(ReportReq { at: at(epoch, round), query: Bytes::from_static(query), observations })
}

/// What the toy plugin makes of a request, signed.
fn report_on(request: &ReportReq, signer: u8) -> Message {
    let report: Bytes = request.observations.iter().map(|entry| entry.observer).collect();
    let context = ReportContext {
        config_digest: DIGEST,
        epoch: request.at.epoch.0,
        round: request.at.round.0,
        extra_hash: hash_of(&request.query, &request.observations),
    };
    let signature = sign_report(oracle(4, signer), context.report_digest(&report));
    Message::Report(Report { at: request.at, skip: false, report, signature })
}

fn last(epoch: u32, round: u8, signers: &[u8]) -> Arc<Final> {
    let (report, extra_hash) = (Bytes::from_static(b"report"), [5; 32]);
    let context = ReportContext { config_digest: DIGEST, epoch, round, extra_hash };
    let digest = context.report_digest(&report);
    let signature =
        |signer: &u8| AttributedSignature { signature: sign_report(oracle(4, *signer), digest), signer: *signer };
    Arc::new(Final { at: at(epoch, round), extra_hash, report, signatures: signers.iter().map(signature).collect() })
}

/// A follower that has answered the contract's read and is in round 1 with its observation sent.
fn follower_in_round_1() -> Script {
    let mut script = Script::follower();
    script.answer("contract epoch");
    script.receive(2, observe_req(1, 1));
    script.answer("observe");
    script.answer("sign observation");
    script
}

/// A leader that has asked for observations in round 1, without its own.
fn leader_in_round_1() -> Script {
    let mut script = Script::leader();
    script.answer("contract epoch");
    script.answer("query");
    script.sent.clear();
    script
}

fn observe(from: u8, round: u8) -> Message {
    let signed = signed(oracle(4, from), at(1, round), b"q", &[b'o', from]);
    Message::Observe(Observe { at: at(1, round), signed })
}

// A round

#[test]
fn a_follower_observes_reports_and_echoes() {
    let mut script = Script::follower();
    assert_eq!(script.log(), ["ask contract epoch", "tell epoch 1 led by 2"]);
    assert_eq!(script.answer("contract epoch"), ["store epoch 1, sent 1", "send NewEpoch(1) to all"]);
    assert_eq!(script.receive(2, observe_req(1, 1)), ["tell round 1/1", "ask observe 1/1", "store entered 1/1"]);
    assert_eq!(script.answer("observe"), ["ask sign observation 1/1"]);
    assert_eq!(script.answer("sign observation"), ["send Observe(1/1) to {#2}"]);
    let request = request(&[0, 1, 2], 1, 1, b"q");
    assert_eq!(script.receive(2, Message::ReportReq(request)), ["tell observations 3", "ask view 1/1 Report"]);
    assert_eq!(script.answer("view"), ["ask sign report 1/1"]);
    assert_eq!(
        script.answer("sign report"),
        [
            "tell Reported { at: RoundId { epoch: Epoch(1), round: Round(1) }, report: b\"\\0\\x01\\x02\" }",
            "send Report(1/1) to {#2}"
        ]
    );
    assert_eq!(script.receive(2, Message::Final(last(1, 1, &[0, 3]))), ["tell final 1/1", "ask view 1/1 Accept"]);
    assert_eq!(script.pass(1), ["send FinalEcho(1/1) [0, 3] to {#0, #3}"], "the leader has it");
}

#[test]
fn a_leader_asks_collects_counts_and_finishes() {
    let mut script = Script::leader();
    assert_eq!(script.log(), ["ask contract epoch", "tell epoch 1 led by 2", "ask query 1/1"]);
    script.answer("contract epoch");
    assert_eq!(script.answer("query"), ["store entered 1/1", "send ObserveReq(1/1) to all"]);
    script.loop_back();
    assert_eq!(script.log()[0], "tell round 1/1", "it is its own follower, and the round is entered already");
    for from in [0, 1] {
        assert!(script.receive(from, observe(from, 1)).is_empty());
    }
    script.sent.clear();
    assert_eq!(script.receive(3, observe(3, 1)), [""; 0], "three of four: grace begins");
    assert_eq!(script.pass(19), [""; 0]);
    assert_eq!(script.pass(1), ["send ReportReq(1/1) [0, 1, 3] to all"]);
    let Message::ReportReq(request) = &*script.sent[0].1 else { panic!() };
    let request = request.clone();
    script.sent.clear();
    assert_eq!(script.receive(3, report_on(&request, 3)), [""; 0]);
    let skip =
        |round| Message::Report(Report { at: at(1, round), skip: true, report: Bytes::new(), signature: Bytes::new() });
    assert_eq!(script.receive(1, skip(1)), [""; 0], "a skip and a report are no quorum");
    assert_eq!(
        script.receive(0, report_on(&request, 0)),
        [
            "tell RoundCompleted { at: RoundId { epoch: Epoch(1), round: Round(1) }, skip: false }",
            "send Final(1/1) [0, 3] to all"
        ],
        "signers ascend"
    );
    assert_eq!(script.pass(79), [""; 0]);
    assert_eq!(script.pass(1), ["ask query 1/2"], "100 ms after round 1 began");
}

#[test]
fn late_observations_count_while_grace_lasts_and_all_of_them_end_it() {
    let mut script = leader_in_round_1();
    for from in [0, 1, 3] {
        script.receive(from, observe(from, 1));
    }
    script.pass(10);
    assert_eq!(script.receive(2, observe(2, 1)), ["send ReportReq(1/1) [0, 1, 2, 3] to all"]);
}

#[test]
fn two_f_observations_are_never_enough() {
    let mut script = leader_in_round_1();
    for from in [0, 1] {
        script.receive(from, observe(from, 1));
    }
    let log = script.pass(900);
    assert!(!log.iter().any(|line| line.contains("ReportReq")), "{log:?}");
}

#[test]
fn a_report_that_the_key_did_not_sign_in_time_is_the_last_of_its_round() {
    let mut script = follower_in_round_1();
    script.receive(2, Message::ReportReq(request(&[0, 1, 2], 1, 1, b"q")));
    script.answer("view");
    let (ticket, _) = script.asks[0];
    assert_eq!(script.answer_with("sign report", None), ["tell SignReport failed: it failed"]);
    let other = Message::ReportReq(request(&[0, 2, 3], 1, 1, b"q"));
    assert_eq!(script.refuses(2, other), Stale::BeforeRestart.into(), "the key may have signed");
    script.hand(ocr2::Event::Answered { ticket, answer: Some(ocr2::Answer::Signature(Bytes::from_static(&[0; 65]))) });
    assert_eq!(script.log(), [""; 0]);
}

#[test]
fn a_round_decided_late_is_followed_by_the_next_at_once() {
    let mut script = leader_in_round_1();
    (0..4).for_each(|from| drop(script.receive(from, observe(from, 1))));
    let Message::ReportReq(request) = &*script.sent[0].1 else { panic!() };
    let request = request.clone();
    assert_eq!(script.pass(150), [""; 0], "DeltaRound alone starts nothing");
    script.receive(0, report_on(&request, 0));
    assert_eq!(script.receive(3, report_on(&request, 3)).last().unwrap(), "ask query 1/2");
}

// Asks that fail

#[test]
fn a_failed_query_leaves_the_leader_idle_until_the_epoch_ends() {
    let mut script = Script::leader();
    script.answer("contract epoch");
    assert_eq!(script.answer_with("query", None), ["tell Query failed: it failed"]);
    assert_eq!(script.pass(399), [""; 0]);
    assert_eq!(
        script.pass(601),
        ["send NewEpoch(1) to all", "send NewEpoch(1) to all", "store epoch 1, sent 2", "send NewEpoch(2) to all"]
    );
}

#[test]
fn an_overdue_observation_is_forgotten_and_the_oracle_still_reports() {
    let mut script = Script::follower();
    script.answer("contract epoch");
    script.receive(2, observe_req(1, 1));
    let (ticket, _) = script.asks[0];
    // 50 ms, and 100 more in which an answer may be on its way.
    assert_eq!(script.pass(149), [""; 0]);
    assert_eq!(script.pass(1), ["forget", "tell Observe failed: it did not end in time"]);
    let late = ocr2::Answer::Observation(Bytes::from_static(b"late"));
    script.hand(ocr2::Event::Answered { ticket, answer: Some(late) });
    assert_eq!(script.log(), [""; 0], "a late answer does nothing");
    let request = request(&[0, 2, 3], 1, 1, b"q");
    assert_eq!(script.receive(2, Message::ReportReq(request)), ["tell observations 3", "ask view 1/1 Report"]);
}

#[test]
fn an_answer_of_a_round_that_is_over_does_nothing() {
    let mut script = Script::follower();
    script.answer("contract epoch");
    script.receive(2, observe_req(1, 1));
    let (ticket, _) = script.asks[0];
    assert_eq!(
        script.receive(2, observe_req(1, 2)),
        ["forget", "tell round 1/2", "ask observe 1/2", "store entered 1/2"]
    );
    script.hand(ocr2::Event::Answered { ticket, answer: Some(ocr2::Answer::Observation(Bytes::from_static(b"1"))) });
    assert_eq!(script.log(), [""; 0]);
    assert_eq!(script.answer("observe"), ["ask sign observation 1/2"]);
}

#[test]
fn an_answer_that_is_too_large_or_of_another_kind_counts_as_failed() {
    let mut script = Script::follower();
    script.answer("contract epoch");
    script.receive(2, observe_req(1, 1));
    let long = ocr2::Answer::Observation(vec![0; 11].into());
    assert_eq!(
        script.answer_with("observe", Some(long)),
        ["tell Observe failed: the answer is too large: 11 bytes in the observation, allowed are 10"]
    );
    script.receive(2, observe_req(1, 2));
    let other = ocr2::Answer::Transmitted;
    assert_eq!(script.answer_with("observe", Some(other)), ["tell Observe failed: the answer is of another kind"]);
}

#[test]
fn after_an_error_of_the_plugin_another_request_of_the_round_is_taken() {
    let mut script = follower_in_round_1();
    for (query, failure) in [
        (&b"e"[..], "the plugin cannot decide: told so"),
        (b"l", "the answer is too large: 41 bytes in the report, allowed are 40"),
    ] {
        script.receive(2, Message::ReportReq(request(&[0, 2, 3], 1, 1, query)));
        assert_eq!(script.answer("view"), [format!("tell View(Report) failed: {failure}")]);
    }
    script.receive(2, Message::ReportReq(request(&[0, 2, 3], 1, 1, b"other query")));
    assert_eq!(
        script.refused,
        [Refusal::Fault(Fault::TooLarge(TooLarge { what: "bytes in the query", got: 11, allowed: 10 }))]
    );
    script.receive(2, Message::ReportReq(request(&[0, 2, 3], 1, 1, b"other")));
    assert_eq!(script.answer("view"), ["ask sign report 1/1"]);
}

// Echoes

#[test]
fn a_report_is_repeated_once_in_turn_and_not_to_whoever_has_sent_the_very_same() {
    let mut script = Script::follower();
    script.answer("contract epoch");
    script.receive(3, Message::FinalEcho(last(1, 1, &[0, 3])));
    let known = Stale::Finalized { at: at(1, 1) }.into();
    assert_eq!(
        script.refuses(2, Message::FinalEcho(last(1, 1, &[0, 1]))),
        known,
        "with other signers: not the very same"
    );
    assert_eq!(script.refuses(0, Message::FinalEcho(last(1, 1, &[0, 3]))), known);
    assert_eq!(script.pass(1), ["send FinalEcho(1/1) [0, 3] to {#2}"]);
    assert_eq!(script.pass(10), [""; 0]);
}

#[test]
fn the_first_in_turn_repeats_at_once_and_a_flood_makes_the_oldest_go() {
    let mut script = Script::follower();
    script.answer("contract epoch");
    // Oracle 1 is first in round 3 of four oracles.
    assert_eq!(script.receive(3, Message::FinalEcho(last(1, 3, &[0, 3])))[0], "send FinalEcho(1/3) [0, 3] to {#0, #2}");
    for epoch in 2..2 + ECHOES_MAX as u32 {
        assert_eq!(script.receive(3, Message::FinalEcho(last(epoch, 1, &[0, 3])))[0], format!("tell final {epoch}/1"));
    }
    assert_eq!(
        script.receive(3, Message::FinalEcho(last(99, 1, &[0, 3])))[0],
        "send FinalEcho(2/1) [0, 3] to {#0, #2}"
    );
    assert_eq!(script.pass(1).len(), ECHOES_MAX);
}

// Restarts

#[test]
fn after_a_restart_nothing_is_said_in_a_round_that_was_entered() {
    let mut script = follower_in_round_1().restart();
    assert_eq!(script.log(), ["ask contract epoch", "tell epoch 1 led by 2"]);
    assert_eq!(script.answer("contract epoch"), ["send NewEpoch(1) to all"], "it is stored already");
    let (got, current) = (Round(1), Round(1));
    assert_eq!(script.refuses(2, observe_req(1, 1)), Stale::PastRound { got, current }.into());
    let request = Message::ReportReq(request(&[0, 2, 3], 1, 1, b"q"));
    assert_eq!(script.refuses(2, request), Stale::BeforeRestart.into());
    let log = script.receive(2, Message::Final(last(1, 1, &[0, 3])));
    assert_eq!(log[0], "tell final 1/1", "a Final is taken: it makes us sign nothing");
    assert_eq!(script.receive(2, observe_req(1, 2))[0], "tell round 1/2");
}

#[test]
fn a_crash_between_observe_req_and_observe_costs_the_round_and_nothing_else() {
    let mut script = Script::follower();
    script.answer("contract epoch");
    script.receive(2, observe_req(1, 2));
    let mut script = script.restart();
    script.answer("contract epoch");
    assert_eq!(script.refuses(2, observe_req(1, 1)), Stale::PastRound { got: Round(1), current: Round(2) }.into());
    assert_eq!(script.refuses(2, observe_req(1, 2)), Stale::PastRound { got: Round(2), current: Round(2) }.into());
}

#[test]
fn a_leader_goes_on_after_a_restart_with_the_next_round() {
    let mut script = leader_in_round_1().restart();
    assert_eq!(script.log(), ["ask contract epoch", "tell epoch 1 led by 2", "ask query 1/2"]);
    script.answer("contract epoch");
    assert_eq!(script.answer("query"), ["store entered 1/2", "send ObserveReq(1/2) to all"]);
}

#[test]
fn a_leader_that_crashes_before_its_round_is_stored_may_start_it_again() {
    let mut script = Script::leader();
    script.answer("contract epoch");
    let mut script = script.restart();
    assert_eq!(script.log()[2], "ask query 1/1");
}

#[test]
fn what_was_entered_in_an_earlier_epoch_does_not_hinder_a_later_one() {
    let mut script = follower_in_round_1();
    for from in [0, 2, 3] {
        script.receive(from, Message::NewEpoch(Epoch(2)));
    }
    assert_eq!(script.oracle.epoch().0, Epoch(2));
    let mut script = script.restart();
    script.answer("contract epoch");
    assert_eq!(script.receive(2, observe_req(2, 1))[0], "tell round 2/1");
}

#[test]
fn the_contract_tells_an_oracle_without_memory_how_far_the_committee_is() {
    let mut script = Script::follower();
    script.log();
    let answer = ocr2::Answer::ContractEpoch { config_digest: DIGEST, epoch: Epoch(9) };
    assert_eq!(
        script.answer_with("contract epoch", Some(answer)),
        ["store epoch 1, sent 10", "send NewEpoch(10) to all"]
    );
    let mut script = Script::follower();
    assert_eq!(script.log().len(), 2);
    assert_eq!(
        script.pass(150),
        ["forget", "tell ContractEpoch failed: it did not end in time", "send NewEpoch(0) to all"],
        "a chain that hangs costs nothing but the start's wish"
    );
}

#[test]
fn an_epoch_of_the_contract_that_no_committee_reaches_is_not_believed() {
    // One endpoint that lies to f + 1 oracles would lead all to the last epoch, after which there is no other leader.
    for epoch in [u32::MAX - 1, u32::MAX, 1 << 31] {
        let mut script = Script::follower();
        script.log();
        let answer = ocr2::Answer::ContractEpoch { config_digest: DIGEST, epoch: Epoch(epoch) };
        let log = script.answer_with("contract epoch", Some(answer));
        assert_eq!(
            log,
            ["tell ContractEpoch failed: the answer cannot be true", "send NewEpoch(0) to all"],
            "contract epoch {epoch}"
        );
    }
}

// Epochs

#[test]
fn f_plus_1_wishes_are_joined_and_2f_plus_1_are_obeyed() {
    let mut script = Script::follower();
    script.answer("contract epoch");
    script.sent.clear();
    assert_eq!(script.receive(0, Message::NewEpoch(Epoch(5))), [""; 0]);
    assert_eq!(script.receive(3, Message::NewEpoch(Epoch(4))), ["store epoch 1, sent 4", "send NewEpoch(4) to all"]);
    script.loop_back();
    assert_eq!(script.log(), ["store epoch 4, sent 4", "tell epoch 4 led by 0"]);
    assert_eq!(script.refuses(0, Message::NewEpoch(Epoch(5))), Stale::EpochKnown { known: Epoch(5) }.into());
    assert_eq!(script.refuses(2, observe_req(1, 1)), Stale::PastEpoch { got: Epoch(1), current: Epoch(4) }.into());
}

#[test]
fn progress_is_awaited_anew_with_every_complete_round() {
    let mut script = follower_in_round_1();
    script.pass(900);
    script.receive(2, Message::Final(last(1, 1, &[0, 3])));
    let log = script.pass(999);
    assert!(!log.contains(&"send NewEpoch(2) to all".into()), "{log:?}");
    assert!(script.pass(1).contains(&"send NewEpoch(2) to all".into()));
}

#[test]
fn a_final_echo_is_no_progress() {
    let mut script = follower_in_round_1();
    script.pass(900);
    script.receive(3, Message::FinalEcho(last(1, 1, &[0, 3])));
    assert!(script.pass(100).contains(&"send NewEpoch(2) to all".into()));
}

#[test]
fn messages_of_a_later_epoch_wait_for_it_each_for_its_own() {
    let mut script = Script::follower();
    script.answer("contract epoch");
    script.sent.clear();
    // Oracle 2 leads epoch 2; oracle 1, that is we, epoch 3; oracle 0 epoch 4.
    assert_eq!(script.receive(2, Message::Final(last(9, 1, &[0, 3]))), [""; 0], "far ahead, and in front");
    assert_eq!(script.receive(2, observe_req(2, 1)), [""; 0]);
    assert_eq!(script.receive(2, observe_req(2, 2)), [""; 0]);
    for from in [0, 3] {
        script.receive(from, Message::NewEpoch(Epoch(2)));
    }
    let log = script.receive(2, Message::NewEpoch(Epoch(2)));
    assert_eq!(
        log,
        [
            "store epoch 2, sent 2",
            "tell epoch 2 led by 2",
            "tell round 2/1",
            "ask observe 2/1",
            "store entered 2/1",
            "forget",
            "tell round 2/2",
            "ask observe 2/2",
            "store entered 2/2"
        ]
    );
}

#[test]
fn one_sender_fills_only_its_own_space_and_loses_its_oldest() {
    let mut script = Script::follower();
    script.answer("contract epoch");
    for _ in 0..ocr2::limits::FUTURE_MESSAGES_MAX {
        assert_eq!(script.receive(3, observe_req(7, 1)), [""; 0]);
    }
    assert_eq!(script.refuses(3, observe_req(8, 1)), Early::Displaced { epoch: Epoch(7) }.into());
    assert_eq!(script.receive(0, observe_req(7, 1)), [""; 0]);
}

// Refusals

#[test]
fn a_follower_refuses_by_name() {
    let mut script = follower_in_round_1();
    let leads = |leader| Fault::NotLeader { epoch: Epoch(1), leader: oracle(4, leader) };
    assert_eq!(script.refuses(0, observe_req(1, 2)), leads(2).into());
    assert_eq!(script.refuses(2, observe_req(1, 0)), Fault::NoSuchRound { got: Round(0), last: Round(4) }.into());
    assert_eq!(script.refuses(2, observe_req(1, 5)), Fault::NoSuchRound { got: Round(5), last: Round(4) }.into());
    assert_eq!(script.refuses(2, observe_req(1, 1)), Stale::PastRound { got: Round(1), current: Round(1) }.into());
    let ours = Fault::NotForUs { epoch: Epoch(1), leader: oracle(4, 2) };
    assert_eq!(script.refuses(0, observe(0, 1)), ours.into());
    let good = request(&[0, 1, 2], 1, 1, b"q");
    assert_eq!(script.refuses(0, report_on(&good, 0)), ours.into());
    let long = ObserveReq { at: at(1, 2), query: Bytes::from_static(&[0; 11]) };
    assert_eq!(
        script.refuses(2, Message::ObserveReq(long)),
        Fault::TooLarge(TooLarge { what: "bytes in the query", got: 11, allowed: 10 }).into()
    );

    let ask = |request: Arc<ReportReq>| Message::ReportReq(request);
    assert_eq!(script.refuses(0, ask(good.clone())), leads(2).into());
    let (got, current) = (Round(2), Round(1));
    assert_eq!(script.refuses(2, ask(request(&[0, 1, 2], 1, 2, b"q"))), Early::FutureRound { got, current }.into());
    let few = Fault::TooFewObservations { got: 2, twice_f: 2 };
    assert_eq!(script.refuses(2, ask(request(&[0, 1], 1, 1, b"q"))), few.into());
    assert_eq!(
        script.refuses(2, ask(request(&[0, 1, 0, 2], 1, 1, b"q"))),
        Fault::Twice { oracle: oracle(4, 0) }.into()
    );
    assert_eq!(script.refuses(2, ask(request(&[0, 1, 4], 1, 1, b"q"))), Fault::NoSuchOracle { got: 4, n: 4 }.into());
    let mut bad = (*good).clone();
    bad.observations[2].signed.observation = Bytes::from_static(b"other");
    let relayed = Fault::RelayedObservationSignature { observer: oracle(4, 2) };
    assert_eq!(script.refuses(2, ask(Arc::new(bad.clone()))), relayed.into());
    bad.observations[2].signed.signature = Bytes::from_static(b"short");
    assert_eq!(script.refuses(2, ask(Arc::new(bad))), relayed.into());
    let other_round = ReportReq { at: at(1, 1), ..(*request(&[0, 1, 2], 1, 2, b"q")).clone() };
    let relayed = Fault::RelayedObservationSignature { observer: oracle(4, 0) };
    assert_eq!(script.refuses(2, ask(Arc::new(other_round))), relayed.into());

    script.receive(2, ask(good.clone()));
    assert_eq!(script.refuses(2, ask(good.clone())), Stale::Reporting.into());
    script.answer("view");
    script.answer("sign report");
    assert_eq!(script.refuses(2, ask(good.clone())), Stale::ReportSent.into());
}

#[test]
fn a_final_is_refused_by_name() {
    let mut script = follower_in_round_1();
    let refuses = |script: &mut Script, report: Final| {
        let refusal = script.refuses(2, Message::Final(Arc::new(report.clone())));
        assert_eq!(script.refuses(0, Message::FinalEcho(Arc::new(report))), refusal, "and as a FinalEcho");
        refusal
    };
    let good = (*last(1, 1, &[0, 3])).clone();
    let signers = |signers: &[u8]| (*last(1, 1, signers)).clone();
    for got in [0, 1, 3] {
        let count = Fault::SignatureCount { got, wanted: 2 };
        assert_eq!(refuses(&mut script, signers(&[0, 1, 3][..got])), count.into());
    }
    assert_eq!(refuses(&mut script, signers(&[3, 3])), Fault::Twice { oracle: oracle(4, 3) }.into());
    let mut stranger = good.clone();
    stranger.signatures[1].signer = 4;
    assert_eq!(refuses(&mut script, stranger), Fault::NoSuchOracle { got: 4, n: 4 }.into());
    let mut swapped = good.clone();
    swapped.signatures[1].signer = 1;
    let relayed = |signer| Fault::RelayedReportSignature { signer: oracle(4, signer) };
    assert_eq!(refuses(&mut script, swapped), relayed(1).into());
    let other = Final { report: Bytes::from_static(b"other"), ..good.clone() };
    assert_eq!(refuses(&mut script, other), relayed(0).into());
    assert_eq!(refuses(&mut script, Final { extra_hash: [6; 32], ..good.clone() }), relayed(0).into());

    let leads = Fault::NotLeader { epoch: Epoch(1), leader: oracle(4, 2) };
    assert_eq!(script.refuses(0, Message::Final(last(1, 1, &[0, 3]))), leads.into());
    let (got, current) = (Round(2), Round(1));
    assert_eq!(script.refuses(2, Message::Final(last(1, 2, &[0, 3]))), Early::FutureRound { got, current }.into());
    let over = Fault::NoSuchRound { got: Round(4), last: Round(4) };
    assert_eq!(script.refuses(0, Message::FinalEcho(last(1, 4, &[0, 3]))), over.into());

    script.receive(0, Message::FinalEcho(last(1, 1, &[0, 3])));
    let known = Stale::Finalized { at: at(1, 1) };
    assert_eq!(script.refuses(3, Message::FinalEcho(last(1, 1, &[0, 1]))), known.into(), "other signers, same report");
    assert_eq!(script.refuses(2, Message::Final(last(1, 1, &[0, 3]))), known.into(), "but now the round is complete");
    let request = Message::ReportReq(request(&[0, 1, 2], 1, 1, b"q"));
    assert_eq!(script.refuses(2, request), Stale::RoundComplete.into());
    script.receive(0, Message::FinalEcho(last(1000, 1, &[0, 3])));
    let expired = Stale::Expired { at: at(2, 1) };
    assert_eq!(script.refuses(0, Message::FinalEcho(last(2, 1, &[0, 3]))), expired.into());
}

#[test]
fn a_leader_refuses_by_name() {
    let mut script = Script::leader();
    script.answer("contract epoch");
    let (got, current) = (Round(1), Round(0));
    assert_eq!(script.refuses(0, observe(0, 1)), Early::FutureRound { got, current }.into());
    script.answer("query");
    script.sent.clear();
    let (got, current) = (Round(2), Round(1));
    assert_eq!(script.refuses(0, observe(0, 2)), Early::FutureRound { got, current }.into());
    assert_eq!(script.refuses(0, observe(3, 1)), Fault::ObservationSignature.into());
    script.receive(0, observe(0, 1));
    assert_eq!(script.refuses(0, observe(0, 1)), Stale::ObservedBefore.into());
    let early = request(&[0, 1, 3], 1, 1, b"q");
    assert_eq!(script.refuses(0, report_on(&early, 0)), Early::ReportsNotAsked.into());
    (1..4).for_each(|from| drop(script.receive(from, observe(from, 1))));
    let Message::ReportReq(request) = &*script.sent[0].1 else { panic!() };
    let request = request.clone();
    assert_eq!(script.refuses(0, observe(0, 1)), Stale::ObservationsClosed.into());
    assert_eq!(script.refuses(0, report_on(&request, 3)), Fault::ReportSignature.into());
    assert_eq!(script.refuses(0, report_on(&early, 0)), Fault::ReportSignature.into(), "of another request");
    let Message::Report(skip) = report_on(&request, 0) else { panic!() };
    let skip = Message::Report(Report { skip: true, ..skip });
    assert_eq!(script.refuses(0, skip), Fault::SkipWithPayload.into());
    script.receive(0, report_on(&request, 0));
    assert_eq!(script.refuses(0, report_on(&request, 0)), Stale::ReportedBefore.into());
    script.receive(3, report_on(&request, 3));
    assert_eq!(script.refuses(1, report_on(&request, 1)), Stale::RoundDecided.into());

    for from in [0, 1, 3] {
        script.receive(from, Message::NewEpoch(Epoch(2)));
    }
    script.asks.retain(|(_, ask)| shown_work(&ask.work).starts_with("query 2"));
    script.answer("query");
    let past = Stale::PastEpoch { got: Epoch(1), current: Epoch(2) };
    assert_eq!(script.refuses(0, observe(0, 1)), past.into());
    assert_eq!(script.refuses(0, report_on(&request, 0)), past.into());
}

#[test]
fn what_an_oracle_said_to_itself_under_a_former_configuration_is_no_fault() {
    let mut script = leader_in_round_1();
    assert_eq!(script.refuses(2, observe(3, 1)), Stale::FormerConfig.into());
}

// Sizes

#[test]
fn a_leader_leaves_out_the_longest_surplus_observations_rather_than_send_too_much() {
    let limits = PluginLimits { query_bytes_max: 0, observation_bytes_max: 1000, report_bytes_max: 40 };
    let mut script = Script::new(31, 7, Toy { limits, ..Toy::default() }, parameters(), []);
    assert_eq!(script.oracle.epoch().1, script.me, "oracle 7 of 31 leads epoch 1");
    script.answer("contract epoch");
    script.answer_with("query", Some(ocr2::Answer::Query(Bytes::new())));
    script.sent.clear();
    let allowed = script.oracle.transport_limits().message_bytes_max as usize;
    for from in 0..31 {
        let length = if from == 5 { 1000 } else { 999 };
        let signed = signed(script.id(from), at(1, 1), b"", &vec![from; length]);
        script.receive(from, Message::Observe(Observe { at: at(1, 1), signed }));
    }
    let [(_, message)] = &script.sent[..] else { panic!("{:?}", script.sent.len()) };
    let Message::ReportReq(request) = &**message else { panic!() };
    let length = message.encode().len();
    assert!(length <= allowed && length + 1100 > allowed, "{length} of {allowed}");
    let observers: Vec<u8> = request.observations.iter().map(|entry| entry.observer).collect();
    assert_eq!(observers.len(), 30);
    assert!(!observers.contains(&5) && observers.is_sorted());
}

#[test]
fn a_leader_sends_nothing_if_even_a_quorum_of_observations_is_too_long() {
    let limits = PluginLimits { query_bytes_max: 5000, observation_bytes_max: 100, report_bytes_max: 40 };
    let mut script = Script::new(4, 2, Toy { limits, ..Toy::default() }, parameters(), []);
    script.answer("contract epoch");
    let query = Bytes::from(vec![b'q'; 5000]);
    script.answer_with("query", Some(ocr2::Answer::Query(query.clone())));
    let mut log = Vec::new();
    for from in 0..4 {
        let signed = signed(script.id(from), at(1, 1), &query, &[from; 100]);
        log = script.receive(from, Message::Observe(Observe { at: at(1, 1), signed }));
    }
    assert_eq!(log.len(), 1);
    assert!(log[0].contains("ReportReqTooLong"), "{log:?}");
}

#[test]
fn rounds_end_with_the_one_after_r_max() {
    let mut script = Script::new(4, 2, Toy::default(), parameters(), []);
    script.answer("contract epoch");
    for round in 1..=4 {
        assert_eq!(script.answer("query")[0], format!("store entered 1/{round}"));
        if round == 4 {
            break;
        }
        for from in 0..4 {
            script.receive(from, observe(from, round));
        }
        let skip = |from| {
            (
                from,
                Message::Report(Report { at: at(1, round), skip: true, report: Bytes::new(), signature: Bytes::new() }),
            )
        };
        for (from, message) in [skip(0), skip(1)] {
            script.receive(from, message);
        }
        script.pass(100);
        script.asks.retain(|(_, ask)| shown_work(&ask.work).starts_with("query"));
    }
    assert!(script.asks.is_empty());
    let log = script.pass(300);
    assert!(!log.iter().any(|line| line.starts_with("ask query")), "{log:?}");
}
