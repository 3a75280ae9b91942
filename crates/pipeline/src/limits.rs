//! Every bound of this crate, with its reason.

use core::time::Duration;

/// Bytes of a job file. Published jobs stay below 20 kB; the rest is room.
pub const JOB_BYTES_MAX: usize = 256 * 1024;

/// Tasks in one graph. Published graphs stay below 60 tasks; the checks are quadratic in places.
pub const TASKS_MAX: usize = 512;

/// Edges in one graph, written or through variables: groups multiply (`{a b} -> {c d}`), so the text does not bound them.
pub const EDGES_MAX: usize = 8192;

/// How deep groups may nest in the graph's text; the parser is recursive.
pub const GROUP_DEPTH_MAX: usize = 16;

/// Bits of a decimal's coefficient, about 4,900 digits: a 256-bit integer has 78, and one product of two such giants
/// takes microseconds.
pub const COEFFICIENT_BITS_MAX: u64 = 16_384;

/// Largest power of ten, up or down, of a decimal. A double ends at 308. The reference allows 32 bits, which lets one
/// `1e2000000000` in an answer take gigabytes when it is added to something.
pub const SCALE_MAX: i64 = 4_096;

/// Characters of a number's text; more cannot be within the two bounds above unless it is padding.
pub const NUMBER_CHARS_MAX: usize = 10_000;

/// Weight of one value, about its bytes in memory. Sources send at most 32 kB, but variables may copy a value many times.
pub const VALUE_WEIGHT_MAX: usize = 4 * 1024 * 1024;

/// How deep lists and maps may nest; the JSON reader stops at the same depth, and what walks values is recursive.
pub const VALUE_DEPTH_MAX: usize = 128;

/// Characters of foreign text that an error may quote: enough to recognise a page, too little to fill a log.
pub const EXCERPT_CHARS_MAX: usize = 200;

/// Bytes of a response body (`JobPipeline.HTTPRequest.MaxSize`).
pub const RESPONSE_BYTES_MAX: usize = 32_768;

/// Redirects that a request follows, the default of Go's client.
pub const REDIRECTS_MAX: usize = 10;

/// Time limit of a request without `timeout` (`JobPipeline.HTTPRequest.DefaultTimeout`).
pub const REQUEST_TIME: Duration = Duration::from_secs(15);

/// Time limit of a whole run (`JobPipeline.MaxRunDuration`).
pub const RUN_TIME: Duration = Duration::from_secs(600);

/// Attempts of one task; a job that asks for more is a typing error, and each attempt may take `timeout`.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// Longest use of a bridge's last good response (`cacheTTL` is capped at it).
pub const CACHE_TIME_MAX: Duration = Duration::from_secs(30 * 60);
