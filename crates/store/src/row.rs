//! The rows of spaces and key-value tables: what stands under a key, with a sum over all three.

use crate::writer::{Table, Write};
use crate::{Store, StoreError};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The sum that tells a row from one whose bits have flipped or that was written under another key.
pub fn sum(space: &str, key: &[u8], value: &[u8]) -> [u8; 8] {
    let mut hash = Sha256::new();
    for part in [space.as_bytes(), key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(value);
    let mut sum = [0; 8];
    sum.copy_from_slice(&hash.finalize()[..8]);
    sum
}

pub fn put(table: Table, space: &Arc<str>, key: Vec<u8>, value: Vec<u8>) -> Write {
    let sum = sum(space, &key, &value);
    Write::Put { table, space: Arc::clone(space), key, value, sum }
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// All rows of a space in the order of their keys, each proved by its sum.
pub fn all(store: &Store, table: Table, space: &Arc<str>) -> Result<Vec<Pair>, StoreError> {
    let rows: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = store.read(|reader| {
        let mut rows = reader.prepare_cached(table.select_all())?;
        rows.query_map([space], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
    })?;
    rows.into_iter().map(|(key, value, found)| prove(space, &key, &value, &found).map(|()| (key, value))).collect()
}

/// Refuses a row whose sum is not that of its contents.
pub fn prove(space: &Arc<str>, key: &[u8], value: &[u8], found: &[u8]) -> Result<(), StoreError> {
    if sum(space, key, value) == found {
        Ok(())
    } else {
        Err(corrupt(space, key, 0, "the bytes that its sum was made of"))
    }
}

pub fn corrupt(space: &Arc<str>, key: &[u8], at: usize, wanted: &'static str) -> StoreError {
    let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
    StoreError::Corrupt { space: Arc::clone(space), key, at, wanted }
}
