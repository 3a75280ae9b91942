//! Dishonest oracles, one behaviour a file, wrapped round an honest machine.
#![no_std]
extern crate alloc;
