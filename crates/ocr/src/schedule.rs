//! Who transmits a report, and when (OCR2 spec 7.4): a secret shuffle of the oracles, cut into stages.

use alloc::vec::Vec;
use core::{fmt, time::Duration};

use crypto::{Keccak256, Zeroizing, aes::Aes128};

use crate::{Committee, ConfigDigest, OracleId, PerOracle, limits::STAGES_MAX};

/// The key of the transmission order. Wiped on drop, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct TransmissionOrderKey(Zeroizing<[u8; 16]>);

impl TransmissionOrderKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The key of the shuffle for one report.
    pub fn permutation_key(&self, digest: ConfigDigest, epoch: u64, round: u64) -> [u8; 16] {
        let hash = Keccak256::new()
            .chain(&*self.0)
            .chain(&digest.0)
            .chain(&epoch.to_le_bytes())
            .chain(&round.to_le_bytes())
            .finish();
        core::array::from_fn(|i| hash[i])
    }

    /// The schedule of one report. `s` is how many oracles each stage takes; its sum may be above or below n.
    pub fn schedule(&self, committee: Committee, digest: ConfigDigest, epoch: u64, round: u64, s: &[u8]) -> Schedule {
        let key = self.permutation_key(digest, epoch, round);
        Schedule::new(committee, &permutation(committee, &key), s)
    }
}

impl fmt::Debug for TransmissionOrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransmissionOrderKey(..)")
    }
}

/// In which stage each oracle transmits, if ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(PerOracle<Option<u16>>);

impl Schedule {
    /// Cuts the order of a permutation into stages of `s[0]`, `s[1]`, … oracles. Panics on more than 999 stages, which no
    /// valid configuration has.
    pub fn new(committee: Committee, permutation: &PerOracle<u8>, s: &[u8]) -> Self {
        assert!(s.len() <= STAGES_MAX, "{} stages, at most {STAGES_MAX}", s.len());
        // The stage of each position in the order; positions beyond the sum of s have none.
        let stage_of: Vec<u16> = (0u16..)
            .zip(s)
            .flat_map(|(stage, oracles)| core::iter::repeat_n(stage, usize::from(*oracles)))
            .take(committee.n())
            .collect();
        Self(PerOracle::new(committee, |oracle| stage_of.get(usize::from(permutation[oracle])).copied()))
    }

    /// The stage of `oracle`; `None` if it does not transmit.
    pub fn stage(&self, oracle: OracleId) -> Option<u16> {
        self.0[oracle]
    }

    /// How long after acceptance `oracle` transmits; `None` if it does not. A delay is exact up to the largest
    /// configuration (999 stages of 292 years), where the reference's 64-bit nanoseconds would wrap.
    pub fn delay(&self, oracle: OracleId, delta_stage: Duration) -> Option<Duration> {
        self.stage(oracle).map(|stage| delta_stage.saturating_mul(u32::from(stage)))
    }
}

/// Shuffles the oracles: the result is each oracle's position in the order, not the order itself.
pub fn permutation(committee: Committee, key: &[u8; 16]) -> PerOracle<u8> {
    let mut stream = Keystream::new(key);
    let mut positions: Vec<u8> = committee.oracles().map(OracleId::byte).collect();
    // Fisher and Yates, drawing as Go's math/rand draws.
    for i in (1..positions.len()).rev() {
        positions.swap(i, stream.below(i as u32 + 1) as usize);
    }
    PerOracle::from_list(committee, positions).expect("one position for each oracle")
}

/// The key stream of AES-128 in counter mode from zero, drawn as 32-bit numbers.
struct Keystream {
    aes: Aes128,
    counter: u128,
    /// The second half of the last block, if it is not used yet.
    half: Option<[u8; 8]>,
}

impl Keystream {
    fn new(key: &[u8; 16]) -> Self {
        Self { aes: Aes128::new(key), counter: 0, half: None }
    }

