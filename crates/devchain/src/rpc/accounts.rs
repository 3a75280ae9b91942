//! Accounts whose keys everybody knows: for development, funded at genesis, unlocked.

use alloy_consensus::{SignableTransaction, TxEnvelope, TypedTransaction};
use alloy_primitives::{Address, B256, Signature, keccak256};
use secp256k1::{SECP256K1, SecretKey};

use crate::recover::sign_ecdsa;

/// An account that signs for whoever asks.
#[derive(Clone)]
pub struct DevAccount {
    key: SecretKey,
    address: Address,
}

impl std::fmt::Debug for DevAccount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("DevAccount").field(&self.address).finish()
    }
}

impl DevAccount {
    /// The account with this number. Its key is keccak256("dodona development account" ‖ number, 8 bytes, big-endian).
    pub fn number(number: u64) -> Self {
        let preimage = [&b"dodona development account"[..], &number.to_be_bytes()].concat();
        let key = SecretKey::from_byte_array(keccak256(preimage).0).expect("a hash is a scalar but for one in 2^128");
        let address = Address::from_raw_public_key(&key.public_key(SECP256K1).serialize_uncompressed()[1..]);
        DevAccount { key, address }
    }

    pub fn address(&self) -> Address {
        self.address
    }

    /// The secret key, which is no secret: a test client or a browser wallet may want it.
    pub fn secret(&self) -> B256 {
        self.key.secret_bytes().into()
    }

    pub(super) fn sign(&self, transaction: TypedTransaction) -> TxEnvelope {
        let (r, s, odd) = sign_ecdsa(&self.key, transaction.signature_hash());
        TxEnvelope::new_unhashed(transaction, Signature::new(r, s, odd))
    }
}
