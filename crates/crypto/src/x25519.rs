//! X25519 key agreement that refuses points which contribute nothing.

use core::fmt;

use x25519_dalek::{PublicKey as Point, StaticSecret};
use zeroize::Zeroizing;

/// A scalar; wiped on drop, never printed.
#[derive(Clone)]
pub struct SecretKey(StaticSecret);

impl SecretKey {
    /// The key with these bytes, clamped when used. All 32-byte strings are keys.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(StaticSecret::from(*bytes))
    }

    /// The bytes, for whoever stores the key.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(Point::from(&self.0).to_bytes())
    }

    /// The shared value with `other`, or `None` if that is zero (`other` is of low order), as Go refuses too.
    /// The top bit of `other` is ignored.
    pub fn agree(&self, other: &PublicKey) -> Option<Zeroizing<[u8; 32]>> {
        let shared = self.0.diffie_hellman(&Point::from(other.0));
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "x25519::SecretKey(of {})", self.public_key())
    }
}

/// A point's u-coordinate as encoded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

/// 64 lower-case hex digits.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree() {
        let (a, b) = (SecretKey::from_bytes(&[7; 32]), SecretKey::from_bytes(&[9; 32]));
        assert_eq!(a.agree(&b.public_key()), b.agree(&a.public_key()));
        assert!(a.agree(&b.public_key()).is_some());
    }

    #[test]
    fn the_public_key_is_that_of_the_specification() {
        let key = SecretKey::from_bytes(&core::array::from_fn(|i| 0x40 + i as u8));
        assert_eq!(hex::encode(key.public_key().0), "79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51a");
    }

    #[test]
    fn points_of_low_order_are_refused() {
        let key = SecretKey::from_bytes(&[7; 32]);
        let mut one = [0; 32];
        one[0] = 1;
        assert_eq!(key.agree(&PublicKey([0; 32])), None);
        assert_eq!(key.agree(&PublicKey(one)), None);
    }
}
