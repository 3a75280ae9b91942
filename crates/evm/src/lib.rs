//! Drives evm-proto over JSON-RPC; contract reads; on-chain keys.
