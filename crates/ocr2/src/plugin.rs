//! What a reporting plugin is to the protocol: the half of it that decides. The half that waits (query, observation, view)
//! stands outside and is asked (OCR2 spec 8.1).

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{fmt::Debug, time::Duration};

use bytes::Bytes;
use machine::Wall;
use ocr::{ConfigDigest, OracleId};

use crate::{config::PublicConfig, message::AttributedObservation, round_id::ReportTimestamp, transport::PluginLimits};

/// Decides about reports: without waiting, without a clock, from what it is handed.
pub trait Plugin: Debug + Send {
    /// What never changes while it runs.
    fn info(&self) -> PluginInfo;

    /// Makes a report of the observations, or decides that none is due (`None`). There are at least 2f + 1, in the order
    /// of the ReportReq, of distinct oracles, each with a good signature. Called with strictly increasing rounds, but
    /// again for a round in which it failed.
    fn report(
        &mut self,
        timestamp: ReportTimestamp,
        query: &Bytes,
        observations: &[AttributedObservation],
        view: &View,
        now: Wall,
    ) -> Result<Option<Bytes>, PluginError>;

    /// Whether a finished report shall be brought to the contract. Called in any order of rounds.
    fn should_accept(
        &mut self,
        timestamp: ReportTimestamp,
        report: &Bytes,
        view: &View,
        now: Wall,
    ) -> Result<bool, PluginError>;

    /// Whether an accepted report is still worth transmitting. Called in any order of rounds, more than once for a report
    /// that the contract does not take at once, and after a restart for reports that this plugin has never seen.
    fn should_transmit(
        &mut self,
        timestamp: ReportTimestamp,
        report: &Bytes,
        view: &View,
        now: Wall,
    ) -> Result<bool, PluginError>;
}

/// Makes the plugin of a configuration.
pub trait PluginFactory: Debug + Send {
    /// Fails on a configuration that the plugin does not understand; there is no retry, for the answer would be the same.
    fn make(&self, config: &ReportingPluginConfig) -> Result<Box<dyn Plugin>, PluginError>;
}

/// What a plugin says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginInfo {
    pub name: &'static str,
    /// No two reports of one round may both gather a quorum: reports need ⌊(n + f) / 2⌋ + 1 signatures instead of f + 1,
    /// which OCR2Aggregator does not take.
    pub unique_reports: bool,
    pub limits: PluginLimits,
}

/// What the contract says now, as the plugin's waiting half wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Read by the plugin's deciding half alone.
    pub bytes: Bytes,
    /// When the contract was read.
    pub read_at: Wall,
}

/// What a plugin is made from (OCR2 spec 3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportingPluginConfig {
    pub config_digest: ConfigDigest,
    pub me: OracleId,
    pub n: usize,
    pub f: usize,
    pub onchain_config: Vec<u8>,
    /// The `reporting_plugin_config` of the configuration.
    pub offchain_config: Vec<u8>,
    /// DeltaRound.
    pub estimated_round_interval: Duration,
    pub max_duration_query: Duration,
    pub max_duration_observation: Duration,
    pub max_duration_report: Duration,
    pub max_duration_should_accept: Duration,
    pub max_duration_should_transmit: Duration,
}

impl ReportingPluginConfig {
    /// What oracle `me` gives its plugin.
    pub fn new(config: &PublicConfig, me: OracleId) -> Self {
        let p = &config.parameters;
        Self {
            config_digest: config.config_digest,
            me,
            n: config.committee.n(),
            f: config.committee.f(),
            onchain_config: config.onchain_config.clone(),
            offchain_config: p.reporting_plugin_config.clone(),
            estimated_round_interval: p.delta_round,
            max_duration_query: p.max_duration_query,
            max_duration_observation: p.max_duration_observation,
            max_duration_report: p.max_duration_report,
            max_duration_should_accept: p.max_duration_should_accept,
            max_duration_should_transmit: p.max_duration_should_transmit,
        }
    }
}

/// A plugin cannot decide, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PluginError {
    pub reason: String,
}

impl PluginError {
    /// For this reason, in one sentence.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
