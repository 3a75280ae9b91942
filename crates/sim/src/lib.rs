//! A whole network in one thread and one seed: the real protocol, plugin, chain-following machines and contract bytecode,
//! with faults, liars, checks and replay. Not here: sockets, disks, clocks; nothing in a world waits.

pub mod chain;
pub mod checks;
mod committee;
mod disk;
pub mod endpoint;
mod network;
pub mod plan;
mod queue;
mod rng;
mod seat;
pub mod signatures;
mod source;
mod world;

pub use rng::Rng;
pub use signatures::Scheme;
pub use world::{Tally, World};
