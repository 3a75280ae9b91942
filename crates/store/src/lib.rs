//! Crash-safe records in an embedded database.
