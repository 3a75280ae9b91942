//! Protocol Buffers as protobuf-go reads and writes them: a [`Reader`] over the fields of one message, a [`Writer`].
//! No schemas and no reflection: a message type matches on `(number, value)` and skips what it does not know.
//!
//! Why not a library: a known field of another wire type is skipped by the reference, and unknown groups may nest
//! 10,001 deep. A decoder that refuses either lets one liar split a committee of Go and Rust oracles (OCR2 spec 4.2).
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod reader;
mod writer;

pub use reader::{Malformed, Packed, Reader, Value};
pub use writer::Writer;
