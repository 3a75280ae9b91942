//! What an oracle stores does not grow with what happens to it, but with what it is configured to do.

use super::Records;

#[derive(Debug)]
pub struct Memory;

impl Memory {
    pub const NAME: &str = "bounded memory";

    pub fn stored(&self, oracle: usize, records: Records) -> Result<(), String> {
        let Records { ocr2, tracker, transactions, configs } = records;
        // The configuration; of each the epoch, the round, and what is on its way to the contract.
        let kept = configs.min(ocr2::limits::CONFIGS_KEPT + 1);
        let ocr2_max = 1 + kept * (2 + ocr2::limits::PENDING_MAX);
        let bounds = [
            ("the protocol", ocr2, ocr2_max),
            ("the tracker", tracker, 1),
            // The next nonce, slots, and outcomes; what waits for a nonce besides.
            (
                "the keeper of transactions",
                transactions,
                1 + 2 * evm_proto::limits::IN_FLIGHT_MAX
                    + evm_proto::limits::FINISHED_MAX
                    + evm_proto::limits::QUEUED_MAX,
            ),
        ];
        match bounds.into_iter().find(|(_, got, max)| got > max) {
            None => Ok(()),
            Some((whose, got, max)) => Err(format!("oracle {oracle} stores {got} records of {whose}, at most {max}")),
        }
    }
}
