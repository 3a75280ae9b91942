//! The plugin of an honest oracle can decide on every request that the oracle takes: whatever f oracles observe, the others
//! make up for it.

#[derive(Debug)]
pub struct Decision;

impl Decision {
    pub const NAME: &str = "decision";

    pub fn undecided(&self, oracle: usize, why: &str) -> Result<(), String> {
        Err(format!("the plugin of oracle {oracle} cannot decide: {why}"))
    }
}
