//! Offchain Reporting version 2: one oracle as a value.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod config;
pub mod signing;
pub mod transport;
