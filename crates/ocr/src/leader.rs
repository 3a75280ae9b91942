//! Who leads an epoch (OCR2 spec 5.2): unpredictable without the shared secret, the same for every oracle with it.

use core::fmt;

use crypto::{Keccak256, Zeroizing};

use crate::{Committee, OracleId};

/// The key of the leader order. Wiped on drop, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct LeaderSelectionKey(Zeroizing<[u8; 16]>);

impl LeaderSelectionKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The leader of `epoch`.
    pub fn leader(&self, epoch: u64, committee: Committee) -> OracleId {
        let hash = Keccak256::new().chain(&*self.0).chain(&epoch.to_le_bytes()).finish();
        // The hash as one big-endian number, modulo n, byte by byte.
        let remainder = hash.iter().fold(0, |rest, byte| (rest * 256 + usize::from(*byte)) % committee.n());
        committee.oracle(remainder as u8).expect("a remainder modulo n is below n")
    }
}

impl fmt::Debug for LeaderSelectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaderSelectionKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SharedSecret;
    use alloc::vec::Vec;

    #[test]
    fn the_leaders_are_those_of_the_specification() {
        let key = SharedSecret::new(core::array::from_fn(|i| 0x10 + i as u8)).leader_selection_key();
        let leaders = |n: usize, epochs: &[u64]| -> Vec<u8> {
            let committee = Committee::new(n, 0).unwrap();
            epochs.iter().map(|epoch| key.leader(*epoch, committee).byte()).collect()
        };
        let epochs: Vec<u64> = (1..=16).chain([0, 0xffff_ffff]).collect();
        assert_eq!(leaders(4, &epochs), [2, 2, 1, 0, 0, 0, 3, 1, 0, 2, 3, 0, 2, 1, 2, 0, 1, 0]);
        assert_eq!(leaders(7, &epochs), [0, 4, 1, 0, 1, 3, 5, 5, 4, 4, 5, 6, 6, 2, 6, 0, 0, 4]);
        assert_eq!(leaders(31, &epochs), [7, 0, 6, 0, 18, 22, 8, 10, 14, 30, 10, 21, 8, 23, 14, 8, 29, 20]);
    }
}
