//! Rust types and creation bytecode of the contracts, from their committed artifacts.
#![no_std]
extern crate alloc;
