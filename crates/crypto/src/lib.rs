//! Keys, signatures, sealed secrets and hashes; every domain tag in one file.
#![no_std]
extern crate alloc;
