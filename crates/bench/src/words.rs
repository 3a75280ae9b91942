//! What an oracle under measurement tells: JSON lines, the same from both implementations.

use serde::{Deserialize, Serialize};

/// One line on stdout. A line `mark` on stdin asks for [`Word::Counters`]; the end of stdin ends the oracle.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Word {
    /// The first report that this oracle's plugin accepted.
    First { unix_ns: u64 },
    /// Counted since the start, but for the latencies, which are of the time since the last mark.
    Counters {
        unix_ns: u64,
        /// Reports that the plugin accepted.
        accepted: u64,
        /// Bytes written to TCP connections after the knock, TLS included.
        wire_bytes: u64,
        /// From the plugin's call for a query to its acceptance of the report, at the leader's own oracle; microseconds.
        latencies_us: Vec<u64>,
        /// What an honest committee should not cause: by name, how often.
        #[serde(default)]
        notes: std::collections::BTreeMap<String, u64>,
    },
}
