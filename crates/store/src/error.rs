use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;

/// Why a store cannot be opened, read or written.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// Another process, or another part of this one, has this folder open.
    #[error(
        "{}: the store is in use by another process; stop that one first, or give this one a folder of its own",
        folder.display()
    )]
    InUse { folder: PathBuf },

    /// The folder or the file cannot be made, opened or locked.
    #[error("cannot {action} {}: {cause}", path.display())]
    Unusable { action: &'static str, path: PathBuf, cause: Arc<str> },

    /// The file was written by a later version of this software.
    #[error("{} has schema {found}, this version knows up to {known}: use the version that wrote it", path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },

    /// The file is not a healthy database.
    #[error(
        "{} is damaged ({report}): move the folder away; an oracle that starts without its records, or with an older \
         copy, may contradict what it said before, so let it begin again only under a new configuration",
        path.display()
    )]
    Damaged { path: PathBuf, report: Arc<str> },

    /// A record is there but cannot be read.
    #[error("corrupt record: space {space:?}, key 0x{key}: byte {at} should begin {wanted}")]
    Corrupt { space: Arc<str>, key: String, at: usize, wanted: &'static str },

    /// Reading failed.
    #[error("cannot read from the store: {cause}")]
    Unreadable { cause: Arc<str> },

    /// A write failed, now or before. Nothing is written after it: whether the failed write is on disk is unknown.
    #[error("the store has stopped, nothing more can be made durable: {cause}")]
    Stopped { cause: Arc<str> },
}

impl StoreError {
    pub(crate) fn unusable(action: &'static str, path: impl Into<PathBuf>, cause: impl ToString) -> Self {
        StoreError::Unusable { action, path: path.into(), cause: cause.to_string().into() }
    }

    pub(crate) fn unreadable(cause: impl ToString) -> Self {
        StoreError::Unreadable { cause: cause.to_string().into() }
    }

    pub(crate) fn stopped(cause: impl ToString) -> Self {
        StoreError::Stopped { cause: cause.to_string().into() }
    }
}
