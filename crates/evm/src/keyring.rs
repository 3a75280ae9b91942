//! The key with which an oracle signs reports for the contract (OCR2 spec 1.4).

use crypto::secp256k1::{Address, SIGNATURE_LEN, SecretKey, verify};
use crypto::{Keccak256, keccak256};

/// An oracle's on-chain key. Its public form is an address; signatures are r ‖ s ‖ v with v = 0 or 1.
#[derive(Clone, Debug)]
pub struct OnchainKeyring {
    key: SecretKey,
}

impl OnchainKeyring {
    pub fn new(key: SecretKey) -> Self {
        OnchainKeyring { key }
    }

    /// What stands among the signers of the configuration.
    pub fn public_key(&self) -> Address {
        self.key.address()
    }

    /// Signs a report in its context: config digest, epoch and round, extra hash.
    pub fn sign(&self, context: &[[u8; 32]; 3], report: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.key.sign(&digest(context, report))
    }

    /// Signs what [`digest`] has made of a report already.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> [u8; SIGNATURE_LEN] {
        self.key.sign(digest)
    }

    /// Whether `signature` is `signer`'s for this report.
    pub fn verify(signer: &Address, context: &[[u8; 32]; 3], report: &[u8], signature: &[u8]) -> bool {
        verify(signer, &digest(context, report), signature)
    }
}

/// What is signed: keccak256(keccak256(report) ‖ context), as the contract computes it.
pub fn digest(context: &[[u8; 32]; 3], report: &[u8]) -> [u8; 32] {
    let hash = Keccak256::new().chain(&keccak256(report));
    context.iter().fold(hash, |hash, word| hash.chain(word)).finish()
}
