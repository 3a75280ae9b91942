//! No honest oracle signs two different things for one round, restarts included.

use super::{Deed, Round, Signed};
use std::collections::HashMap;

#[derive(Debug, Default)]
pub struct NoContradiction {
    observations: HashMap<(usize, Round), [u8; 32]>,
    reports: HashMap<(usize, Round), [u8; 32]>,
}

impl NoContradiction {
    pub const NAME: &str = "no contradiction";

    pub fn see(&mut self, deed: &Deed) -> Result<(), String> {
        let Deed::Signed { oracle, round, what, digest } = deed else { return Ok(()) };
        let (signed, name) = match what {
            Signed::Observation => (&mut self.observations, "observations"),
            Signed::Report { .. } => (&mut self.reports, "reports"),
        };
        let first = signed.entry((*oracle, *round)).or_insert(*digest);
        if first == digest {
            return Ok(());
        }
        Err(format!("oracle {oracle} signed two {name} in round {}", round.1))
    }
}
