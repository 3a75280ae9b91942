//! Committees of both implementations, Dodona's oracles and those of the Go reference, as real processes on loopback over
//! the reference's own contract: run, listened to, and judged. And the two asked the same questions, a million at a time.
//!
//! Not here: the Go programs (`interop/go`), and how they and the other tools come onto a machine (`cargo xtask interop`).

pub mod committee;
mod faults;
pub mod fuzz;
mod partition;
pub mod ports;
pub mod process;
pub mod tail;
pub mod trial;
pub mod witness;
