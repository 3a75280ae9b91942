//! Every bound of this crate, with its reason.

/// Submissions that have no nonce yet, over all senders. One more is refused: a queue that long means that the chain has
/// stopped taking our transactions, and its tail would be stale.
pub const QUEUED_MAX: usize = 250;

/// Transactions of one sender that may be unconfirmed at once; endpoints drop the tail of longer chains (geth keeps 16
/// executable ones of an account for sure).
pub const IN_FLIGHT_MAX: usize = 16;

/// Attempts under one nonce, whose receipts are all watched. With steps of 10 % so many raise a fee eighteenfold, and
/// every step also follows the market.
pub const ATTEMPTS_MAX: usize = 32;

/// Bytes of a call's input: what geth's pool takes for a whole transaction is 128 KiB.
pub const INPUT_MAX: usize = 120 * 1024;

/// Bytes kept of what a reverting call returns: enough for any error's text.
pub const REVERT_MAX: usize = 1024;

/// Outcomes remembered so that a repeated id is recognised; beyond what any host has underway when it crashes.
pub const FINISHED_MAX: usize = 256;

/// A look at an older head than the last is a lagging endpoint, unless so many follow each other: then the chain itself
/// was set back.
pub const STALE_LOOKS_MAX: u32 = 5;

/// A nonce is confirmed, but none of our attempts has a receipt: after so many such looks in a row it was used by someone
/// else. Fewer would mistake an endpoint whose receipts lag behind its state.
pub const FOREIGN_LOOKS: u32 = 3;

/// Highest nonce that an endpoint is believed: an account that sends a transaction each nanosecond gets there after a
/// century, and counting on from there does not overflow.
pub const NONCE_MAX: u64 = 1 << 62;

/// Nonces that the chain lacks below those that we sent are filled after so many looks in a row; fewer would fill what a
/// lagging endpoint merely does not know yet.
pub const GAP_LOOKS: u32 = 3;

/// A larger gap is not filled: it means another chain, or one that was set back further than we keep records.
pub const GAP_MAX: u64 = 16;

/// How many of a sender's oldest unconfirmed transactions are bid higher: those behind them wait for them, not for fees.
pub const BUMP_DEPTH: u64 = 4;

/// The least rise of both fees, in percent, at which endpoints replace a transaction in their pools (geth's default).
pub const REPLACEMENT_PERCENT: u128 = 10;

/// Gas of a transfer of nothing to oneself.
pub const NO_OP_GAS: u64 = 21_000;

/// Confirmations of a transaction or a configuration: no chain needs more, and endpoints without an archive answer
/// questions about the last 128 blocks only.
pub const CONFIRMATIONS_MAX: u64 = 100;

/// Logs of one block in an answer: a block has no room for more configurations.
pub const LOGS_MAX: usize = 64;

/// Bytes of a `ConfigSet` event: more than a block has gas for (8 gas a byte of log data, and as much calldata).
pub const CONFIG_SET_MAX: usize = 256 * 1024;
