//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Bytes of one answer: 64 configurations of the largest size would fit, and so does a block's list of hashes.
pub const RESPONSE_BYTES_MAX: usize = 32 << 20;

/// Bytes of one message over a WebSocket, where only heads come.
pub const WS_MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Bytes of an endpoint's own words that are repeated in an error.
pub const MESSAGE_BYTES_MAX: usize = 300;

/// Connecting takes a few round trips; who needs longer is not there.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest pause before an endpoint that failed is preferred again.
pub const AVOID_MAX: Duration = Duration::from_secs(30);

/// Failures in a row after which an endpoint counts as unreachable in what is told about it.
pub const UNREACHABLE_AFTER: u32 = 3;

/// How often an endpoint of another chain is asked whether it still is one.
pub const WRONG_CHAIN_RECHECK: Duration = Duration::from_secs(30);

/// The pause before a WebSocket that broke is opened again. Polling goes on meanwhile.
pub const WS_RETRY: Duration = Duration::from_secs(5);

/// Blocks of one request for logs: endpoints refuse larger ranges, some much earlier than others.
pub const LOG_RANGE_MAX: u64 = 1_000;

/// Blocks below the head whose logs are read again, because a reorganisation may have changed them.
pub const LOG_REORG_DEPTH: u64 = 64;

/// Blocks that are searched for a request at most, however long it may be looked back.
pub const LOG_LOOKBACK_MAX: u64 = 20_000;

/// Requests that are remembered between reads: the latest one counts, the others only if a reorganisation removes it.
pub const REQUESTS_KEPT_MAX: usize = 64;
