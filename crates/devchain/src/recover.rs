//! Who signed: real signatures, or, for simulations, one keyed hash in their place.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use revm::{
    handler::EthPrecompiles,
    precompile::{
        EthPrecompileOutput, EthPrecompileResult, Precompile, PrecompileHalt, PrecompileId, PrecompileResult,
        PrecompileSpecId, Precompiles, call_eth_precompile, u64_to_address,
    },
    primitives::hardfork::SpecId,
};
use secp256k1::{
    Message, SECP256K1, SecretKey,
    ecdsa::{RecoverableSignature, RecoveryId},
};

/// The fork whose rules hold.
pub(crate) const FORK: SpecId = SpecId::PRAGUE;

/// What stands behind the ecrecover precompile and behind raw transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recover {
    /// ECDSA on secp256k1, as on every chain.
    #[default]
    Secp256k1,
    /// The precompile takes [`keyed_signature`] in place of ECDSA. A raw transaction may carry either.
    KeyedHash,
}

/// The separation tag of signatures that prove nothing outside a simulation.
pub const SIMULATION_TAG: &[u8] = b"dodona simulation signature";

/// (r, s) of the simulated signature of `digest` by `address`: r is the address, left padded; s is
/// keccak256([`SIMULATION_TAG`] ‖ address ‖ digest). v is 27 or 28, as one likes.
pub fn keyed_signature(address: Address, digest: B256) -> (B256, B256) {
    let mut preimage = [0; SIMULATION_TAG.len() + 20 + 32];
    preimage[..SIMULATION_TAG.len()].copy_from_slice(SIMULATION_TAG);
    preimage[SIMULATION_TAG.len()..][..20].copy_from_slice(address.as_slice());
    preimage[SIMULATION_TAG.len() + 20..].copy_from_slice(digest.as_slice());
    (address.into_word(), keccak256(preimage))
}

/// The address for which (r, s) is the keyed signature of `digest`.
pub(crate) fn recover_keyed(digest: B256, r: B256, s: B256) -> Option<Address> {
    let address = Address::from_word(r);
    (keyed_signature(address, digest) == (r, s)).then_some(address)
}

/// The address whose key made the ECDSA signature; `None` if nobody's did.
pub(crate) fn recover_ecdsa(digest: B256, r: B256, s: B256, odd: bool) -> Option<Address> {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(r.as_slice());
    bytes[32..].copy_from_slice(s.as_slice());
    let recovery = if odd { RecoveryId::One } else { RecoveryId::Zero };
    let signature = RecoverableSignature::from_compact(&bytes, recovery).ok()?;
    let key = signature.recover(Message::from_digest(digest.0)).ok()?;
    Some(Address::from_raw_public_key(&key.serialize_uncompressed()[1..]))
}

/// (r, s, y is odd) of the key's ECDSA signature.
pub(crate) fn sign_ecdsa(key: &SecretKey, digest: B256) -> (U256, U256, bool) {
    let signature = SECP256K1.sign_ecdsa_recoverable(Message::from_digest(digest.0), key);
    let (recovery, bytes) = signature.serialize_compact();
    let odd = matches!(recovery, RecoveryId::One | RecoveryId::Three);
    (U256::from_be_slice(&bytes[..32]), U256::from_be_slice(&bytes[32..]), odd)
}

/// The precompiles of the fork, with the chain's idea of a signature at address 1.
pub(crate) fn precompiles(recover: Recover) -> EthPrecompiles {
    static KEYED: LazyLock<Precompiles> = LazyLock::new(|| {
        let mut all = Precompiles::new(PrecompileSpecId::from_spec_id(FORK)).clone();
        all.extend([Precompile::new(PrecompileId::EcRec, u64_to_address(1), keyed_precompile)]);
        all
    });
    match recover {
        Recover::Secp256k1 => EthPrecompiles::new(FORK),
        Recover::KeyedHash => EthPrecompiles { precompiles: &KEYED, spec: FORK },
    }
}

fn keyed_precompile(input: &[u8], gas: u64, reservoir: u64) -> PrecompileResult {
    Ok(call_eth_precompile(keyed_ecrecover, input, gas, reservoir))
}

/// Input: digest, v, r, s, 32 bytes each, padded with zeros. Same gas and same forms of refusal as the real precompile.
fn keyed_ecrecover(input: &[u8], gas: u64) -> EthPrecompileResult {
    const GAS: u64 = 3_000;
    if gas < GAS {
        return Err(PrecompileHalt::OutOfGas);
    }
    let mut padded = [0; 128];
    let length = input.len().min(128);
    padded[..length].copy_from_slice(&input[..length]);
    let [digest, v, r, s] = std::array::from_fn(|word| B256::from_slice(&padded[32 * word..][..32]));
    let signed = v[..31] == [0; 31] && matches!(v[31], 27 | 28);
    let signer = signed.then(|| recover_keyed(digest, r, s)).flatten();
    let output = signer.map_or_else(Bytes::new, |address| Bytes::copy_from_slice(address.into_word().as_slice()));
    Ok(EthPrecompileOutput::new(GAS, output))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNER: Address = Address::with_last_byte(7);

    fn input(digest: B256, v: u8, r: B256, s: B256) -> Vec<u8> {
        [digest, B256::with_last_byte(v), r, s].concat()
    }

    #[test]
    fn the_keyed_precompile_returns_the_signer_and_nothing_for_anything_else() {
        let digest = keccak256("a report");
        let (r, s) = keyed_signature(SIGNER, digest);
        let run = |input: &[u8]| keyed_ecrecover(input, 3_000).expect("enough gas").bytes;
        assert_eq!(run(&input(digest, 27, r, s)), SIGNER.into_word().to_vec());
        assert_eq!(run(&input(digest, 28, r, s)), SIGNER.into_word().to_vec());
        assert!(run(&input(digest, 29, r, s)).is_empty());
        assert!(run(&input(keccak256("another"), 27, r, s)).is_empty());
        assert!(run(&input(digest, 27, Address::with_last_byte(8).into_word(), s)).is_empty());
        // The address must be padded with zeros, or many r would name one signer.
        let mut padded = r;
        padded[0] = 1;
        assert!(run(&input(digest, 27, padded, s)).is_empty());
        assert!(run(&[]).is_empty());
        assert!(matches!(keyed_ecrecover(&[], 2_999), Err(PrecompileHalt::OutOfGas)));
    }

    #[test]
    fn a_signature_is_recovered_to_its_key() {
        let key = SecretKey::from_byte_array([0x11; 32]).expect("a scalar");
        let address = Address::from_raw_public_key(&key.public_key(secp256k1::SECP256K1).serialize_uncompressed()[1..]);
        let digest = keccak256("a transaction");
        let (r, s, odd) = sign_ecdsa(&key, digest);
        assert_eq!(recover_ecdsa(digest, r.into(), s.into(), odd), Some(address));
        assert_ne!(recover_ecdsa(digest, r.into(), s.into(), !odd), Some(address));
        assert_eq!(recover_ecdsa(digest, B256::ZERO, s.into(), odd), None);
    }
}
