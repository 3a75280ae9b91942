//! What all versions of Offchain Reporting share: committee, leader order, schedule, shared secret, config digest.
#![no_std]
extern crate alloc;
