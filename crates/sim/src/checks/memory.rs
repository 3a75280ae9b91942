//! What an oracle stores does not grow with what happens to it.

use super::Deed;

#[derive(Debug)]
pub struct Memory;

/// Above what any world of ours needs: configurations, epochs, transmissions underway, transactions and their outcomes.
const RECORDS_MAX: usize = 1_500;

impl Memory {
    pub const NAME: &str = "bounded memory";

    pub fn see(&mut self, deed: &Deed) -> Result<(), String> {
        match deed {
            Deed::Stored { oracle, records } if *records > RECORDS_MAX => {
                Err(format!("oracle {oracle} stores {records} records, at most {RECORDS_MAX} are needed"))
            }
            Deed::Stored { .. } | Deed::Observed { .. } | Deed::Signed { .. } | Deed::Accepted(_) => Ok(()),
        }
    }
}
