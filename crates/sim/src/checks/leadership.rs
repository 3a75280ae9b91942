//! All honest oracles agree who leads an epoch, and take part in rounds of that oracle only.

use super::ConfigEpoch;
use alloy_primitives::map::HashMap;
use ocr::OracleId;

#[derive(Debug, Default)]
pub struct Leadership {
    leaders: HashMap<ConfigEpoch, OracleId>,
}

impl Leadership {
    pub const NAME: &str = "leadership";

    pub fn led(&mut self, oracle: usize, epoch: ConfigEpoch, leader: OracleId) -> Result<(), String> {
        let first = *self.leaders.entry(epoch).or_insert(leader);
        if first == leader {
            return Ok(());
        }
        Err(format!("oracle {oracle} lets oracle {leader} lead epoch {}, which oracle {first} leads", epoch.1))
    }
}
