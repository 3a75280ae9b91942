//! The contract refuses what an honest oracle transmits only because it comes late.

use super::Round;

#[derive(Debug)]
pub struct Welcome;

impl Welcome {
    pub const NAME: &str = "welcome";

    pub fn refused(&self, oracle: usize, round: Round, late: bool) -> Result<(), String> {
        if late {
            return Ok(());
        }
        Err(format!("the contract refused oracle {oracle}'s report of round {}, which was news to it", round.1))
    }
}
