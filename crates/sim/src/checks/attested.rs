//! Only what an honest oracle signed gets on the chain: f + 1 signatures, and at most f liars.

use super::{Deed, Round, Signed};
use crate::chain::Accepted;
use alloy_primitives::{I256, U256};
use ocr::ConfigDigest;
use ocr2::round_id::RoundId;
use std::collections::{HashMap, HashSet};

#[derive(Debug, Default)]
pub struct Attested {
    signed: HashMap<Round, HashSet<I256>>,
}

impl Attested {
    pub const NAME: &str = "attested";

    pub fn see(&mut self, deed: &Deed) -> Result<(), String> {
        match deed {
            Deed::Signed { round, what: Signed::Report { median }, .. } => {
                self.signed.entry(*round).or_default().insert(*median);
                Ok(())
            }
            Deed::Accepted(accepted) => {
                let answer = widened(accepted);
                if self.signed.get(&round_of(accepted)).is_some_and(|medians| medians.contains(&answer)) {
                    return Ok(());
                }
                let Accepted { epoch, round, .. } = accepted;
                Err(format!("the contract took {answer} for round {epoch}/{round}, which no honest oracle signed"))
            }
            Deed::Observed { .. } | Deed::Signed { .. } | Deed::Stored { .. } => Ok(()),
        }
    }
}

/// Which round the contract took a report of.
pub fn round_of(accepted: &Accepted) -> Round {
    (ConfigDigest(accepted.digest), RoundId::new(accepted.epoch, accepted.round))
}

fn widened(accepted: &Accepted) -> I256 {
    let magnitude = I256::from_raw(U256::from(accepted.answer.unsigned_abs()));
    if accepted.answer.is_negative() { -magnitude } else { magnitude }
}
