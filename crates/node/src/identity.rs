//! The keys of one oracle, and what of them the world may know.

use crypto::secp256k1::Address;
use crypto::{PeerId, Zeroizing, ed25519, secp256k1, x25519};
use ocr2::config::OracleIdentity;
use rand::RngCore;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt::Display;
use std::str::FromStr;

/// Every secret that one oracle needs; wiped on drop, never printed.
#[derive(Clone, Debug)]
pub struct OracleKeys {
    /// Proves who speaks on a connection.
    pub peer: ed25519::SecretKey,
    /// Signs observations.
    pub offchain: ed25519::SecretKey,
    /// Opens the shared secret of a configuration.
    pub config: x25519::SecretKey,
    /// Signs reports.
    pub onchain: secp256k1::SecretKey,
    /// Pays for transactions.
    pub transmitter: secp256k1::SecretKey,
}

impl OracleKeys {
    /// Fresh keys from the system's entropy.
    pub fn generate() -> Self {
        OracleKeys {
            peer: new_ed25519(),
            offchain: new_ed25519(),
            config: new_x25519(),
            onchain: new_secp256k1(),
            transmitter: new_secp256k1(),
        }
    }

    /// What others need to know of this oracle.
    pub fn identity(&self) -> Identity {
        Identity {
            peer_id: self.peer.public_key().into(),
            offchain_public_key: Hex32(self.offchain.public_key().0),
            config_public_key: Hex32(self.config.public_key().0),
            onchain_address: self.onchain.address(),
            transmitter: self.transmitter.address(),
        }
    }
}

/// The public half of [`OracleKeys`]: what an oracle gives to whoever composes a configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    #[serde(with = "text")]
    pub peer_id: PeerId,
    pub offchain_public_key: Hex32,
    pub config_public_key: Hex32,
    #[serde(with = "text")]
    pub onchain_address: Address,
    #[serde(with = "text")]
    pub transmitter: Address,
}

impl Identity {
    /// What a configuration says of the oracle, and the key that its share of the secret is sealed for.
    pub fn member(&self) -> (OracleIdentity, x25519::PublicKey) {
        let identity = OracleIdentity {
            offchain_key: ed25519::PublicKey(self.offchain_public_key.0),
            signer: self.onchain_address.0.to_vec(),
            peer_id: self.peer_id.to_string(),
            transmitter: self.transmitter.to_string(),
        };
        (identity, x25519::PublicKey(self.config_public_key.0))
    }
}

/// 32 public bytes, in hex wherever they are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hex32(pub [u8; 32]);

impl Display for Hex32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for Hex32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Display::fmt(self, f)
    }
}

impl FromStr for Hex32 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes) {
            Ok(()) => Ok(Hex32(bytes)),
            Err(error) => Err(format!("wanted 32 bytes in hex: {error}")),
        }
    }
}

impl Serialize for Hex32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer)
    }
}

/// Values that are written as their text.
pub mod text {
    use super::*;

    pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| de::Error::custom(format!("{text:?}: {error}")))
    }
}

/// Lists of such values.
pub mod texts {
    use super::*;

    #[derive(Deserialize)]
    struct Text<T: FromStr<Err: Display>>(#[serde(with = "text")] T);

    pub fn serialize<T: Display, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(ToString::to_string))
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        Ok(Vec::<Text<T>>::deserialize(deserializer)?.into_iter().map(|Text(value)| value).collect())
    }
}

fn entropy() -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::rngs::OsRng.fill_bytes(&mut *bytes);
    bytes
}

pub(crate) fn new_ed25519() -> ed25519::SecretKey {
    ed25519::SecretKey::from_seed(&entropy())
}

pub(crate) fn new_x25519() -> x25519::SecretKey {
    x25519::SecretKey::from_bytes(&entropy())
}

pub(crate) fn new_secp256k1() -> secp256k1::SecretKey {
    loop {
        // Fewer than one draw in 2^127 is not a scalar.
        if let Ok(key) = secp256k1::SecretKey::from_bytes(&entropy()) {
            return key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_as_it_is_written() {
        let identity = OracleKeys::generate().identity();
        let json = serde_json::to_string(&identity).unwrap();
        assert_eq!(serde_json::from_str::<Identity>(&json).unwrap(), identity);
        assert!(json.starts_with("{\"peer_id\":\"12D3KooW"), "{json}");
    }

    #[test]
    fn keys_are_never_printed() {
        let keys = OracleKeys::generate();
        let printed = format!("{keys:?}");
        for secret in [&*keys.peer.to_seed(), &*keys.config.to_bytes(), &*keys.onchain.to_bytes()] {
            assert!(!printed.contains(&hex::encode(secret)), "{printed}");
        }
    }
}
