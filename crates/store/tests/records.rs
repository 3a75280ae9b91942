//! What a store promises while nothing crashes.

mod entry;

use entry::{Entry, entry};
use futures::executor::block_on;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use store::{Store, StoreError};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("dodona.db")
}

/// Changes the file behind the store's back, with SQLite's own means.
fn tamper(folder: &Path, sql: &str) {
    rusqlite::Connection::open(database(folder)).unwrap().execute_batch(sql).unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Persist(usize, Vec<Entry>),
    Erase(usize),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let entry = (0u32..6, proptest::option::of(any::<u64>())).prop_map(|(key, value)| Entry { key, value });
    prop_oneof![
        8 => (0usize..2, proptest::collection::vec(entry, 0..5)).prop_map(|(space, batch)| Step::Persist(space, batch)),
        1 => (0usize..2).prop_map(Step::Erase),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_space_holds_what_a_map_would_hold(steps in proptest::collection::vec(step(), 1..24)) {
        let folder = folder();
        let mut store = Store::open(folder.path()).unwrap();
        let mut models = [BTreeMap::new(), BTreeMap::new()];
        let names = ["oracle/1", "oracle/2"];
        for step in steps {
            match step {
                Step::Persist(space, batch) => {
                    store.space(names[space]).persist_blocking(batch.clone()).unwrap();
                    for Entry { key, value } in batch {
                        match value {
                            Some(value) => models[space].insert(key, value),
                            None => models[space].remove(&key),
                        };
                    }
                }
                Step::Erase(space) => {
                    block_on(store.space(names[space]).erase()).unwrap();
                    models[space].clear();
                }
                Step::Reopen => {
                    drop(store);
                    store = Store::open(folder.path()).unwrap();
                }
            }
            for (name, model) in names.iter().zip(&models) {
                let expected: Vec<Entry> = model.iter().map(|(key, value)| entry(*key, *value)).collect();
                prop_assert_eq!(store.space(name).load::<Entry>().unwrap(), expected);
            }
        }
        let held: Vec<&str> = names.iter().zip(&models).filter(|(_, model)| !model.is_empty()).map(|(name, _)| *name).collect();
        prop_assert_eq!(store.spaces().unwrap(), held);
    }
}

#[test]
fn batches_take_effect_in_the_order_in_which_they_were_handed_in() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let space = store.space("s");
    let waiting: Vec<_> = (0..2000).map(|value| space.persist(vec![entry(7, value)])).collect();
    for outcome in block_on(futures::future::join_all(waiting)) {
        outcome.unwrap();
    }
    assert_eq!(space.load::<Entry>().unwrap(), [entry(7, 1999)]);
}

#[test]
fn a_batch_counts_even_if_nobody_waits_for_it() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    drop(store.space("s").persist(vec![entry(1, 2)]));
    drop(store);
    assert_eq!(Store::open(folder.path()).unwrap().space("s").load::<Entry>().unwrap(), [entry(1, 2)]);
}

#[test]
fn values_are_kept_under_their_names() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let values = store.key_value("node");
    block_on(values.put("nonce", [7])).unwrap();
    block_on(values.put("nonce", [8, 9])).unwrap();
    block_on(values.put("other", [])).unwrap();
    block_on(store.key_value("elsewhere").put("nonce", [1])).unwrap();
    block_on(values.remove("other")).unwrap();
    assert_eq!(values.get("nonce").unwrap(), Some(vec![8, 9]));
    assert_eq!(values.get("other").unwrap(), None);
    assert_eq!(values.all().unwrap(), [(b"nonce".to_vec(), vec![8, 9])]);
}

#[test]
fn a_journal_keeps_its_newest_entries() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let runs = store.journal("runs", 3);
    for value in 0..5u8 {
        block_on(runs.append([value])).unwrap();
    }
    block_on(store.journal("other", 3).append([9])).unwrap();
    let newest: Vec<(u64, Vec<u8>)> = runs.newest(2).unwrap().into_iter().map(|run| (run.number, run.value)).collect();
    assert_eq!(newest, [(5, vec![4]), (4, vec![3])]);
    assert_eq!(runs.newest(u64::MAX).unwrap().len(), 3);
}

