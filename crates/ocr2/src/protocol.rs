//! The words of OCR2 at its seam: what an oracle asks, is told, and tells.

use alloc::{boxed::Box, sync::Arc};
use core::time::Duration;

use bytes::Bytes;
use machine::{Mono, Protocol};
use ocr::{ConfigDigest, ContractConfig, OracleId, OracleSet, PeerId, PerOracle};

use crate::{
    config::PublicConfig,
    managed::ConfigRefusal,
    message::{Final, Message, ReportReq, TooLarge},
    plugin::{PluginError, ReportingPluginConfig, View},
    record::Record,
    refusal::Refusal,
    round_id::{Epoch, ReportTimestamp, RoundId},
    signing::ReportContext,
    transport::{PluginLimits, ReportReqLength, TransportLimits},
};

/// Offchain Reporting version 2.
#[derive(Debug)]
pub enum Ocr2 {}

impl Protocol for Ocr2 {
    type Peer = OracleId;
    type Audience = OracleSet;
    type Message = Message;
    type Record = Record;
    type Ask = Ask;
    type Answer = Answer;
    type Order = Order;
    type Output = Output;
}

/// Effects of an oracle.
pub type Effects = machine::Effects<Ocr2>;
/// Events of an oracle.
pub type Event = machine::Event<Ocr2>;

/// What the host tells an oracle unasked.
#[derive(Clone, Debug)]
pub enum Order {
    /// The contract has this configuration now, with as many confirmations as the operator wants.
    Configure(Arc<ContractConfig>),
}

/// Work for the host. Its outcome counts for the phase that asked and does no harm later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whose plugin, keys and contract are meant.
    pub config_digest: ConfigDigest,
    /// When the work should be given up. The oracle forgets the ask shortly after.
    pub deadline: Mono,
    pub work: Work,
}

/// What is to be done, and in which [`Answer`] it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// The plugin's query of a round we lead. Ends in [`Answer::Query`].
    Query { at: RoundId },
    /// The plugin's observation. Ends in [`Answer::Observation`].
    Observe { at: RoundId, query: Bytes },
    /// What the contract says now, for one decision of the plugin. Ends in [`Answer::View`].
    View { at: RoundId, decision: Decision },
    /// Our off-chain key's Ed25519 signature over this digest as the message. Ends in [`Answer::Signature`], which is not
    /// checked again.
    SignObservation { at: RoundId, digest: [u8; 32] },
    /// Our on-chain key's signature: on the EVM over `digest`, which is `context.report_digest(&report)`, as r ‖ s ‖ v with
    /// v = 0 or 1. Ends in [`Answer::Signature`], which is not checked again.
    SignReport { context: ReportContext, report: Bytes, digest: [u8; 32] },
    /// The contract's latest config digest and epoch. Ends in [`Answer::ContractEpoch`].
    ContractEpoch,
    /// Bring the report to the contract. Ends in [`Answer::Transmitted`] when the keeper of transactions has it, or the
    /// chain. Asked again for the same report if the contract does not show it after a while: it is one transmission.
    Transmit { context: ReportContext, report: Arc<Final> },
}

/// What a view is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    Report,
    Accept,
    Transmit,
}

/// What work yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Query(Bytes),
    Observation(Bytes),
    View(View),
    Signature(Bytes),
    ContractEpoch { config_digest: ConfigDigest, epoch: Epoch },
    Transmitted,
}

