//! What survives a crash, as typed values with a byte form.

use alloc::vec::Vec;
use core::fmt::{self, Debug, Display};

/// Something that must survive a crash. Of all records with one key only the newest counts.
pub trait Record: Clone {
    /// What the record is about.
    type Key: Ord + Clone + Debug;

    /// The key under which this record replaces an older one.
    fn key(&self) -> Self::Key;

    /// Whether this record only removes what its key held.
    fn erases(&self) -> bool {
        false
    }

    /// Appends a byte form of the key that no other key has.
    fn encode_key(key: &Self::Key, out: &mut Vec<u8>);

    /// Appends the whole record, key included.
    fn encode(&self, out: &mut Vec<u8>);

    /// The inverse of [`Record::encode`]; every byte must be accounted for.
    fn decode(bytes: &[u8]) -> Result<Self, CorruptRecord>;
}

/// A stored record cannot be read. A machine must not run on without it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CorruptRecord {
    /// What was expected.
    pub wanted: &'static str,
    /// The offset of the first byte that does not fit.
    pub at: usize,
}

impl Display for CorruptRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "corrupt record: byte {} should begin {}", self.at, self.wanted)
    }
}

impl core::error::Error for CorruptRecord {}

/// Reads the fixed-width fields of a stored record, big-endian, with an exact account of the bytes.
#[derive(Debug)]
pub struct RecordReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> RecordReader<'a> {
    /// A reader at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        RecordReader { bytes, at: 0 }
    }

    /// The next `length` bytes.
    pub fn bytes(&mut self, length: usize, wanted: &'static str) -> Result<&'a [u8], CorruptRecord> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..length).ok_or(CorruptRecord { wanted, at: self.at })?;
        self.at += length;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self, wanted: &'static str) -> Result<[u8; N], CorruptRecord> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N, wanted)?);
        Ok(array)
    }

    /// One byte.
    pub fn u8(&mut self, wanted: &'static str) -> Result<u8, CorruptRecord> {
        Ok(self.array::<1>(wanted)?[0])
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, wanted: &'static str) -> Result<u32, CorruptRecord> {
        Ok(u32::from_be_bytes(self.array(wanted)?))
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self, wanted: &'static str) -> Result<u64, CorruptRecord> {
        Ok(u64::from_be_bytes(self.array(wanted)?))
    }

    /// A four-byte length and that many bytes; a length beyond the record is corrupt and allocates nothing.
    pub fn sized(&mut self, wanted: &'static str) -> Result<&'a [u8], CorruptRecord> {
        let at = self.at;
        let length = self.u32(wanted)? as usize;
        self.bytes(length, wanted).map_err(|_| CorruptRecord { wanted, at })
    }

    /// The record must end here.
    pub fn end(&self) -> Result<(), CorruptRecord> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(CorruptRecord { wanted: "nothing more", at: self.at }) }
    }

    /// An error at the current byte, for values that are read well but mean nothing.
    pub fn corrupt(&self, wanted: &'static str) -> CorruptRecord {
        CorruptRecord { wanted, at: self.at }
    }
}

/// The inverse of [`RecordReader::sized`].
///
/// Panics on more than 4 GiB, which no record of ours comes near.
pub fn write_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("records stay far below 4 GiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}
