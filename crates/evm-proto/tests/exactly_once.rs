//! Whatever endpoints, chain, disk and the other users of a key do: no nonce goes to two payloads, no payload lands twice,
//! and every submission ends in one outcome.

mod world;

use evm_proto::transactions::Outcome;
use proptest::prelude::*;
use world::{SECOND, World, config, payload, sender};

#[derive(Clone, Debug)]
enum Step {
    Submit,
    SubmitAgain(u8),
    Abandon(u8),
    Answer(usize),
    AnswerBehind(usize, u64),
    /// The endpoint's receipts lag behind its state; never so often in a row that it counts as someone else's doing.
    AnswerWithoutReceipts(usize),
    Fail(usize, bool),
    Mine,
    MineEmpty,
    Reorg {
        depth: u64,
        lost: bool,
    },
    Foreign(u8),
    LosePool,
    BaseFee(u128),
    Pass(u64),
    Crash,
    /// Dies after so many effects of the next answer.
    DieAnswering(usize, usize),
    DieSubmitting(usize),
    DieAbandoning(u8, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Submit),
        1 => any::<u8>().prop_map(Step::SubmitAgain),
        2 => any::<u8>().prop_map(Step::Abandon),
        20 => any::<usize>().prop_map(Step::Answer),
        2 => any::<usize>().prop_map(Step::AnswerWithoutReceipts),
        2 => (any::<usize>(), 1u64..8).prop_map(|(which, behind)| Step::AnswerBehind(which, behind)),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(which, happened)| Step::Fail(which, happened)),
        10 => Just(Step::Mine),
        3 => Just(Step::MineEmpty),
        2 => (1u64..3, any::<bool>()).prop_map(|(depth, lost)| Step::Reorg { depth, lost }),
        1 => (0u8..2).prop_map(Step::Foreign),
        1 => Just(Step::LosePool),
        1 => (1u128..600).prop_map(Step::BaseFee),
        8 => (200u64..4_000).prop_map(Step::Pass),
        1 => Just(Step::Crash),
        6 => (any::<usize>(), 0usize..6).prop_map(|(which, effects)| Step::DieAnswering(which, effects)),
        1 => (0usize..3).prop_map(Step::DieSubmitting),
        1 => (any::<u8>(), 0usize..4).prop_map(|(which, effects)| Step::DieAbandoning(which, effects)),
    ];
    prop::collection::vec(step, 0..150)
}

fn take(world: &mut World, step: &Step, submitted: &mut u8) {
    let some = |which: u8, submitted: u8| (submitted > 0).then(|| which % submitted);
    match *step {
        Step::Submit if *submitted < 100 => {
            world.submit(*submitted, None);
            *submitted += 1;
        }
        Step::DieSubmitting(effects) if *submitted < 100 => {
            world.submit(*submitted, Some(effects));
            *submitted += 1;
        }
        Step::Submit | Step::DieSubmitting(_) => {}
        Step::SubmitAgain(which) => {
            if let Some(number) = some(which, *submitted) {
                world.submit(number, None);
            }
        }
        Step::Abandon(which) => {
            if let Some(number) = some(which, *submitted) {
                world.abandon(number, None);
            }
        }
        Step::DieAbandoning(which, effects) => {
            if let Some(number) = some(which, *submitted) {
                world.abandon(number, Some(effects));
            }
        }
        Step::Answer(which) => {
            if let Some(ticket) = world.ticket(which) {
                world.answer(ticket, 0, None);
            }
        }
        Step::AnswerBehind(which, behind) => {
            if let Some(ticket) = world.ticket(which) {
                world.answer(ticket, behind, None);
            }
        }
        Step::AnswerWithoutReceipts(which) => {
            if let Some(ticket) = world.ticket(which) {
                world.answer_without_receipts(ticket);
            }
        }
        Step::DieAnswering(which, effects) => {
            if let Some(ticket) = world.ticket(which) {
                world.answer(ticket, 0, Some(effects));
            }
        }
        Step::Fail(which, happened) => {
            if let Some(ticket) = world.ticket(which) {
                world.fail(ticket, happened);
            }
        }
        Step::Mine => world.chain.mine(true),
        Step::MineEmpty => world.chain.mine(false),
        Step::Reorg { depth, lost } => {
            // Never below what was confirmed once: that is what confirmations mean.
            let floor = (world.chain.best + 1).saturating_sub(world.config.confirmations);
            world.chain.roll_back(depth.min(world.chain.head().saturating_sub(floor)), lost);
        }
        Step::Foreign(number) => world.chain.foreign(sender(number)),
        Step::LosePool => world.chain.pool.clear(),
        Step::BaseFee(gwei) => world.chain.base_fee = gwei * world::GWEI,
        Step::Pass(millis) => world.pass(std::time::Duration::from_millis(millis)),
        Step::Crash => world.crash(),
    }
}

/// Every promise that holds at rest: all that was submitted ends, and the chain agrees with what was told.
fn come_to_rest(world: &mut World, submitted: u8) {
    world.chain.base_fee = 10 * world::GWEI;
    for number in 0..submitted {
        // The host asks for what it may have missed by a crash.
        world.submit(number, None);
    }
    for _ in 0..400 {
        world.settle();
        world.chain.mine(true);
        world.pass(SECOND * 2);
        if (0..2).all(|number| world.machine.underway(sender(number)) == (0, 0)) {
            break;
        }
    }
    for number in 0..submitted {
        let id = world::id(number);
        let outcome = world.outcomes.get(&id).unwrap_or_else(|| panic!("{id} has no outcome"));
        let blocks = world.chain.blocks.iter().flat_map(|block| &block.transactions);
        let landed: Vec<_> = blocks.filter(|hash| payload(&world.chain.known[*hash]) == Some(id)).collect();
        match outcome {
            Outcome::Included { receipt, .. } => assert_eq!(landed, [&receipt.transaction]),
            Outcome::Replaced { .. } | Outcome::Failed(_) => assert!(landed.is_empty(), "{id} landed: {outcome:?}"),
        }
    }
}

fn live(steps: &[Step], random_signatures: bool) {
    let mut world = World::new(config(2, 3));
    world.random_signatures = random_signatures;
    world.logging = false;
    world.pass(SECOND);
    let mut submitted = 0;
    for step in steps {
        take(&mut world, step, &mut submitted);
    }
    come_to_rest(&mut world, submitted);
}

/// Found by the property below: the slot then went, and with it all memory of its nonce.
#[test]
fn a_crash_between_a_slot_and_the_high_water_mark_of_nonces_does_not_free_the_nonce() {
    use Step::{Answer, AnswerBehind, DieAnswering, DieSubmitting, Mine, Pass, Submit};
    let steps = [
        Submit,
        Answer(0),
        DieAnswering(0, 1),
        Answer(0),
        Answer(0),
        Answer(0),
        Mine,
        Mine,
        Pass(1000),
        Mine,
        Answer(0),
        DieSubmitting(1),
        AnswerBehind(0, 3),
    ];
    live(&steps, false);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_submission_lands_at_most_once_and_ends_in_one_outcome(steps in steps(), random_signatures: bool) {
        live(&steps, random_signatures);
    }
}
