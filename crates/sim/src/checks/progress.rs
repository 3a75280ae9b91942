//! Once the network is calm and everything is mended, the feed goes on.

use crate::plan::SECOND;

#[derive(Debug)]
pub struct Progress {
    calm_from: u64,
    accepted: u64,
}

/// How long after the last fault the feed may take to recover: a leader change or two with their timeouts, a fresh look
/// at a configuration, and the next stages of a transmission.
const RECOVERY: u64 = 12 * SECOND;

impl Progress {
    pub const NAME: &str = "progress";

    pub fn new(calm_from: u64) -> Self {
        Progress { calm_from, accepted: 0 }
    }

    pub fn accepted(&mut self, now: u64) {
        if now >= self.calm_from {
            self.accepted += 1;
        }
    }

    /// At the end of the world: a third of the rounds that a calm committee makes at the least, and 20 in a world that was
    /// calm all the time.
    pub fn end(&self, now: u64) -> Result<(), String> {
        let calm = now.saturating_sub(self.calm_from + RECOVERY);
        let wanted = if self.calm_from == 0 { 20 } else { calm / SECOND / 3 };
        if self.accepted >= wanted {
            return Ok(());
        }
        Err(format!(
            "{} reports were accepted in the {} s since everything was mended, wanted at least {wanted}",
            self.accepted,
            now.saturating_sub(self.calm_from) / SECOND
        ))
    }
}
