//! The median reporting plugin: how observations of a number become a report.
#![no_std]
extern crate alloc;
