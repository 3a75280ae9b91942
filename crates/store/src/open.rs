//! Taking a folder: the lock, the file, the check, the schema.

use crate::StoreError;
use crate::limits::{FOREIGN_LOCK_WAIT, WAL_BYTES_KEPT};
use rusqlite::{Connection, OpenFlags};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The schema, one step for each `user_version`. Steps are only ever added.
///
/// `sum` guards against bits that flip at rest, which SQLite itself does not notice (see [`crate::row`]).
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE record (
        space TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, sum BLOB NOT NULL,
        PRIMARY KEY (space, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pair (
        space TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, sum BLOB NOT NULL,
        PRIMARY KEY (space, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE entry (
        journal TEXT NOT NULL, number INTEGER NOT NULL, value BLOB NOT NULL,
        PRIMARY KEY (journal, number)
    ) STRICT, WITHOUT ROWID;
"];

/// Makes the folder if need be and takes it for this process. The lock goes with the process, however that ends.
pub fn lock(folder: &Path) -> Result<File, StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| StoreError::unusable("make the folder", folder, error))?;
    let path = folder.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| StoreError::unusable("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(StoreError::unusable("lock", &path, error)),
    }
}

/// The writing and the reading connection to a sound database with the newest schema.
pub fn connect(folder: &Path) -> Result<(Connection, Connection), StoreError> {
    let path = folder.join("dodona.db");
    create(folder, &path)?;
    let failed = |error: rusqlite::Error| diagnose(&path, error);

    let mut writing =
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(failed)?;
    writing.busy_timeout(FOREIGN_LOCK_WAIT).map_err(failed)?;
    let mode: String = writing.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        return Err(StoreError::unusable("use a write-ahead log for", &path, format!("SQLite offers only {mode:?}")));
    }
    writing.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    // Where fsync does not reach the medium (macOS), ask for the call that does.
    writing.pragma_update(None, "fullfsync", true).map_err(failed)?;
    writing.pragma_update(None, "checkpoint_fullfsync", true).map_err(failed)?;
    writing.pragma_update(None, "journal_size_limit", i64::try_from(WAL_BYTES_KEPT).expect("small")).map_err(failed)?;
    check(&writing, &path)?;
    migrate(&mut writing, &path)?;
    // The log may hold a commit whose sync failed, which the page cache shows and the disk does not have. Moving it all
    // into the database writes and syncs it once more, before anyone builds on it.
    let busy: i64 = writing.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
    if busy != 0 {
        return Err(StoreError::unusable("checkpoint", &path, "another program is reading or writing it"));
    }

    let reading =
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(failed)?;
    reading.busy_timeout(FOREIGN_LOCK_WAIT).map_err(failed)?;
    reading.pragma_update(None, "query_only", true).map_err(failed)?;
    Ok((writing, reading))
}

/// Makes the file for its owner alone (SQLite gives its companions the same mode) and its name in the folder durable.
fn create(folder: &Path, path: &PathBuf) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| StoreError::unusable("make durable the folder", folder, error)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::unusable("make", path, error)),
    }
}

fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let report: Vec<String> = connection
        .prepare("PRAGMA integrity_check(3)")
        .and_then(|mut check| check.query_map([], |row| row.get(0))?.collect())
        .map_err(|error| diagnose(path, error))?;
    if report == ["ok"] {
        Ok(())
    } else {
        Err(StoreError::Damaged { path: path.to_owned(), report: report.join("; ").into() })
    }
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| diagnose(path, error);
    let known = i64::try_from(MIGRATIONS.len()).expect("few");
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    let done = usize::try_from(found)
        .map_err(|_| StoreError::Damaged { path: path.to_owned(), report: format!("schema {found}").into() })?;
    for (version, sql) in (1i64..).zip(MIGRATIONS).skip(done) {
        let transaction = connection.transaction().map_err(failed)?;
        transaction.execute_batch(sql).map_err(failed)?;
        transaction.pragma_update(None, "user_version", version).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}

fn diagnose(path: &Path, error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => {
            StoreError::Damaged { path: path.to_owned(), report: error.to_string().into() }
        }
        _ => StoreError::unusable("open", path, error),
    }
}
