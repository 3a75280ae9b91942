//! Whole worlds: what a seed means, that calm ones and troubled ones hold every property, and that liars lie.

use liars::Lie;
use sim::plan::{Fault, Moment, Plan, SECOND};
use sim::{Rng, Scheme, Tally, World};
use std::collections::BTreeMap;

fn lives(world: World) -> Tally {
    let plan = world.plan().to_string();
    world.live().unwrap_or_else(|violation| panic!("{violation}\nin a world of {plan}"))
}

/// A world in which one oracle lies and nothing else goes wrong.
fn with_liar(n: usize, lie: Lie, seed: u64) -> Tally {
    let plan = Plan { liars: vec![(1, lie)], ..Plan::calm(n) };
    lives(World::with_plan(plan, Rng::new(seed), Scheme::Keyed).noting_refusals())
}

#[test]
fn one_seed_is_one_world_to_the_last_block() {
    let head = |seed| lives(World::new(seed, 4, Scheme::Keyed));
    assert_eq!(head(5), head(5));
    assert_ne!(head(5).head, head(6).head);
}

#[test]
fn a_calm_world_of_four_brings_more_than_a_hundred_rounds_to_the_chain() {
    let tally = lives(World::with_plan(Plan::calm(4), Rng::new(1), Scheme::Keyed));
    assert!(tally.transmitted > 100, "{tally:?}");
    assert_eq!(tally.restarts, 0);
}

#[test]
fn messages_as_bytes_make_the_same_world_as_messages_as_values() {
    let as_bytes = |bytes| lives(World::with_plan(Plan { bytes, ..Plan::calm(4) }, Rng::new(2), Scheme::Keyed)).head;
    assert_eq!(as_bytes(true), as_bytes(false));
}

#[test]
fn troubled_worlds_hold_every_property() {
    for seed in [0, 3, 8] {
        lives(World::new(seed, 4, Scheme::Keyed));
    }
    lives(World::new(1, 7, Scheme::Keyed));
}

#[test]
fn real_signatures_are_taken_like_keyed_ones() {
    let plan = || Plan { liars: vec![(2, Lie::Forging)], ..Plan::calm(4) };
    let transmitted = |scheme| lives(World::with_plan(plan(), Rng::new(3), scheme)).transmitted;
    assert_eq!(transmitted(Scheme::Real), transmitted(Scheme::Keyed));
}

#[test]
fn a_crash_between_any_two_effects_breaks_no_promise() {
    for after in 0..10 {
        let from = [Moment::Now, Moment::Signature, Moment::Transaction][after as usize % 3];
        let crash = |oracle| {
            let at = (2 + 3 * oracle as u64) * SECOND;
            [(at, Fault::Crash { oracle, after, from }), (at + 300_000_000, Fault::Restart { oracle })]
        };
        let faults = [crash(0), crash(1), crash(2), crash(3)].concat();
        let plan = Plan { faults, mended_at: 12 * SECOND, ..Plan::calm(4) };
        lives(World::with_plan(plan, Rng::new(after.into()), Scheme::Keyed));
    }
}

// Liars: what each of them does is seen by the honest ones, by its name.

#[test]
fn a_forgers_signatures_are_refused_wherever_they_stand() {
    // An echo of its own is refused for its signatures only where it comes before the report.
    let refusals: BTreeMap<_, _> = (1..6).flat_map(|seed| with_liar(4, Lie::Forging, seed).refusals).collect();
    for name in
        ["ObservationSignature", "RelayedObservationSignature", "ReportSignature", "RelayedReportSignature", "Twice"]
    {
        assert!(refusals.contains_key(name), "{name} is not in {refusals:?}");
    }
}

#[test]
fn a_biased_leaders_requests_are_refused_and_its_answers_are_not_taken() {
    // Each lie ends an epoch, so a world has few of them.
    let refusals: BTreeMap<_, _> = (1..4).flat_map(|seed| with_liar(4, Lie::Biased, seed).refusals).collect();
    for name in ["Twice", "TooFewObservations", "RelayedObservationSignature"] {
        assert!(refusals.contains_key(name), "{name} is not in {refusals:?}");
    }
}

#[test]
fn a_two_faced_leader_gets_one_report_from_each() {
    let refusals = with_liar(4, Lie::TwoFaced, 1).refusals;
    assert!(refusals.contains_key("ReportSent") || refusals.contains_key("RoundComplete"), "{refusals:?}");
}

#[test]
fn a_replayers_old_messages_are_stale() {
    let refusals = with_liar(4, Lie::Replaying, 1).refusals;
    for name in ["PastEpoch", "PastRound", "Finalized"] {
        assert!(refusals.contains_key(name), "{name} is not in {refusals:?}");
    }
}

#[test]
fn a_flood_is_refused_for_many_reasons() {
    let refusals = with_liar(4, Lie::Flooding, 1).refusals;
    for name in ["NotLeader", "SignatureCount", "EpochKnown"] {
        assert!(refusals.contains_key(name), "{name} is not in {refusals:?}");
    }
}

#[test]
fn twins_say_two_things_where_one_is_expected() {
    let refusals = with_liar(4, Lie::Twins, 1).refusals;
    assert!(refusals.contains_key("ObservedBefore") || refusals.contains_key("ReportedBefore"), "{refusals:?}");
}

#[test]
fn an_amnesiac_begins_again_and_again_and_is_behind() {
    let refusals = with_liar(4, Lie::Amnesiac, 1).refusals;
    assert!(refusals.get("EpochKnown").copied().unwrap_or(0) > 20, "{refusals:?}");
}

#[test]
fn a_hasty_oracle_alone_moves_nobody() {
    let refusals = with_liar(4, Lie::Hasty, 1).refusals;
    // Once it has asked for the last epoch there is, all else that it wants is less.
    assert!(refusals.get("EpochKnown").copied().unwrap_or(0) > 500, "{refusals:?}");
}

#[test]
fn a_silent_leader_costs_rounds_and_an_absurd_source_costs_none() {
    let calm = lives(World::with_plan(Plan::calm(4), Rng::new(1), Scheme::Keyed)).transmitted;
    assert!(with_liar(4, Lie::Silent, 1).transmitted < calm * 9 / 10);
    assert!(with_liar(4, Lie::Absurd, 1).transmitted > calm * 9 / 10);
}
