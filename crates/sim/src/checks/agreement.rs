//! Without liars, all oracles that sign in a round sign one report.

use super::Round;
use alloy_primitives::map::HashMap;

#[derive(Debug)]
pub struct Agreement {
    liars: bool,
    reports: HashMap<Round, [u8; 32]>,
}

impl Agreement {
    pub const NAME: &str = "agreement";

    pub fn new(liars: bool) -> Self {
        Agreement { liars, reports: HashMap::default() }
    }

    pub fn reported(&mut self, oracle: usize, round: Round, digest: [u8; 32]) -> Result<(), String> {
        // A lying leader may show different observations to different oracles: their reports differ, and each is valid.
        if self.liars || *self.reports.entry(round).or_insert(digest) == digest {
            return Ok(());
        }
        Err(format!("oracle {oracle} signed another report of round {} than those before it", round.1))
    }
}
