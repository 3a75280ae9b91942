//! The measured comparison: one committee on one machine, all Go, then all ours, then mixed, and the floor that no oracle
//! can be below. Not here: the Go oracles, which `interop/go/cmd/bench` seats.
//!
//! What is measured is the way from query to accepted report, with real processes, TCP, TLS and signatures. What is the
//! same for both and left out: market data, chain and, but where it is asked for, the disk.

pub mod committee;
pub mod floor;
pub mod oracle;
pub mod process;
pub mod runner;
pub mod table;
pub mod words;
