//! Following a configuration on a chain that reorganises, and getting transactions into it, as values.
#![no_std]
extern crate alloc;
