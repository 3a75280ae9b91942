//! The node: configuration, keys, jobs, HTTP side, tools, and the wiring of oracles from the other crates.
//! No protocol rule is here: what an oracle says is decided above the line, in `ocr2`, `median` and their kin.

pub mod bad_input;
mod chain;
pub mod cli;
pub mod config;
mod config_tool;
pub mod devnet;
pub mod devnet_options;
pub mod health;
pub mod http;
pub mod identity;
pub mod inspect;
pub mod jobs;
pub mod keys_tool;
pub mod keystore;
pub mod log;
pub mod metrics;
mod observer;
mod oracle;
pub mod plan;
mod private_file;
pub mod run;
pub mod seat;
mod service;
mod telling;
mod toml_file;
