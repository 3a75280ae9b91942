//! The node: configuration, keys, jobs, HTTP side, tools, and the wiring of oracles from the other crates.
//! No protocol rule is here: what an oracle says is decided above the line, in `ocr2`, `median` and their kin.

pub mod bad_input;
pub mod config;
pub mod identity;
pub mod keystore;
mod private_file;
mod toml_file;