    /// Bits 31 to 62 of the next eight bytes, little-endian.
    fn draw(&mut self) -> u32 {
        let bytes = self.half.take().unwrap_or_else(|| {
            let block = self.aes.encrypt(self.counter.to_be_bytes());
            self.counter += 1;
            self.half = Some(core::array::from_fn(|i| block[8 + i]));
            core::array::from_fn(|i| block[i])
        });
        (u64::from_le_bytes(bytes) >> 31) as u32
    }

    /// A number below `bound`, without bias: Lemire's multiplication, redrawing where it would favour some.
    fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.draw()) * u64::from(bound);
        if (product as u32) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = u64::from(self.draw()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SharedSecret;

    fn positions(n: usize, key: &[u8; 16]) -> Vec<u8> {
        permutation(Committee::new(n, 0).unwrap(), key).as_slice().to_vec()
    }

    #[test]
    fn permutations_are_those_of_the_specification() {
        let key = core::array::from_fn(|i| i as u8);
        assert_eq!(positions(1, &key), [0]);
        assert_eq!(positions(2, &key), [1, 0]);
        assert_eq!(positions(4, &key), [1, 3, 2, 0]);
        assert_eq!(positions(7, &key), [4, 2, 3, 6, 1, 5, 0]);
        assert_eq!(positions(16, &key), [15, 9, 10, 5, 11, 8, 7, 13, 6, 4, 2, 12, 1, 3, 14, 0]);
        assert_eq!(
            positions(31, &key),
            [
                12, 22, 19, 23, 7, 25, 24, 5, 1, 20, 18, 30, 9, 14, 26, 3, 17, 13, 15, 4, 21, 10, 8, 16, 11, 29, 27, 2,
                6, 28, 0
            ]
        );
        assert_eq!(positions(4, &[0; 16]), [0, 2, 3, 1]);
        assert_eq!(
            positions(31, &[0; 16]),
            [
                5, 15, 23, 0, 11, 4, 27, 7, 9, 8, 1, 25, 26, 29, 13, 12, 21, 2, 30, 17, 20, 28, 16, 18, 6, 24, 3, 19,
                22, 10, 14
            ]
        );
    }

    #[test]
    fn stages_are_those_of_the_specification() {
        let key = SharedSecret::new(core::array::from_fn(|i| 0x10 + i as u8)).transmission_order_key();
        let digest = ConfigDigest(core::array::from_fn(|i| i as u8));
        let stages = |n, s: &[u8], epoch, round| -> Vec<Option<u16>> {
            let committee = Committee::new(n, 0).unwrap();
            let schedule = key.schedule(committee, digest, epoch, round, s);
            committee.oracles().map(|oracle| schedule.stage(oracle)).collect()
        };
        assert_eq!(stages(4, &[1, 1, 2], 1, 1), [2, 2, 1, 0].map(Some));
        assert_eq!(stages(4, &[1, 1, 2], 0x0102_0304, 5), [2, 1, 2, 0].map(Some));
        assert_eq!(stages(7, &[1, 2, 3], 2, 1), [None, Some(2), Some(0), Some(2), Some(1), Some(1), Some(2)]);
    }

    #[test]
    fn a_delay_is_the_stage_times_delta_stage_and_never_overflows() {
        let committee = Committee::new(1, 0).unwrap();
        let zero = committee.oracle(0).unwrap();
        let last = [&[0; 998][..], &[1]].concat();
        let schedule = Schedule::new(committee, &permutation(committee, &[0; 16]), &last);
        assert_eq!(schedule.delay(zero, Duration::from_secs(2)), Some(Duration::from_secs(1996)));
        let longest = Duration::from_nanos(i64::MAX as u64);
        assert_eq!(schedule.delay(zero, longest).unwrap().as_nanos(), 998 * longest.as_nanos());
        assert_eq!(Schedule::new(committee, &permutation(committee, &[0; 16]), &[]).delay(zero, longest), None);
    }
}
