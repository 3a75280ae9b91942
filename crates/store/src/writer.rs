//! The one thread that writes, and group commit.

use crate::StoreError;
use crate::limits::{GROUP_BATCHES_MAX, GROUP_BYTES_MAX};
use futures::channel::oneshot;
use rusqlite::{Connection, TransactionBehavior};
use std::future::Future;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// Which of the two tables of rows is meant.
#[derive(Clone, Copy, Debug)]
pub enum Table {
    Record,
    Pair,
}

impl Table {
    pub fn select_all(self) -> &'static str {
        match self {
            Table::Record => "SELECT key, value, sum FROM record WHERE space = ?1 ORDER BY key",
            Table::Pair => "SELECT key, value, sum FROM pair WHERE space = ?1 ORDER BY key",
        }
    }

    fn put(self) -> &'static str {
        match self {
            Table::Record => "INSERT OR REPLACE INTO record (space, key, value, sum) VALUES (?1, ?2, ?3, ?4)",
            Table::Pair => "INSERT OR REPLACE INTO pair (space, key, value, sum) VALUES (?1, ?2, ?3, ?4)",
        }
    }

    fn remove(self) -> &'static str {
        match self {
            Table::Record => "DELETE FROM record WHERE space = ?1 AND key = ?2",
            Table::Pair => "DELETE FROM pair WHERE space = ?1 AND key = ?2",
        }
    }

    fn clear(self) -> &'static str {
        match self {
            Table::Record => "DELETE FROM record WHERE space = ?1",
            Table::Pair => "DELETE FROM pair WHERE space = ?1",
        }
    }
}

/// One change.
#[derive(Debug)]
pub enum Write {
    Put { table: Table, space: Arc<str>, key: Vec<u8>, value: Vec<u8>, sum: [u8; 8] },
    Remove { table: Table, space: Arc<str>, key: Vec<u8> },
    Clear { table: Table, space: Arc<str> },
    Append { journal: Arc<str>, entries_max: u64, value: Vec<u8> },
}

impl Write {
    fn bytes(&self) -> usize {
        match self {
            Write::Put { key, value, .. } => key.len() + value.len(),
            Write::Remove { key, .. } => key.len(),
            Write::Clear { .. } => 0,
            Write::Append { value, .. } => value.len(),
        }
    }

    fn apply(&self, connection: &Connection) -> rusqlite::Result<()> {
        match self {
            Write::Put { table, space, key, value, sum } => {
                connection.prepare_cached(table.put())?.execute((space, key, value, sum))?;
            }
            Write::Remove { table, space, key } => {
                connection.prepare_cached(table.remove())?.execute((space, key))?;
            }
            Write::Clear { table, space } => {
                connection.prepare_cached(table.clear())?.execute([space])?;
            }
            Write::Append { journal, entries_max, value } => {
                let number: i64 = connection
                    .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM entry WHERE journal = ?1")?
                    .query_row([journal], |row| row.get(0))?;
                connection
                    .prepare_cached("INSERT INTO entry (journal, number, value) VALUES (?1, ?2, ?3)")?
                    .execute((journal, number, value))?;
                let oldest_kept = number.saturating_sub_unsigned(*entries_max);
                connection
                    .prepare_cached("DELETE FROM entry WHERE journal = ?1 AND number <= ?2")?
                    .execute((journal, oldest_kept))?;
            }
        }
        Ok(())
    }
}

struct Batch {
    writes: Vec<Write>,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// The hand that holds the writing thread; dropping it waits until all that was handed in is committed.
#[derive(Debug)]
pub struct Writer {
    batches: Option<Sender<Batch>>,
    thread: Option<JoinHandle<()>>,
    stopped: Arc<OnceLock<StoreError>>,
}

impl Writer {
    pub fn start(connection: Connection) -> std::io::Result<Writer> {
        let (batches, incoming) = mpsc::channel();
        let stopped = Arc::new(OnceLock::new());
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn({
            let stopped = Arc::clone(&stopped);
            move || write_all(connection, &incoming, &stopped)
        })?;
        Ok(Writer { batches: Some(batches), thread: Some(thread), stopped })
    }

    pub fn stopped(&self) -> Option<StoreError> {
        self.stopped.get().cloned()
    }

    pub fn submit(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let (done, outcome) = oneshot::channel();
        if let Some(batches) = &self.batches {
            // Fails only if the thread has died, and then `done` is dropped, which the future reports.
            let _ = batches.send(Batch { writes, done });
        }
        async move {
            match outcome.await {
                Ok(outcome) => outcome,
                Err(oneshot::Canceled) => Err(StoreError::stopped("the writing thread has ended")),
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already failed every batch that waited for it.
            let _ = thread.join();
        }
    }
}

fn write_all(mut connection: Connection, incoming: &Receiver<Batch>, stopped: &OnceLock<StoreError>) {
    while let Ok(first) = incoming.recv() {
        let group = gather(first, incoming);
        let outcome = match stopped.get() {
            Some(error) => Err(error.clone()),
            None => commit(&mut connection, &group)
                .map_err(|error| stopped.get_or_init(|| StoreError::stopped(error)).clone()),
        };
        for batch in group {
            // Nobody may be waiting any more; the write counts all the same.
            let _ = batch.done.send(outcome.clone());
        }
    }
}

/// The first batch and all that wait behind it, as far as a group goes.
fn gather(first: Batch, incoming: &Receiver<Batch>) -> Vec<Batch> {
    let bytes_of = |batch: &Batch| batch.writes.iter().map(Write::bytes).sum::<usize>();
    let mut bytes = bytes_of(&first);
    let mut group = vec![first];
    while group.len() < GROUP_BATCHES_MAX && bytes < GROUP_BYTES_MAX {
        let Ok(batch) = incoming.try_recv() else { break };
        bytes += bytes_of(&batch);
        group.push(batch);
    }
    group
}

/// One transaction, one sync. A group that changes nothing costs none.
fn commit(connection: &mut Connection, group: &[Batch]) -> rusqlite::Result<()> {
    if group.iter().all(|batch| batch.writes.is_empty()) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for write in group.iter().flat_map(|batch| &batch.writes) {
        write.apply(&transaction)?;
    }
    transaction.commit()
}
