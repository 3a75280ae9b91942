//! Chance with a seed: the same seed throws the same numbers on every machine.

use rand::{Rng as _, RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// One stream of random numbers.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of `name` under `seed`: what one target throws does not depend on the others.
    pub fn new(seed: u64, name: &str) -> Self {
        let mut key = crypto::sha256(name.as_bytes());
        key[..8].iter_mut().zip(seed.to_le_bytes()).for_each(|(byte, seed)| *byte ^= seed);
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.gen_range(0..bound)
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Any number of 64 bits, near a power of two more often than not: there are the boundaries.
    pub fn number(&mut self) -> u64 {
        match self.below(4) {
            0 => self.0.next_u64() >> self.below(64),
            1 => self.below(20) as u64,
            _ => {
                let power = 1_u64.checked_shl(self.below(65) as u32).unwrap_or(0);
                power.wrapping_add(self.below(5) as u64).wrapping_sub(2)
            }
        }
    }

    /// Any number from `low` to `high`, the ends more often than others.
    pub fn between(&mut self, low: i128, high: i128) -> i128 {
        match self.below(4) {
            0 => low.saturating_add(self.below(3) as i128).min(high),
            1 => high.saturating_sub(self.below(3) as i128).max(low),
            2 => i128::from(self.number()).clamp(low, high),
            _ => self.0.gen_range(low..=high),
        }
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}
