//! Jobs and their task graphs: parse, check, evaluate.
#![no_std]
extern crate alloc;
