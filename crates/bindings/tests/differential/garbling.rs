//! Calldata that is not what was meant.

use crate::random::Random;
use alloy_primitives::U256;

#[derive(Clone, Copy, Debug)]
pub enum Garbling {
    /// At this place, modulo the length.
    Flip(usize, u8),
    /// A word of the head or of a tail, as if it were an offset, a length or a narrow number.
    Word(usize, U256),
    Cut(usize),
    More(usize),
}

impl Garbling {
    pub fn random(random: &mut Random) -> Self {
        match random.below(4) {
            0 => Self::Flip(random.next() as usize, random.pick(&[1, 0x80, 0xff])),
            1 => {
                let values = [U256::ZERO, U256::ONE, U256::from(0x20), U256::ONE << 32, U256::ONE << 64, U256::MAX];
                Self::Word(random.below(24), random.pick(&values))
            }
            2 => Self::Cut(1 + random.below(64)),
            _ => Self::More(random.pick(&[1, 31, 32])),
        }
    }

    pub fn of(self, mut data: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Flip(at, mask) if !data.is_empty() => {
                let at = at % data.len();
                data[at] ^= mask;
            }
            Self::Word(word, value) => {
                if let Some(bytes) = data.get_mut(4 + 32 * word..36 + 32 * word) {
                    bytes.copy_from_slice(&value.to_be_bytes::<32>());
                }
            }
            Self::Flip(..) => {}
            Self::Cut(count) => data.truncate(data.len().saturating_sub(count)),
            Self::More(count) => data.resize(data.len() + count, 0xee),
        }
        data
    }
}
