//! Protocol Buffers as protobuf-go reads and writes them, without schemas or reflection.
#![no_std]
extern crate alloc;
