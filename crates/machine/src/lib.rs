//! The seam: a protocol is a value that turns one event into an ordered list of effects.
#![no_std]
extern crate alloc;
