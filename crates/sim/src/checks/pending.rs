//! A report that an oracle has to bring to the contract is stored before it is handed over, and forgotten only when the
//! contract has it or a later one.

use super::Round;

#[derive(Debug)]
pub struct Pending;

impl Pending {
    pub const NAME: &str = "pending transmissions";

    pub fn transmitting(&self, oracle: usize, round: Round, stored: bool) -> Result<(), String> {
        if stored {
            return Ok(());
        }
        Err(format!("oracle {oracle} transmits the report of {} without having stored it", round.1))
    }

    pub fn struck(&self, oracle: usize, round: Round, settled: bool, records: usize) -> Result<(), String> {
        // Beyond the bound the oldest is displaced, which is said aloud.
        if settled || records > ocr2::limits::PENDING_MAX {
            return Ok(());
        }
        Err(format!("oracle {oracle} forgets the report of {}, which the contract still lacks", round.1))
    }
}
