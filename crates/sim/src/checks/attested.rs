//! Only what an honest oracle signed gets on the chain: f + 1 signatures, and at most f liars.

use super::Round;
use alloy_primitives::{I256, U256, aliases::I192, map::HashMap};

#[derive(Debug, Default)]
pub struct Attested {
    /// Liars apart, everyone signs the same, so a list is short.
    signed: HashMap<Round, Vec<I256>>,
}

impl Attested {
    pub const NAME: &str = "attested";

    pub fn reported(&mut self, round: Round, median: I256) {
        let medians = self.signed.entry(round).or_default();
        if !medians.contains(&median) {
            medians.push(median);
        }
    }

    pub fn accepted(&mut self, round: Round, answer: I192) -> Result<(), String> {
        let median = widened(answer);
        if self.signed.get(&round).is_some_and(|medians| medians.contains(&median)) {
            return Ok(());
        }
        Err(format!("the contract took {answer} for round {}, which no honest oracle signed", round.1))
    }
}

fn widened(answer: I192) -> I256 {
    let magnitude = I256::from_raw(U256::from(answer.unsigned_abs()));
    if answer.is_negative() { -magnitude } else { magnitude }
}
