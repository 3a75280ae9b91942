//! The record that these tests keep: a number under a key.

use machine::{CorruptRecord, Record, RecordReader};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub key: u32,
    /// `None` erases the key.
    pub value: Option<u64>,
}

pub fn entry(key: u32, value: u64) -> Entry {
    Entry { key, value: Some(value) }
}

impl Record for Entry {
    type Key = u32;

    fn key(&self) -> u32 {
        self.key
    }

    fn erases(&self) -> bool {
        self.value.is_none()
    }

    fn encode_key(key: &u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&key.to_be_bytes());
    }

    fn encode(&self, out: &mut Vec<u8>) {
        Self::encode_key(&self.key, out);
        out.extend_from_slice(&self.value.unwrap_or_default().to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Self, CorruptRecord> {
        let mut reader = RecordReader::new(bytes);
        let read = entry(reader.u32("the key")?, reader.u64("the value")?);
        reader.end()?;
        Ok(read)
    }
}
