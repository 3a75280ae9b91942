//! Crash-safe records in an embedded database: what is acknowledged here survives `kill -9` and power loss.
//! No meaning of any record is known here, and nothing is ever written behind the caller's back.
//!
//! A [`Store`] is one folder with one SQLite database in WAL mode with `synchronous = FULL`. It is open in one process
//! at a time. One thread writes; all batches that wait when it comes round share one transaction and one sync (group
//! commit), so many committers cost little more than one. What it holds:
//!
//! - [`Space`]: the records of one machine, of which the newest of each key counts ([`machine::Record`]);
//! - [`KeyValue`]: a few named values that the host keeps for itself;
//! - [`Journal`]: an append-only history that forgets its oldest entries.
//!
//! **The first failed write is the last one.** After it nobody knows what is on disk, so the store refuses all further
//! writes with [`StoreError::Stopped`] until it is opened anew.

mod error;
mod journal;
mod key_value;
pub mod limits;
mod open;
mod row;
mod space;
mod writer;

pub use error::StoreError;
pub use journal::{Entry, Journal};
pub use key_value::KeyValue;
pub use row::Pair;
pub use space::Space;

use rusqlite::Connection;
use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use writer::{Write, Writer};

/// An open store. Clones and everything made from it share it; when the last of them is dropped, what was handed in
/// before is committed, the folder is released and may be opened again.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    // Dropped in this order: the writer finishes and joins, the reader closes, and only then the lock is released.
    writer: Writer,
    reader: Mutex<Connection>,
    _lock: File,
}

impl Store {
    /// Opens the store in `folder`, which is made (mode 0700) if it is missing. Takes it for this process alone, brings
    /// its schema up to date and checks that the file is sound.
    pub fn open(folder: impl AsRef<Path>) -> Result<Store, StoreError> {
        let folder = folder.as_ref();
        let lock = open::lock(folder)?;
        let (writing, reader) = open::connect(folder)?;
        let writer =
            Writer::start(writing).map_err(|error| StoreError::unusable("start a thread for", folder, error))?;
        let reader = Mutex::new(reader);
        Ok(Store { shared: Arc::new(Shared { folder: folder.to_owned(), writer, reader, _lock: lock }) })
    }

    /// The folder that was opened.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// The records under `name`; a space that was never written is empty.
    pub fn space(&self, name: impl AsRef<str>) -> Space {
        Space::new(self.clone(), name.as_ref())
    }

    /// The names of all spaces that hold a record, in order.
    pub fn spaces(&self) -> Result<Vec<String>, StoreError> {
        self.read(|reader| {
            let mut names = reader.prepare_cached("SELECT DISTINCT space FROM record ORDER BY space")?;
            names.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// The values under `name`.
    pub fn key_value(&self, name: impl AsRef<str>) -> KeyValue {
        KeyValue::new(self.clone(), name.as_ref())
    }

    /// The history under `name`, which keeps its newest `entries_max` entries.
    pub fn journal(&self, name: impl AsRef<str>, entries_max: u64) -> Journal {
        Journal::new(self.clone(), name.as_ref(), entries_max)
    }

    /// Why the store has stopped, if it has.
    pub fn stopped(&self) -> Option<StoreError> {
        self.shared.writer.stopped()
    }

    /// Reads what is durable.
    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        // A reader that panicked has left no half-done work: reading changes nothing.
        let reader = self.shared.reader.lock().unwrap_or_else(PoisonError::into_inner);
        query(&reader).map_err(StoreError::unreadable)
    }

    /// Hands `writes` to the writer, now and in the order of calls; resolves when they are durable.
    fn write(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        self.shared.writer.submit(writes)
    }
}
