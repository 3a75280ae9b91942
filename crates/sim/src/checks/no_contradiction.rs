//! No honest oracle signs two different things for one round, restarts included.

use super::Round;
use alloy_primitives::map::HashMap;

#[derive(Debug, Default)]
pub struct NoContradiction {
    observations: HashMap<(usize, Round), [u8; 32]>,
    reports: HashMap<(usize, Round), [u8; 32]>,
}

impl NoContradiction {
    pub const NAME: &str = "no contradiction";

    pub fn observed(&mut self, oracle: usize, round: Round, digest: [u8; 32]) -> Result<(), String> {
        if *self.observations.entry((oracle, round)).or_insert(digest) == digest {
            return Ok(());
        }
        Err(format!("oracle {oracle} signed two observations in round {}", round.1))
    }

    pub fn reported(&mut self, oracle: usize, round: Round, digest: [u8; 32]) -> Result<(), String> {
        if *self.reports.entry((oracle, round)).or_insert(digest) == digest {
            return Ok(());
        }
        Err(format!("oracle {oracle} signed two reports in round {}", round.1))
    }
}
