//! Every bound of this crate, with its reason. Vector files come from strangers too.

/// Bytes of a vector file. The largest of ours has 0.4 MB; a file is read case by case, so this bounds one case.
pub const FILE_BYTES_MAX: u64 = 256 << 20;

/// Files below one folder, and entries looked at to find them: enough for every version, and a wrong path ends soon.
pub const FILES_MAX: usize = 10_000;

/// Folders within folders; a link that leads back ends here.
pub const FOLDER_DEPTH_MAX: usize = 8;

/// Failures that a report keeps of one file, with their values; more are counted only.
pub const FAILURES_KEPT: usize = 100;

/// Characters kept of a wanted or got value: a message may be long, and its beginning tells enough.
pub const SHOWN_CHARS_MAX: usize = 400;

/// How far a rate, a double, may be off: the last bit depends on the order of the additions.
pub const RATE_TOLERANCE: f64 = 1e-12;
