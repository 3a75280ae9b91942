use crate::row::{self, Pair};
use crate::writer::{Table, Write};
use crate::{Store, StoreError};
use rusqlite::OptionalExtension;
use std::future::Future;
use std::sync::Arc;

/// A few named values.
#[derive(Clone, Debug)]
pub struct KeyValue {
    store: Store,
    name: Arc<str>,
}

impl KeyValue {
    pub(crate) fn new(store: Store, name: &str) -> Self {
        KeyValue { store, name: name.into() }
    }

    /// The durable value of `key`.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, StoreError> {
        let key = key.as_ref();
        let row: Option<(Vec<u8>, Vec<u8>)> = self.store.read(|reader| {
            reader
                .prepare_cached("SELECT value, sum FROM pair WHERE space = ?1 AND key = ?2")?
                .query_row((&self.name, key), |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })?;
        row.map(|(value, sum)| row::prove(&self.name, key, &value, &sum).map(|()| value)).transpose()
    }

    /// All durable keys and values, in the order of the keys.
    pub fn all(&self) -> Result<Vec<Pair>, StoreError> {
        row::all(&self.store, Table::Pair, &self.name)
    }

    /// Gives `key` a value; resolves when it is durable.
    pub fn put(
        &self,
        key: impl AsRef<[u8]>,
        value: impl Into<Vec<u8>>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + 'static {
        let write = row::put(Table::Pair, &self.name, key.as_ref().to_vec(), value.into());
        self.store.write(vec![write])
    }

    /// Removes `key`; resolves when that is durable.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> impl Future<Output = Result<(), StoreError>> + Send + 'static {
        let key = key.as_ref().to_vec();
        self.store.write(vec![Write::Remove { table: Table::Pair, space: Arc::clone(&self.name), key }])
    }
}
