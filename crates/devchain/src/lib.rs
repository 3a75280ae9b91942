//! An EVM chain in a value, and a JSON-RPC face for it.
