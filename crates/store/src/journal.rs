use crate::writer::Write;
use crate::{Store, StoreError};
use std::future::Future;
use std::sync::Arc;

/// An append-only history, such as the runs of a job, that forgets its oldest entries.
#[derive(Clone, Debug)]
pub struct Journal {
    store: Store,
    name: Arc<str>,
    entries_max: u64,
}

/// One entry of a [`Journal`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place in the history; numbers ascend by one.
    pub number: u64,
    /// What was appended.
    pub value: Vec<u8>,
}

impl Journal {
    pub(crate) fn new(store: Store, name: &str, entries_max: u64) -> Self {
        Journal { store, name: name.into(), entries_max }
    }

    /// Appends `value` and forgets what is older than the newest `entries_max`; resolves when it is durable. The future
    /// may be dropped by a caller that does not care; who appends much should bound how many are under way.
    pub fn append(&self, value: impl Into<Vec<u8>>) -> impl Future<Output = Result<(), StoreError>> + Send + 'static {
        let write =
            Write::Append { journal: Arc::clone(&self.name), entries_max: self.entries_max, value: value.into() };
        self.store.write(vec![write])
    }

    /// The newest `count` durable entries, newest first.
    pub fn newest(&self, count: u64) -> Result<Vec<Entry>, StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let rows: Vec<(i64, Vec<u8>)> = self.store.read(|reader| {
            reader
                .prepare_cached("SELECT number, value FROM entry WHERE journal = ?1 ORDER BY number DESC LIMIT ?2")?
                .query_map((&self.name, count), |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        rows.into_iter()
            .map(|(number, value)| {
                let number = u64::try_from(number).map_err(|_| StoreError::unreadable("a negative entry number"))?;
                Ok(Entry { number, value })
            })
            .collect()
    }
}
