//! A nonce that an honest oracle has used for a call is never used for another call, and a call that has a nonce gets no
//! other one, crashes and reorganisations included.

use alloy_primitives::map::HashMap;

#[derive(Debug, Default)]
pub struct Nonces {
    /// Under each nonce of an oracle, the hash of the call that was broadcast first.
    calls: HashMap<(usize, u64), [u8; 32]>,
    nonces: HashMap<(usize, [u8; 32]), u64>,
}

impl Nonces {
    pub const NAME: &str = "nonces";

    pub fn broadcast(&mut self, oracle: usize, nonce: u64, call: [u8; 32]) -> Result<(), String> {
        if *self.calls.entry((oracle, nonce)).or_insert(call) != call {
            return Err(format!("oracle {oracle} used nonce {nonce} for two calls"));
        }
        let first = *self.nonces.entry((oracle, call)).or_insert(nonce);
        if first == nonce {
            return Ok(());
        }
        Err(format!("oracle {oracle} sent one call under nonces {first} and {nonce}"))
    }
}
