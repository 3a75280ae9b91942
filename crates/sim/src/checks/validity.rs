//! An answer lies between what honest oracles observed in its round.

use super::attested::round_of;
use super::{Deed, Round};
use median::Value;
use std::collections::HashMap;

#[derive(Debug, Default)]
pub struct Validity {
    observed: HashMap<Round, (Value, Value)>,
}

impl Validity {
    pub const NAME: &str = "validity";

    pub fn see(&mut self, deed: &Deed) -> Result<(), String> {
        match deed {
            Deed::Observed { round, value, .. } => {
                let (low, high) = self.observed.entry(*round).or_insert((*value, *value));
                *low = (*low).min(*value);
                *high = (*high).max(*value);
                Ok(())
            }
            Deed::Accepted(accepted) => {
                let round = round_of(accepted);
                let Some((low, high)) = self.observed.get(&round) else {
                    return Err(format!("nobody honest observed in round {}, yet it has an answer", round.1));
                };
                if (low..=high).contains(&&accepted.answer) {
                    return Ok(());
                }
                Err(format!("answer {} of round {}, honest oracles saw {low} to {high}", accepted.answer, round.1))
            }
            Deed::Signed { .. } | Deed::Stored { .. } => Ok(()),
        }
    }
}
