//! The node: configuration, keys, jobs, HTTP side, tools, and the wiring of oracles from the other crates.
//! No protocol rule is here: what an oracle says is decided above the line, in `ocr2`, `median` and their kin.

pub mod bad_input;
pub mod config;
pub mod health;
pub mod http;
pub mod identity;
pub mod keystore;
pub mod metrics;
mod private_file;
pub mod seat;
mod toml_file;
