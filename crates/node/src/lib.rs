//! The node: configuration, keys, jobs, HTTP side, tools, and the wiring of oracles from the other crates.
//! No protocol rule is here: what an oracle says is decided above the line, in `ocr2`, `median` and their kin.

// What people write: read and checked, or refused with file, line and remedy.
pub mod bad_input;
pub mod config;
pub mod jobs;
pub mod seat;
mod toml_file;

// Keys, and who a node is to others.
pub mod identity;
pub mod key_source;
pub mod keystore;
mod private_file;

// A running node: what its files come to, and the worlds of its machines.
mod chain;
mod observer;
mod oracle;
pub mod plan;
pub mod run;
mod service;

// What it tells of itself.
pub mod health;
pub mod http;
pub mod log;
pub mod metrics;
mod telling;

// The command line, and the commands besides `run`.
pub mod cli;
mod config_tool;
pub mod devnet;
pub mod devnet_options;
pub mod inspect;
pub mod keys_tool;
