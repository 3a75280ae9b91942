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
