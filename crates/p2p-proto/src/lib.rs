//! Knock, frames, streams, rate limits and discovery of ragep2p, as values without sockets.
#![no_std]
extern crate alloc;
