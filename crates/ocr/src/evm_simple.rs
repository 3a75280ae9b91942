//! The digest of an EVM contract's configuration, as the contract computes it (OCR2 spec 2.2).

use alloc::vec::Vec;

use crypto::{
    keccak256,
    secp256k1::{Address, AddressError},
};

use crate::{ConfigDigest, ConfigDigestPrefix, ContractConfig};

/// Computes the digest of `config` for this contract. The digest inside `config` is not looked at, and nothing is checked
/// but that signers and transmitters are addresses: lists may differ in length, repeat entries and be empty.
pub fn config_digest(chain_id: u64, contract: Address, config: &ContractConfig) -> Result<ConfigDigest, NoAddress> {
    let signers = config
        .signers
        .iter()
        .enumerate()
        .map(|(index, signer)| Address::from_slice(signer).ok_or(NoAddress::Signer { index, got: signer.len() }))
        .collect::<Result<Vec<_>, _>>()?;
    let transmitters = config
        .transmitters
        .iter()
        .enumerate()
        .map(|(index, account)| account.parse().map_err(|error| NoAddress::Transmitter { index, error }))
        .collect::<Result<Vec<Address>, _>>()?;

    let mut digest = keccak256(&abi_encode(chain_id, contract, config, &signers, &transmitters));
    digest[..2].copy_from_slice(&ConfigDigestPrefix::EVM_SIMPLE.0.to_be_bytes());
    Ok(ConfigDigest(digest))
}

/// A configuration whose digest the EVM could not compute; it is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    #[error("signer {index} has {got} bytes, wanted the 20 of an address")]
    Signer { index: usize, got: usize },
    #[error("transmitter {index} is no address: {error}")]
    Transmitter { index: usize, error: AddressError },
}

/// `abi.encode` of the nine values: their head words in order, then the tails of the dynamic ones.
fn abi_encode(
    chain_id: u64,
    contract: Address,
    config: &ContractConfig,
    signers: &[Address],
    transmitters: &[Address],
) -> Vec<u8> {
    const WORD: usize = 32;
    const HEAD: usize = 9 * WORD;
    let mut head = Vec::with_capacity(HEAD);
    let mut tail = Vec::new();

    let integer = |out: &mut Vec<u8>, value: u64| {
        out.extend_from_slice(&[0; 24]);
        out.extend_from_slice(&value.to_be_bytes());
    };
    let address = |out: &mut Vec<u8>, address: &Address| {
        out.extend_from_slice(&[0; 12]);
        out.extend_from_slice(&address.0);
    };
    let addresses = |head: &mut Vec<u8>, tail: &mut Vec<u8>, list: &[Address]| {
        integer(head, (HEAD + tail.len()) as u64);
        integer(tail, list.len() as u64);
        list.iter().for_each(|entry| address(tail, entry));
    };
    let bytes = |head: &mut Vec<u8>, tail: &mut Vec<u8>, content: &[u8]| {
        integer(head, (HEAD + tail.len()) as u64);
        integer(tail, content.len() as u64);
        tail.extend_from_slice(content);
        tail.resize(tail.len().next_multiple_of(WORD), 0);
    };

    integer(&mut head, chain_id);
    address(&mut head, &contract);
    integer(&mut head, config.config_count);
    addresses(&mut head, &mut tail, signers);
    addresses(&mut head, &mut tail, transmitters);
    integer(&mut head, config.f.into());
    bytes(&mut head, &mut tail, &config.onchain_config);
    integer(&mut head, config.offchain_config_version);
    bytes(&mut head, &mut tail, &config.offchain_config);
    head.extend_from_slice(&tail);
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    fn config() -> ContractConfig {
        let mut onchain_config = Vec::from([1]);
        onchain_config.extend_from_slice(&[0; 24]);
        onchain_config.push(0x7f);
        onchain_config.extend_from_slice(&[0xff; 23]);
        ContractConfig {
            config_digest: ConfigDigest::ZERO,
            config_count: 7,
            signers: (0x50..0x54).map(|byte| Vec::from([byte; 20])).collect(),
            transmitters: (0x60..0x64).map(|byte| Address([byte; 20]).to_string()).collect(),
            f: 1,
            onchain_config,
            offchain_config_version: 2,
            offchain_config: b"offchain-config".to_vec(),
        }
    }

    fn contract() -> Address {
        Address(core::array::from_fn(|i| 0x30 + i as u8))
    }

    #[test]
    fn the_digest_is_that_of_the_specification() {
        assert_eq!(
            config_digest(1337, contract(), &config()).unwrap().to_string(),
            "00017f39d36c0bee2fde8a77f650c4748951b13a58c5156b0d0df9e4f42e1ce6"
        );
    }

    #[test]
    fn signers_and_transmitters_must_be_addresses() {
        let mut bad = config();
        bad.signers[2].pop();
        assert_eq!(config_digest(1337, contract(), &bad), Err(NoAddress::Signer { index: 2, got: 19 }));
        let mut bad = config();
        bad.transmitters[1] = bad.transmitters[1].replace("0x", "0X");
        assert_eq!(
            config_digest(1337, contract(), &bad),
            Err(NoAddress::Transmitter { index: 1, error: AddressError::Prefix })
        );
    }
}
