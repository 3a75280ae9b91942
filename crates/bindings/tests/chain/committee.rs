//! A committee with real keys, and the reports that it signs.

use super::address;
use alloy_primitives::{Address, B256, Bytes, I256, U256, aliases::I192, keccak256};
use alloy_sol_types::SolValue;
use bindings::ocr2_aggregator::{setConfigCall, transmitCall};
use k256::ecdsa::SigningKey;

#[derive(Clone)]
pub struct Committee {
    pub keys: Vec<SigningKey>,
    pub signers: Vec<Address>,
    pub transmitters: Vec<Address>,
    pub payees: Vec<Address>,
    pub f: u8,
}

/// As `transmit` takes them: byte i of `vs` belongs to the i-th one.
pub struct Signatures {
    pub rs: Vec<B256>,
    pub ss: Vec<B256>,
    pub vs: B256,
}

impl Committee {
    /// `generation` tells committees apart.
    pub fn new(n: usize, generation: usize) -> Self {
        let keys: Vec<_> = (0..n)
            .map(|i| SigningKey::from_slice(keccak256(format!("signer {generation} {i}")).as_slice()).expect("a key"))
            .collect();
        let signers = keys.iter().map(|key| Address::from_public_key(key.verifying_key())).collect();
        let list = |name: &str| (0..n).map(|i| address(&format!("{name} {generation}"), i)).collect();
        Self { keys, signers, transmitters: list("transmitter"), payees: list("payee"), f: ((n - 1) / 3) as u8 }
    }

    pub fn n(&self) -> usize {
        self.signers.len()
    }

    pub fn set_config(&self, min: i64, max: I192) -> setConfigCall {
        setConfigCall {
            signers: self.signers.clone(),
            transmitters: self.transmitters.clone(),
            f: self.f,
            onchainConfig: onchain_config(min, max),
            offchainConfigVersion: 2,
            offchainConfig: offchain_config(self.n()),
        }
    }

    /// The call of transmit with signatures of the given oracles.
    pub fn transmit(&self, context: [B256; 3], report: Vec<u8>, by: &[usize]) -> transmitCall {
        let Signatures { rs, ss, vs } = self.sign(signed_hash(&context, &report), by);
        transmitCall { reportContext: context, report: report.into(), rs, ss, rawVs: vs }
    }

    /// Signatures of the given oracles, at most 32.
    pub fn sign(&self, hash: B256, by: &[usize]) -> Signatures {
        let mut signatures = Signatures { rs: Vec::new(), ss: Vec::new(), vs: B256::ZERO };
        for (i, oracle) in by.iter().enumerate() {
            let (signature, v) = self.keys[*oracle].sign_prehash_recoverable(hash.as_slice()).expect("a signature");
            signatures.rs.push(B256::from_slice(&signature.r().to_bytes()));
            signatures.ss.push(B256::from_slice(&signature.s().to_bytes()));
            signatures.vs[i] = v.to_byte();
        }
        signatures
    }

    /// The f+1 oracles from `first` on.
    pub fn quorum(&self, first: usize) -> Vec<usize> {
        (0..=usize::from(self.f)).map(|i| (first + i) % self.n()).collect()
    }
}

pub fn onchain_config(min: i64, max: I192) -> Bytes {
    let mut config = vec![1];
    for bound in [I192::try_from(min).expect("small"), max] {
        config.extend(bound.to_be_bytes::<24>());
    }
    config.into()
}

/// As long as a real one of n oracles.
pub fn offchain_config(n: usize) -> Bytes {
    vec![0x5a; 100 + 180 * n].into()
}

pub fn context(digest: B256, epoch: u32, round: u8, extra_hash: B256) -> [B256; 3] {
    [digest, B256::from(U256::from((u64::from(epoch) << 8) | u64::from(round))), extra_hash]
}

pub fn signed_hash(context: &[B256; 3], report: &[u8]) -> B256 {
    keccak256([keccak256(report), context[0], context[1], context[2]].concat())
}

/// `abi.encode(uint32, bytes32, int192[], int192)`.
pub fn report(timestamp: u32, observers: &[u8], observations: &[I256], juels_per_fee_coin: I256) -> Vec<u8> {
    let mut raw_observers = [0; 32];
    raw_observers[..observers.len()].copy_from_slice(observers);
    (timestamp, B256::from(raw_observers), observations.to_vec(), juels_per_fee_coin).abi_encode_params()
}
