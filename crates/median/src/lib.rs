//! The median reporting plugin: how observations of a number become a report (OCR2 spec 9).
//! Not here: where observations come from and what the contract says; both are handed in as values.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod config;
pub mod deviates;
pub mod observation;
mod plugin;
pub mod report;
mod sort;
pub mod value;
mod view;

pub use config::{MedianConfigError, OffchainConfig, OnchainConfig};
pub use deviates::deviates;
pub use observation::{NoObservation, OBSERVATION_BYTES_MAX, Observation};
pub use plugin::{Median, MedianFactory};
pub use value::Value;
pub use view::MedianView;
