//! Endpoints whose numbers come from nowhere: both machines take them for what they are and live on.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use evm_proto::chain::{Block, Receipt};
use evm_proto::tracker::{self, Tracker, Tracking};
use evm_proto::transactions::{
    Answer, Ask, Config, Estimate, FeePolicy, Gas, Look, Order, Sending, Signed, Submission, SubmissionId,
    Transactions, Verdict,
};
use machine::{Effect, Effects, Event, Machine as _, Mono, Record as _, Time, Wall};
use ocr::ConfigDigest;
use proptest::prelude::*;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Small, or close to where 64 bits end.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..20_u64, (0..20_u64).prop_map(|below| u64::MAX - below), any::<u64>()]
}

fn block(number: u64) -> Block {
    Block { number, hash: keccak256(number.to_be_bytes()) }
}

fn time(seconds: usize) -> Time {
    let nanoseconds = seconds as u64 * 1_000_000_000;
    Time { mono: Mono(nanoseconds), wall: Wall(nanoseconds) }
}

proptest! {
    #[test]
    fn no_head_and_no_block_number_stops_the_tracker(
        looks in prop::collection::vec((number(), number(), 0..2_u8), 1..20), confirmations in 0..4_u64
    ) {
        let config = tracker::Config {
            chain_id: 1,
            contract: Address::ZERO,
            confirmations,
            poll_interval: SECOND,
            load_timeout: SECOND,
        };
        // It follows a configuration, so that it may also be gone.
        let followed = tracker::Record::Configured(Default::default());
        let mut tracker = Tracker::recover(config, [followed]);
        for (second, (head, changed_in, digest)) in looks.into_iter().enumerate() {
            let mut out = Effects::<Tracking>::default();
            tracker.handle(time(2 * second), Event::Woke, &mut out);
            let asked: Vec<_> = out.drain().collect();
            for effect in asked {
                let Effect::Ask { ticket, ask: tracker::Ask::Look } = effect else { continue };
                let digest = ConfigDigest([digest; 32]);
                let look = tracker::Look { head: block(head), config_count: 1, changed_in, digest };
                let answer = Some(tracker::Answer::Looked(look));
                tracker.handle(time(2 * second), Event::Answered { ticket, answer }, &mut out);
            }
        }
    }

    #[test]
    fn no_nonce_head_or_fee_stops_the_sender_or_makes_it_use_a_nonce_that_no_chain_takes(
        looks in prop::collection::vec((number(), number(), number(), number(), any::<u128>(), any::<u128>()), 1..30),
        estimate in number(),
    ) {
        let fees = FeePolicy {
            tip_min: 1,
            fee_cap_max: u128::MAX,
            headroom_percent: 200,
            bump_after_blocks: 1,
            bump_percent: 20,
            bump_min: 1,
        };
        let config = Config {
            chain_id: 1,
            senders: vec![Address::ZERO],
            confirmations: 2,
            poll_interval: SECOND,
            answer_within: SECOND * 5,
            resend_after: SECOND,
            in_flight_max: 4,
            fees,
        };
        let mut machine = Transactions::recover(config.clone(), []).unwrap();
        let mut records = std::collections::BTreeMap::new();
        for (second, (head, nonce, nonce_pending, nonce_confirmed, base_fee, tip)) in looks.into_iter().enumerate() {
            let now = time(2 * second);
            let mut out = Effects::<Sending>::default();
            let gas = match second % 2 {
                0 => Gas::Limit(100_000),
                _ => Gas::Estimate { margin_percent: u32::MAX, limit_max: u64::MAX },
            };
            let submission =
                Submission { from: None, to: Address::ZERO, value: U256::MAX, input: Bytes::new(), gas, expires: None };
            let submission = Submission { value: U256::ZERO, ..submission };
            machine.handle(now, Event::Told(Order::Submit { id: SubmissionId([second as u8; 32]), submission }), &mut out);
            let mut steps = 0;
            loop {
                let effects: Vec<_> = out.drain().collect();
                if effects.is_empty() || steps > 100 {
                    break;
                }
                steps += 1;
                for effect in effects {
                    let (ticket, answer) = match effect {
                        Effect::Ask { ticket, ask: Ask::Look(ask) } => {
                            let receipt = |(_, transaction): &(u64, B256)| Receipt {
                                transaction: *transaction,
                                block: block(nonce_confirmed),
                                gas_used: head,
                                gas_price: tip,
                                success: true,
                            };
                            let receipts = ask.attempts.iter().skip(1).map(receipt).collect();
                            let balance = U256::MAX;
                            let head = block(head);
                            let look =
                                Look { head, nonce, nonce_pending, nonce_confirmed, balance, base_fee, tip, receipts };
                            (ticket, Answer::Looked(look))
                        }
                        Effect::Ask { ticket, ask: Ask::Estimate { .. } } => {
                            (ticket, Answer::Estimated(Estimate::Gas(estimate)))
                        }
                        Effect::Ask { ticket, ask: Ask::Sign(transaction) } => {
                            prop_assert!(transaction.nonce < u64::MAX, "EIP-2681");
                            let hash = keccak256(format!("{transaction:?}"));
                            (ticket, Answer::Signed(Signed { hash, raw: Bytes::new() }))
                        }
                        Effect::Ask { ticket, ask: Ask::Broadcast { .. } } => {
                            (ticket, Answer::Broadcast(Verdict::Accepted))
                        }
                        Effect::Persist(record) => {
                            if record.erases() {
                                records.remove(&record.key());
                            } else {
                                records.insert(record.key(), record);
                            }
                            continue;
                        }
                        Effect::Send { to, .. } => match to {},
                        Effect::Forget(_) | Effect::Emit(_) => continue,
                    };
                    machine.handle(now, Event::Answered { ticket, answer: Some(answer) }, &mut out);
                }
            }
        }
        // And what it has stored of them does not stop it either.
        Transactions::recover(config, records.into_values()).unwrap();
    }
}
