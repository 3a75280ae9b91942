//! Every bound of this crate, with its reason.

use std::time::Duration;

/// How many batches share one sync at most. A group is applied while its first committer waits, so it must stay short:
/// 512 batches take a few milliseconds.
pub const GROUP_BATCHES_MAX: usize = 512;

/// How many bytes one group holds at most, so that a group cannot grow the write-ahead log by more than SQLite's
/// checkpoint (about 4 MB) takes back at once.
pub const GROUP_BYTES_MAX: usize = 4 << 20;

/// Up to this size the write-ahead log keeps its place on disk after a checkpoint; above it the file is cut.
pub const WAL_BYTES_KEPT: u64 = 16 << 20;

/// How long to wait for someone outside who reads the file with SQLite's own tools. Readers never block a writer in WAL
/// mode, but a foreign writer or a foreign checkpoint can for a moment.
pub const FOREIGN_LOCK_WAIT: Duration = Duration::from_secs(5);
