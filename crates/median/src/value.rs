//! A number of the feed: int192, 24 bytes big-endian in two's complement wherever oracles exchange it.

pub use alloy_primitives::aliases::I192 as Value;
use alloy_primitives::{I256, U256};

/// Bytes of an encoded value.
pub const VALUE_BYTES: usize = 24;

/// The value of exactly 24 bytes; `None` for any other length.
pub fn decode(bytes: &[u8]) -> Option<Value> {
    let bytes: [u8; VALUE_BYTES] = bytes.try_into().ok()?;
    Some(Value::from_raw(alloy_primitives::aliases::U192::from_be_bytes(bytes)))
}

/// The 24 bytes of a value.
pub fn encode(value: Value) -> [u8; VALUE_BYTES] {
    value.to_be_bytes()
}

/// The value as the word that the EVM has for it.
pub fn to_word(value: Value) -> [u8; 32] {
    let fill = if value.is_negative() { 0xff } else { 0 };
    let mut word = [fill; 32];
    word[32 - VALUE_BYTES..].copy_from_slice(&encode(value));
    word
}

/// A word as the signed number that it is, not checked to be an int192.
pub fn from_word(word: &[u8; 32]) -> I256 {
    I256::from_raw(U256::from_be_bytes(*word))
}

/// The value as a wider number.
pub fn widen(value: Value) -> I256 {
    from_word(&to_word(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_values_are_sign_extended() {
        let minus_five = Value::try_from(-5_i64).unwrap();
        assert_eq!(encode(minus_five)[..23], [0xff; 23]);
        assert_eq!(to_word(minus_five)[..31], [0xff; 31]);
        assert_eq!(widen(minus_five), I256::try_from(-5_i64).unwrap());
        assert_eq!(decode(&encode(minus_five)), Some(minus_five));
        assert_eq!(decode(&[0; 23]), None);
    }
}
