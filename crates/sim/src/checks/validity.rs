//! An answer lies between what honest oracles observed in its round.

use super::Round;
use alloy_primitives::map::HashMap;
use median::Value;

#[derive(Debug, Default)]
pub struct Validity {
    observed: HashMap<Round, (Value, Value)>,
}

impl Validity {
    pub const NAME: &str = "validity";

    pub fn observed(&mut self, round: Round, value: Value) {
        let (low, high) = self.observed.entry(round).or_insert((value, value));
        *low = (*low).min(value);
        *high = (*high).max(value);
    }

    pub fn accepted(&mut self, round: Round, answer: Value) -> Result<(), String> {
        let Some((low, high)) = self.observed.get(&round) else {
            return Err(format!("nobody honest observed in round {}, yet it has an answer", round.1));
        };
        if (low..=high).contains(&&answer) {
            return Ok(());
        }
        Err(format!("answer {answer} of round {}, honest oracles saw {low} to {high}", round.1))
    }
}
