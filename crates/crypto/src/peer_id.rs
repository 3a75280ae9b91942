//! The name of a peer: the Ed25519 public key of its networking key, in the text form that configs and operators use.

use alloc::string::{String, ToString};
use core::{fmt, str::FromStr};

use crate::ed25519::PublicKey;

/// Bytes of the binary form: the prefix, then the key.
pub const BINARY_LEN: usize = 38;

/// What precedes the key in the binary form (OCR2 spec 1.1).
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// A peer's Ed25519 public key, as encoded; not checked to be a curve point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 32]);

impl PeerId {
    /// The binary form, of which the text is the base58.
    pub fn to_binary(self) -> [u8; BINARY_LEN] {
        let mut binary = [0; BINARY_LEN];
        binary[..PREFIX.len()].copy_from_slice(&PREFIX);
        binary[PREFIX.len()..].copy_from_slice(&self.0);
        binary
    }

    /// The key that this peer must prove to hold.
    pub fn public_key(self) -> PublicKey {
        PublicKey(self.0)
    }
}

impl From<PublicKey> for PeerId {
    fn from(key: PublicKey) -> Self {
        Self(key.0)
    }
}

/// base58 (Bitcoin's alphabet) of the binary form: `12D3KooW…`.
impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&bs58::encode(self.to_binary()).into_string())
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for PeerId {
    type Err = PeerIdError;

    fn from_str(text: &str) -> Result<Self, PeerIdError> {
        // One byte more than fits, to tell too long a text from a wrong one.
        let mut binary = [0; BINARY_LEN + 1];
        let len = match bs58::decode(text).onto(&mut binary) {
            Ok(len) => len,
            Err(bs58::decode::Error::BufferTooSmall) => return Err(PeerIdError::TooLong),
            Err(error) => return Err(PeerIdError::Base58(error.to_string())),
        };
        match len {
            BINARY_LEN => {}
            len if len > BINARY_LEN => return Err(PeerIdError::TooLong),
            got => return Err(PeerIdError::Short { got }),
        }
        let (prefix, key) = binary[..BINARY_LEN].split_at(PREFIX.len());
        if prefix != PREFIX {
            return Err(PeerIdError::Prefix);
        }
        Ok(Self(core::array::from_fn(|i| key[i])))
    }
}

/// Why a text is no peer id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerIdError {
    #[error("peer id is not base58: {0}")]
    Base58(String),
    #[error("peer id has {got} bytes, wanted {BINARY_LEN}")]
    Short { got: usize },
    #[error("peer id has more than {BINARY_LEN} bytes")]
    TooLong,
    #[error(
        "peer id does not start with 002408011220, so it names no Ed25519 key (its text would start with 12D3KooW)"
    )]
    Prefix,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_the_specification_and_parses_back() {
        let id = PeerId(core::array::from_fn(|i| i as u8));
        assert_eq!(id.to_string(), "12D3KooW9pP4Seg3kZYhySpuVjn1RPdQBsUFZKiFxGMGQN5MeL6A");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn other_lengths_prefixes_and_alphabets_are_refused() {
        let binary = PeerId([7; 32]).to_binary();
        let parse = |bytes: &[u8]| bs58::encode(bytes).into_string().parse::<PeerId>();
        assert_eq!(parse(&binary[..37]), Err(PeerIdError::Short { got: 37 }));
        assert_eq!(parse(&[&binary[..], &[0]].concat()), Err(PeerIdError::TooLong));
        assert_eq!(parse(&[9; 4000]), Err(PeerIdError::TooLong));
        assert_eq!("".parse::<PeerId>(), Err(PeerIdError::Short { got: 0 }));
        let mut wrong = binary;
        wrong[2] = 9;
        assert_eq!(parse(&wrong), Err(PeerIdError::Prefix));
        assert!(matches!(" 12D3KooW".parse::<PeerId>(), Err(PeerIdError::Base58(_))));
        assert!(matches!("12D3KooWé".parse::<PeerId>(), Err(PeerIdError::Base58(_))));
    }
}
