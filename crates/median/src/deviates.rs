//! Whether an answer has moved enough (OCR2 spec 9.3).

use alloy_primitives::aliases::I512;
use alloy_primitives::{I256, U512};

/// Whether `new` deviates from `old` by at least `ppb` parts per billion, exactly. From zero everything deviates but zero.
pub fn deviates(ppb: u64, old: I256, new: I256) -> bool {
    if old.is_zero() {
        return !new.is_zero();
    }
    // Neither product overflows: 257 and 30 bits, 256 and 64 bits.
    let (old, new) = (wide(old), wide(new));
    let moved = (new - old).unsigned_abs() * U512::from(1_000_000_000);
    moved >= old.unsigned_abs() * U512::from(ppb)
}

fn wide(number: I256) -> I512 {
    let magnitude = I512::from_raw(U512::from(number.unsigned_abs()));
    if number.is_negative() { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OCR2 spec A.10.
    #[test]
    fn the_threshold_itself_deviates() {
        let moved = |ppb, old: i64, new: i64| deviates(ppb, I256::try_from(old).unwrap(), I256::try_from(new).unwrap());
        assert!(moved(1_000_000, 1000, 1001) && moved(1_000_000, 1000, 999));
        assert!(!moved(1_000_001, 1000, 1001));
        assert!(moved(0, 5, 5) && !moved(0, 0, 0) && moved(u64::MAX, 0, 1));
        assert!(moved(1_000_000, -1000, -1001));
        assert!(moved(2_000_000_000, -5, 5) && !moved(2_000_000_001, -5, 5));
        assert!(deviates(u64::MAX, I256::ONE, I256::MIN));
    }
}