/// What an oracle tells its host.
#[derive(Clone, Debug)]
pub enum Output {
    /// Open the endpoint of this configuration and start its plugin's waiting half; messages come from it alone now.
    Open(Arc<EndpointSpec>),
    /// Close the endpoint of this configuration and end its plugin's waiting half.
    Close(ConfigDigest),
    /// The contract's configuration cannot be run.
    ConfigRefused { config_digest: ConfigDigest, reason: Box<ConfigRefusal> },
    /// An epoch begins, also the first after a start.
    EpochStarted { epoch: Epoch, leader: OracleId },
    /// A leader asked for observations and we observe.
    RoundStarted { at: RoundId, leader: OracleId },
    /// The first valid ReportReq of a round, with what everyone observed.
    ReportRequested { request: Arc<ReportReq> },
    /// We signed this report.
    Reported { at: RoundId, report: Bytes },
    /// Our plugin decided that no report is due.
    Skipped { at: RoundId },
    /// As a leader: a quorum reported (`skip` false) or skipped.
    RoundCompleted { at: RoundId, skip: bool },
    /// As a leader: even the fewest observations that make a report do not fit a message.
    ReportReqTooLong { at: RoundId, got: usize, allowed: usize },
    /// A report has its quorum of signatures.
    Finalized { report: Arc<Final> },
    /// The plugin decided whether to bring the report to the contract; `delay`: when our turn is, `None`: never.
    Accepted { at: RoundId, accepted: bool, delay: Option<Duration> },
    /// The transmission was handed over, for the n-th time.
    Transmitted { at: RoundId, attempt: u8 },
    /// The transmission is over.
    TransmissionEnded { at: RoundId, end: TransmissionEnd },
    /// An ask had no good outcome.
    AskFailed { at: Option<RoundId>, work: WorkKind, failure: AskFailure },
    /// A message was not acted on. If it is a fault, `message` is the evidence.
    Refused { from: OracleId, message: Arc<Message>, refusal: Refusal },
}

/// How a transmission ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransmissionEnd {
    /// The contract has this report or a later one. `ours`: we handed it over.
    Settled { ours: bool },
    /// It was tried as often as is reasonable.
    GivenUp,
    /// Later reports took its place in the queue.
    Displaced,
    /// It was kept over a restart, but for too long.
    Expired,
}

/// Kinds of work by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkKind {
    Query,
    Observe,
    View(Decision),
    SignObservation,
    SignReport,
    ContractEpoch,
    Transmit,
}

/// Why an ask had no good outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskFailure {
    /// The host has reported why.
    #[error("it failed")]
    Failed,
    #[error("it did not end in time")]
    Overdue,
    #[error("the answer is of another kind")]
    WrongKind,
    #[error("the answer cannot be true")]
    Implausible,
    #[error("the answer is too large: {0}")]
    TooLarge(#[from] TooLarge),
    #[error("the plugin cannot decide: {0}")]
    Plugin(#[from] PluginError),
}

/// What the host needs to open the endpoint of a configuration.
#[derive(Clone, Debug)]
pub struct EndpointSpec {
    pub config_digest: ConfigDigest,
    pub me: OracleId,
    pub f: usize,
    pub peer_ids: PerOracle<PeerId>,
    /// What the transport takes from each peer, and what may be sent to each.
    pub limits: TransportLimits,
    /// For the plugin's waiting half.
    pub plugin: ReportingPluginConfig,
    pub plugin_limits: PluginLimits,
    /// Whether all observations, or even those of a quorum, may not fit a message: worth a warning.
    pub report_req_length: ReportReqLength,
    /// Everything about the configuration that is no secret; its warnings are worth showing.
    pub config: Arc<PublicConfig>,
}

impl Ask {
    /// The round and configuration the work is for, if it is for a round.
    pub fn timestamp(&self) -> Option<ReportTimestamp> {
        let at = match &self.work {
            Work::Query { at }
            | Work::Observe { at, .. }
            | Work::View { at, .. }
            | Work::SignObservation { at, .. } => *at,
            Work::SignReport { context, .. } | Work::Transmit { context, .. } => {
                RoundId::new(context.epoch, context.round)
            }
            Work::ContractEpoch => return None,
        };
        Some(ReportTimestamp { config_digest: self.config_digest, at })
    }
}

impl Work {
    /// Its kind by name.
    pub fn kind(&self) -> WorkKind {
        match self {
            Self::Query { .. } => WorkKind::Query,
            Self::Observe { .. } => WorkKind::Observe,
            Self::View { decision, .. } => WorkKind::View(*decision),
            Self::SignObservation { .. } => WorkKind::SignObservation,
            Self::SignReport { .. } => WorkKind::SignReport,
            Self::ContractEpoch => WorkKind::ContractEpoch,
            Self::Transmit { .. } => WorkKind::Transmit,
        }
    }
}
