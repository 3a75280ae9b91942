//! Ours and the reference's contracts side by side: the same calls, and then the same success or revert (the reasons may
//! differ), the same events, the same reads and the same token balances, except for the deliberate differences of
//! `contracts/docs/Differences.md`, each of which is checked for being that and nothing else.
//!
//! `SEQUENCES` and `SEED` say how many and which; `cargo xtask contracts differential --sequences N --seed S` sets them.
//! `OURS=folder` takes our contracts from another folder of artifacts: the mutations of them must be caught. `OF=name,name`
//! runs the sequences of these contracts only, and `SHORTEN=no` does not look for the shortest sequence that fails.
//! Without the reference's bytecode (`contracts/tools/reference.mjs`) there is nothing to compare, and the tests say so.
//!
//! Threshold feeds have no original, and are beside a model instead.
//!
//! Another price feed of the reference joins with a module of its own that implements [`feeds::Protocol`], a threshold feed with
//! one that implements `threshold::Feed`, anything else with one that implements [`sequence::Pair`]; and with a test that runs it.
#![allow(clippy::print_stdout)]

#[path = "../chain/mod.rs"]
mod chain;
mod feeds;
mod garbling;
mod ocr2_aggregator;
mod offchain_aggregator;
mod random;
mod sequence;
mod threshold;
