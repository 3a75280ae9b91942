//! What survives a crash.

use alloc::{sync::Arc, vec::Vec};
use machine::{CorruptRecord, RecordReader};
use ocr::ContractConfig;

/// The configuration of the contract that is followed. There is one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    Configured(Arc<ContractConfig>),
    Unconfigured,
}

impl machine::Record for Record {
    type Key = ();

    fn key(&self) {}

    fn erases(&self) -> bool {
        match self {
            Record::Configured(_) => false,
            Record::Unconfigured => true,
        }
    }

    fn encode_key(_: &(), _: &mut Vec<u8>) {}

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Record::Configured(config) => {
                out.push(1);
                config.encode(out);
            }
            Record::Unconfigured => out.push(0),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, CorruptRecord> {
        let mut reader = RecordReader::new(bytes);
        let record = match reader.u8("configured or not")? {
            0 => Record::Unconfigured,
            1 => Record::Configured(Arc::new(ContractConfig::decode(&mut reader)?)),
            _ => return Err(reader.corrupt("configured or not")),
        };
        reader.end()?;
        Ok(record)
    }
}
