use crate::row;
use crate::writer::{Table, Write};
use crate::{Store, StoreError};
use machine::Record;
use std::future::Future;
use std::sync::Arc;

/// The records of one machine; the newest of each key survives.
#[derive(Clone, Debug)]
pub struct Space {
    store: Store,
    name: Arc<str>,
}

impl Space {
    pub(crate) fn new(store: Store, name: &str) -> Self {
        Space { store, name: name.into() }
    }

    /// Every record that is durable, in the order of the encoded keys. One that cannot be read is an error, and a
    /// machine must not run on without it.
    pub fn load<R: Record>(&self) -> Result<Vec<R>, StoreError> {
        let rows = row::all(&self.store, Table::Record, &self.name)?;
        rows.iter()
            .map(|(key, value)| {
                let record = R::decode(value).map_err(|error| row::corrupt(&self.name, key, error.at, error.wanted))?;
                if encoded_key::<R>(&record.key()) == *key {
                    Ok(record)
                } else {
                    Err(row::corrupt(&self.name, key, 0, "a record of this very key"))
                }
            })
            .collect()
    }

    /// Makes `records` durable, all or none, later ones of a key over earlier ones. They are on their way when this
    /// returns, behind everything that was handed in before; the future resolves when they are on disk.
    pub fn persist<R: Record>(&self, records: Vec<R>) -> impl Future<Output = Result<(), StoreError>> + Send + use<R> {
        let writes = records.iter().map(|record| self.write_of(record)).collect();
        self.store.write(writes)
    }

    /// [`Space::persist`] for callers outside of an async runtime: returns when the records are on disk.
    pub fn persist_blocking<R: Record>(&self, records: Vec<R>) -> Result<(), StoreError> {
        futures::executor::block_on(self.persist(records))
    }

    /// Removes every record of this space.
    pub fn erase(&self) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        self.store.write(vec![Write::Clear { table: Table::Record, space: Arc::clone(&self.name) }])
    }

    fn write_of<R: Record>(&self, record: &R) -> Write {
        let key = encoded_key::<R>(&record.key());
        if record.erases() {
            return Write::Remove { table: Table::Record, space: Arc::clone(&self.name), key };
        }
        let mut value = Vec::new();
        record.encode(&mut value);
        row::put(Table::Record, &self.name, key, value)
    }
}

fn encoded_key<R: Record>(key: &R::Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    R::encode_key(key, &mut bytes);
    bytes
}
