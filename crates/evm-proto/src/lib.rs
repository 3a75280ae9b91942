//! Following a contract's configuration on a chain that reorganises, and getting transactions into it: two machines as
//! values, the same in a node and in the simulator.
//!
//! Not here: JSON-RPC, endpoints and their failures, keys, and the encoding of transactions; whoever performs the asks
//! has those.
#![no_std]
extern crate alloc;

pub mod chain;
pub mod limits;
pub mod tracker;
pub mod transactions;
