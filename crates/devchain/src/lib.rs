#![doc = include_str!("../README.md")]

mod block;
mod call;
mod chain;
mod config;
mod execute;
pub mod limits;
mod logs;
mod pool;
mod recover;
pub mod rpc;
mod trie;
mod world;

/// What transactions and headers are made of, so that users need not name the crate.
pub use alloy_consensus::{Header, TxEip1559, TxEip2930, TxLegacy, TypedTransaction};
pub use block::{Block, Receipt, Transaction};
pub use call::{At, Call, CallError, EstimateError, Halt, Outcome};
pub use chain::{Chain, Event, Snapshot, TimestampTooOld, TooDeep};
pub use config::{Config, Headers};
pub use logs::{LogFilter, PlacedLog};
pub use pool::Rejected;
pub use recover::{Recover, SIMULATION_TAG, keyed_signature};
pub use trie::Proof;
pub use world::Override;
