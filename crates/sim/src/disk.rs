//! A disk that keeps what was synced, and that can fail.

use machine::Record;
use std::collections::BTreeMap;

/// The durable records of one machine, the newest of each key.
#[derive(Clone, Debug)]
pub struct Disk<R: Record> {
    kept: BTreeMap<R::Key, R>,
    /// Bytes are written and read back too, so that the codec of the records is part of every seed that restarts.
    fails: bool,
}

impl<R: Record> Default for Disk<R> {
    fn default() -> Self {
        Disk { kept: BTreeMap::new(), fails: false }
    }
}

impl<R: Record> Disk<R> {
    /// Makes the record durable; `false`: the disk is broken and nothing was kept.
    #[must_use]
    pub fn persist(&mut self, record: R) -> bool {
        if self.fails {
            return false;
        }
        if record.erases() {
            self.kept.remove(&record.key());
        } else {
            self.kept.insert(record.key(), record);
        }
        true
    }

    /// What a restarted process reads, through its byte form.
    pub fn records(&self) -> Vec<R> {
        let reread = |record: &R| {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            R::decode(&bytes).expect("a record that was just written is readable")
        };
        self.kept.values().map(reread).collect()
    }

    /// From now on writes fail, or no longer.
    pub fn set_failing(&mut self, fails: bool) {
        self.fails = fails;
    }

    /// Whether something is stored under this key.
    pub fn holds(&self, key: &R::Key) -> bool {
        self.kept.contains_key(key)
    }

    /// How many records it holds: a machine must not let it grow without bound.
    pub fn count(&self) -> usize {
        self.kept.len()
    }
}
