//! What a contract says about its committee, before anyone has looked into it.

use alloc::{string::String, vec::Vec};

use machine::{CorruptRecord, RecordReader, write_sized};

use crate::ConfigDigest;

/// The configuration as the contract gives it (OCR2 spec 3.1). Nothing in it is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContractConfig {
    pub config_digest: ConfigDigest,
    /// Counts the configurations of this contract.
    pub config_count: u64,
    /// On-chain public keys in the order of the oracles; on the EVM 20-byte addresses.
    pub signers: Vec<Vec<u8>>,
    /// Accounts that may transmit, in the order of the oracles; on the EVM `0x` and hex digits with a checksum.
    pub transmitters: Vec<String>,
    pub f: u8,
    /// For the reporting plugin's contract.
    pub onchain_config: Vec<u8>,
    /// Which protocol the committee speaks: 2 is OCR2, 30 is OCR3, 310 is OCR3.1.
    pub offchain_config_version: u64,
    /// For the oracles; its form follows from the version.
    pub offchain_config: Vec<u8>,
}

impl ContractConfig {
    /// Appends the fields in their order, for a stored record.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let Self {
            config_digest,
            config_count,
            signers,
            transmitters,
            f,
            onchain_config,
            offchain_config_version,
            offchain_config,
        } = self;
        out.extend_from_slice(&config_digest.0);
        out.extend_from_slice(&config_count.to_be_bytes());
        write_list(out, signers);
        write_list(out, transmitters);
        out.push(*f);
        write_sized(out, onchain_config);
        out.extend_from_slice(&offchain_config_version.to_be_bytes());
        write_sized(out, offchain_config);
    }

    /// The inverse of [`ContractConfig::encode`]; leaves the reader behind the last field.
    pub fn decode(record: &mut RecordReader<'_>) -> Result<Self, CorruptRecord> {
        Ok(Self {
            config_digest: ConfigDigest(record.array("a config digest")?),
            config_count: record.u64("a config count")?,
            signers: read_list(record, "a signer", |bytes| Some(bytes.to_vec()))?,
            transmitters: read_list(record, "a transmitter", |bytes| String::from_utf8(bytes.to_vec()).ok())?,
            f: record.u8("f")?,
            onchain_config: record.sized("an onchain config")?.to_vec(),
            offchain_config_version: record.u64("an offchain config version")?,
            offchain_config: record.sized("an offchain config")?.to_vec(),
        })
    }
}

fn write_list(out: &mut Vec<u8>, list: &[impl AsRef<[u8]>]) {
    let count = u32::try_from(list.len()).expect("a config that fits a block has fewer entries");
    out.extend_from_slice(&count.to_be_bytes());
    list.iter().for_each(|entry| write_sized(out, entry.as_ref()));
}

fn read_list<T>(
    record: &mut RecordReader<'_>,
    wanted: &'static str,
    entry: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<T>, CorruptRecord> {
    let count = record.u32(wanted)?;
    // No capacity from the count: a corrupt one ends with the bytes, before it costs memory.
    (0..count).map(|_| entry(record.sized(wanted)?).ok_or(record.corrupt(wanted))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_stored_config_reads_back_and_no_cut_of_it_does(
            digest: [u8; 32], config_count: u64, signers: Vec<Vec<u8>>, transmitters: Vec<String>, f: u8,
            onchain_config: Vec<u8>, offchain_config_version: u64, offchain_config: Vec<u8>, cut: prop::sample::Index
        ) {
            let config = ContractConfig {
                config_digest: ConfigDigest(digest), config_count, signers, transmitters, f, onchain_config,
                offchain_config_version, offchain_config,
            };
            let mut bytes = Vec::new();
            config.encode(&mut bytes);
            let mut record = RecordReader::new(&bytes);
            prop_assert_eq!(ContractConfig::decode(&mut record).unwrap(), config);
            prop_assert!(record.end().is_ok());
            let cut = &bytes[..cut.index(bytes.len())];
            prop_assert!(ContractConfig::decode(&mut RecordReader::new(cut)).is_err());
        }
    }

    #[test]
    fn a_count_beyond_the_record_is_corrupt_and_costs_no_memory() {
        let mut bytes = Vec::new();
        ContractConfig::default().encode(&mut bytes);
        bytes[40..44].fill(0xff);
        assert!(ContractConfig::decode(&mut RecordReader::new(&bytes)).is_err());
    }
}
