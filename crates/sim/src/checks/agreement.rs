//! Without liars, all oracles that sign in a round sign one report.

use super::{Deed, Round, Signed};
use std::collections::HashMap;

#[derive(Debug)]
pub struct Agreement {
    liars: bool,
    reports: HashMap<Round, [u8; 32]>,
}

impl Agreement {
    pub const NAME: &str = "agreement";

    pub fn new(liars: bool) -> Self {
        Agreement { liars, reports: HashMap::new() }
    }

    pub fn see(&mut self, deed: &Deed) -> Result<(), String> {
        let Deed::Signed { oracle, round, what: Signed::Report { .. }, digest } = deed else { return Ok(()) };
        // A lying leader may show different observations to different oracles: their reports differ, and each is valid.
        if self.liars {
            return Ok(());
        }
        let first = self.reports.entry(*round).or_insert(*digest);
        if first == digest {
            return Ok(());
        }
        Err(format!("oracle {oracle} signed another report of round {} than those before it", round.1))
    }
}
