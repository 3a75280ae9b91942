//! The secret that the committee shares, so that outsiders cannot tell who will lead and transmit (OCR2 spec 3.5, 3.6).

use alloc::vec::Vec;
use core::fmt;

use crypto::{Keccak256, Zeroizing, aes::Aes128, domain, keccak256, x25519};

use crate::{LeaderSelectionKey, OracleId, TransmissionOrderKey};

/// 16 random bytes that whoever configures the committee chose. Wiped on drop, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret(Zeroizing<[u8; 16]>);

impl SharedSecret {
    /// The secret with these bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The key of the leader order, in OCR1 and OCR2.
    pub fn leader_selection_key(&self) -> LeaderSelectionKey {
        LeaderSelectionKey::new(self.derive(domain::LEADER_SELECTION_KEY))
    }

    /// The key of the transmission order, in OCR1 and OCR2.
    pub fn transmission_order_key(&self) -> TransmissionOrderKey {
        TransmissionOrderKey::new(self.derive(domain::TRANSMISSION_ORDER_KEY))
    }

    fn derive(&self, tag: &[u8]) -> [u8; 16] {
        first_half(Keccak256::new().chain(&*self.0).chain(tag).finish())
    }

    /// Seals the secret for each recipient, in the order of the oracles. `ephemeral` must be used for this only.
    pub fn seal(
        &self,
        ephemeral: &x25519::SecretKey,
        recipients: &[x25519::PublicKey],
    ) -> Result<SharedSecretEncryptions, SealError> {
        let encryptions = recipients
            .iter()
            .enumerate()
            .map(|(index, recipient)| {
                let shared = ephemeral.agree(recipient).ok_or(SealError { index })?;
                Ok(block_key(&shared).encrypt(*self.0))
            })
            .collect::<Result<_, _>>()?;
        Ok(SharedSecretEncryptions {
            diffie_hellman_point: ephemeral.public_key(),
            shared_secret_hash: keccak256(&*self.0),
            encryptions,
        })
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

/// The secret, sealed for each oracle: one raw AES block under a key that only the oracle and the configurer know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedSecretEncryptions {
    /// The public half of the configurer's ephemeral key.
    pub diffie_hellman_point: x25519::PublicKey,
    /// Keccak-256 of the secret: a configurer who seals different secrets is found out.
    pub shared_secret_hash: [u8; 32],
    /// In the order of the oracles.
    pub encryptions: Vec<[u8; 16]>,
}

impl SharedSecretEncryptions {
    /// Opens what was sealed for `oracle`.
    pub fn open(&self, oracle: OracleId, key: &x25519::SecretKey) -> Result<SharedSecret, OpenError> {
        let sealed = *self.encryptions.get(oracle.index()).ok_or(OpenError::Missing { oracle })?;
        let shared = key.agree(&self.diffie_hellman_point).ok_or(OpenError::LowOrderPoint)?;
        let secret = SharedSecret::new(block_key(&shared).decrypt(sealed));
        if keccak256(&*secret.0) != self.shared_secret_hash {
            return Err(OpenError::Hash);
        }
        Ok(secret)
    }
}

fn block_key(shared: &[u8; 32]) -> Aes128 {
    Aes128::new(&Zeroizing::new(first_half(keccak256(shared))))
}

fn first_half(hash: [u8; 32]) -> [u8; 16] {
    core::array::from_fn(|i| hash[i])
}

/// A recipient's key that no secret can be sealed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the config encryption key of oracle {index} is a point of low order")]
pub struct SealError {
    pub index: usize,
}

/// Why a sealed secret does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("nothing is sealed for oracle {oracle}")]
    Missing { oracle: OracleId },
    #[error("the Diffie-Hellman point is of low order")]
    LowOrderPoint,
    #[error("the secret sealed for us has another hash than announced: sealed for another key, or a false dealer")]
    Hash,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Committee;

    fn key(from: u8) -> x25519::SecretKey {
        x25519::SecretKey::from_bytes(&core::array::from_fn(|i| from + i as u8))
    }

    fn secret() -> SharedSecret {
        SharedSecret::new(core::array::from_fn(|i| 0x10 + i as u8))
    }

    fn sealed() -> SharedSecretEncryptions {
        secret().seal(&key(0x40), &[key(0x80).public_key(), key(0x81).public_key()]).unwrap()
    }

    #[test]
    fn sealing_gives_the_blocks_of_the_specification() {
        let sealed = sealed();
        assert_eq!(
            hex::encode(sealed.diffie_hellman_point.0),
            "79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51a"
        );
        assert_eq!(
            hex::encode(sealed.shared_secret_hash),
            "cb74ee6326454e014048bd4bda5a9d4c434351b1f6a3d1d4eaacd71e26fe6061"
        );
        assert_eq!(hex::encode(sealed.encryptions[0]), "777a67e40d0bdd48f62675e91e76d8f5");
        assert_eq!(hex::encode(sealed.encryptions[1]), "df33efe43e610f353b494890b1ab1a87");
    }

    #[test]
    fn only_the_recipient_opens_and_only_the_announced_secret() {
        let committee = Committee::new(3, 0).unwrap();
        let [zero, one, two] = core::array::from_fn(|i| committee.oracle(i as u8).unwrap());
        let mut sealed = sealed();
        assert_eq!(sealed.open(one, &key(0x81)), Ok(secret()));
        assert_eq!(sealed.open(one, &key(0x80)), Err(OpenError::Hash));
        assert_eq!(sealed.open(two, &key(0x81)), Err(OpenError::Missing { oracle: two }));
        sealed.diffie_hellman_point = x25519::PublicKey([0; 32]);
        assert_eq!(sealed.open(zero, &key(0x80)), Err(OpenError::LowOrderPoint));
        assert_eq!(secret().seal(&key(1), &[x25519::PublicKey([0; 32])]), Err(SealError { index: 0 }));
    }

    #[test]
    fn derived_keys_are_those_of_the_specification() {
        assert_eq!(hex::encode(secret().leader_selection_key().as_bytes()), "7843fff5d11ac314c4c869fdb00f51bb");
        assert_eq!(hex::encode(secret().transmission_order_key().as_bytes()), "199f283248147c663e3452aba1c4ad22");
    }
}
