//! A nonce that an honest oracle has used for a call is never used for another call, and a call that has a nonce gets no
//! other one, crashes and reorganisations included.

use alloy_primitives::{Bytes, map::HashMap};

#[derive(Debug, Default)]
pub struct Nonces {
    /// Under each nonce of an oracle, the call that was broadcast first.
    calls: HashMap<(usize, u64), Bytes>,
    nonces: HashMap<(usize, Bytes), u64>,
}

impl Nonces {
    pub const NAME: &str = "nonces";

    pub fn broadcast(&mut self, oracle: usize, nonce: u64, call: &Bytes) -> Result<(), String> {
        if self.calls.entry((oracle, nonce)).or_insert_with(|| call.clone()) != call {
            return Err(format!("oracle {oracle} used nonce {nonce} for two calls"));
        }
        let first = *self.nonces.entry((oracle, call.clone())).or_insert(nonce);
        if first == nonce {
            return Ok(());
        }
        Err(format!("oracle {oracle} sent one call under nonces {first} and {nonce}"))
    }
}
