//! Every bound of this crate, with its reason.

/// Bytes of one signed transaction: geth's pool refuses more ("oversized data").
pub const TRANSACTION_BYTES_MAX: usize = 128 * 1024;

/// Bytes of a contract's creation code (EIP-3860).
pub const INIT_CODE_BYTES_MAX: usize = 49_152;

/// Transactions waiting in the pool: geth's 5,120 pending and 1,024 queued, in one number.
pub const POOL_TRANSACTIONS_MAX: usize = 6_144;

/// Nonces that one sender may have waiting. A transaction manager keeps 16 in flight; the rest is for tests of that limit.
pub const POOL_TRANSACTIONS_PER_SENDER_MAX: usize = 256;

/// A replacement must offer this many per cent more, in both fee fields (geth's price bump).
pub const REPLACEMENT_BUMP_PERCENT: u128 = 10;

/// Gas that one `eth_call` may burn: geth's RPC gas cap. It bounds the time under the chain's lock.
pub const CALL_GAS_MAX: u64 = 50_000_000;

/// Memory that one call frame stack may take; a call with the full gas stays far below it.
pub const CALL_MEMORY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Blocks that BLOCKHASH can reach (yellow paper); revm asks for no more.
pub const BLOCK_HASHES_MAX: u64 = 256;

/// Bytes of one HTTP request or WebSocket message (geth: 5 MiB).
pub const REQUEST_BYTES_MAX: usize = 5 * 1024 * 1024;

/// Bytes of the answers to one batch (geth: 25 million). A batch that grows past it is answered with errors from there on.
pub const RESPONSE_BYTES_MAX: usize = 25_000_000;

/// Calls in one batch (geth: 1,000).
pub const BATCH_CALLS_MAX: usize = 1_000;

/// Requests that are answered at once. All of them take turns at one lock, so more would only keep threads waiting, and
/// work would go on for callers that have long gone.
pub const ANSWERS_AT_ONCE_MAX: usize = 4;

/// Blocks that one `eth_getLogs` may span: what public providers allow, so that nobody gets used to more here.
pub const LOG_RANGE_BLOCKS_MAX: u64 = 10_000;

/// Logs that one answer may hold; the error names it, as providers' do.
pub const LOG_RESULTS_MAX: usize = 20_000;

/// Addresses, or alternatives at one topic position, in a log filter (geth: 1,000 each).
pub const LOG_FILTER_ALTERNATIVES_MAX: usize = 1_000;

/// Polled filters that exist at once. A filter is forgotten after [`FILTER_IDLE_SECONDS_MAX`], so this many need a leak.
pub const FILTERS_MAX: usize = 1_000;

/// Seconds without a poll after which a filter is forgotten (geth: 5 minutes).
pub const FILTER_IDLE_SECONDS_MAX: u64 = 300;

/// Changes that a polled filter keeps; one that falls further behind is forgotten, and its owner must start again.
pub const FILTER_CHANGES_MAX: usize = 10_000;

/// Open WebSocket connections: each holds a queue.
pub const SOCKETS_MAX: usize = 256;

/// Subscriptions of one connection.
pub const SUBSCRIPTIONS_PER_SOCKET_MAX: usize = 128;

/// Messages that wait for a slow WebSocket peer. One that does not read them is cut off, as geth does.
pub const SOCKET_QUEUE_MAX: usize = 10_000;

/// Blocks in one `eth_feeHistory` (geth: 1,024).
pub const FEE_HISTORY_BLOCKS_MAX: u64 = 1_024;

/// Percentiles in one `eth_feeHistory` (geth: 100).
pub const FEE_HISTORY_PERCENTILES_MAX: usize = 100;

/// Blocks that one `evm_mine` may make.
pub const MINE_BLOCKS_MAX: u64 = 10_000;

/// Snapshots that are kept; the oldest goes first.
pub const SNAPSHOTS_MAX: usize = 64;

/// Storage keys in one `eth_getProof` (geth: 1,024).
pub const PROOF_KEYS_MAX: usize = 1_024;

/// Seconds that a stopping server waits for a peer in the middle of a request or of an answer.
pub const STOP_SECONDS_MAX: u64 = 2;