#[test]
fn a_folder_is_open_once_and_free_again_afterwards() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let space = store.space("s");
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(&error, StoreError::InUse { folder: named } if named == folder.path()), "{error}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(store);
    assert!(Store::open(folder.path()).is_err(), "a space keeps its store open");
    drop(space);
    Store::open(folder.path()).unwrap();
}

#[test]
fn what_is_made_is_for_its_owner_only() {
    let folder = folder();
    let inner = folder.path().join("deep/store");
    let store = Store::open(&inner).unwrap();
    store.space("s").persist_blocking(vec![entry(1, 1)]).unwrap();
    assert_eq!(fs::metadata(&inner).unwrap().permissions().mode() & 0o777, 0o700);
    for file in ["dodona.db", "dodona.db-wal", "dodona.db-shm", "lock"] {
        assert_eq!(fs::metadata(inner.join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = folder();
    fs::write(database(folder.path()), b"this is not a database, and it is long enough to see that".repeat(100))
        .unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("dodona.db is damaged"), "{error}");
}

#[test]
fn a_database_with_a_broken_page_is_refused() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    store.space("s").persist_blocking((0..2000).map(|key| entry(key, 1)).collect()).unwrap();
    drop(store);
    let mut file = OpenOptions::new().write(true).open(database(folder.path())).unwrap();
    let length = file.metadata().unwrap().len();
    assert!(length > 5 * 4096, "the records fill some pages: {length}");
    file.seek(SeekFrom::Start(4 * 4096)).unwrap();
    file.write_all(&[0xff; 4096]).unwrap();
    drop(file);
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_cut_database_is_refused() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    store.space("s").persist_blocking((0..2000).map(|key| entry(key, 1)).collect()).unwrap();
    drop(store);
    File::options().write(true).open(database(folder.path())).unwrap().set_len(3 * 4096).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_record_whose_bits_have_flipped_is_named() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    store.space("s").persist_blocking(vec![entry(1, 1), entry(2, 2)]).unwrap();
    drop(store);
    tamper(folder.path(), "UPDATE record SET value = x'000000020000000000000003' WHERE key = x'00000002'");
    let error = Store::open(folder.path()).unwrap().space("s").load::<Entry>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "corrupt record: space \"s\", key 0x00000002: byte 0 should begin the bytes that its sum was made of"
    );
}

/// A record of the same bytes but of another kind.
#[derive(Clone, Debug)]
struct Short(Entry);

impl machine::Record for Short {
    type Key = u32;
    fn key(&self) -> u32 {
        self.0.key
    }
    fn encode_key(key: &u32, out: &mut Vec<u8>) {
        Entry::encode_key(key, out);
    }
    fn encode(&self, out: &mut Vec<u8>) {
        Entry::encode_key(&self.0.key, out);
    }
    fn decode(bytes: &[u8]) -> Result<Self, machine::CorruptRecord> {
        Entry::decode(bytes).map(Short)
    }
}

#[test]
fn a_record_that_cannot_be_decoded_is_named_with_its_byte() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    store.space("s").persist_blocking(vec![Short(entry(5, 1))]).unwrap();
    let error = store.space("s").load::<Entry>().unwrap_err();
    assert_eq!(error.to_string(), "corrupt record: space \"s\", key 0x00000005: byte 4 should begin the value");
}

#[test]
fn a_store_of_a_later_version_is_refused() {
    let folder = folder();
    drop(Store::open(folder.path()).unwrap());
    tamper(folder.path(), "PRAGMA user_version = 77");
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 77, .. }), "{error}");
}

#[test]
fn the_first_failed_write_is_the_last_one() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let space = store.space("s");
    space.persist_blocking(vec![entry(1, 1)]).unwrap();
    tamper(folder.path(), "DROP TABLE record");
    let error = space.persist_blocking(vec![entry(2, 2)]).unwrap_err();
    assert!(matches!(error, StoreError::Stopped { .. }), "{error}");
    tamper(folder.path(), "CREATE TABLE record (space TEXT, key BLOB, value BLOB, sum BLOB, PRIMARY KEY (space, key))");
    let again = block_on(store.key_value("node").put("a", [1])).unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    assert!(store.stopped().is_some());
}
