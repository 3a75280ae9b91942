//! Every reason not to act on a message, by name (OCR2 spec 12.2). Stale and early ones happen among honest oracles; a
//! fault does not: no honest oracle sends such a message, whatever the network does.

use ocr::OracleId;

use crate::{
    message::TooLarge,
    round_id::{Epoch, Round, RoundId},
};

/// Why a message was not acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It comes too late or again.
    #[error("stale: {0}")]
    Stale(#[from] Stale),
    /// It comes too soon and is not kept.
    #[error("early: {0}")]
    Early(#[from] Early),
    /// Its sender is faulty; the message is the evidence.
    #[error("fault: {0}")]
    Fault(#[from] Fault),
}

/// It comes too late or again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    #[error("its sender wants no higher epoch than it wanted before ({known})")]
    EpochKnown { known: Epoch },
    #[error("epoch {got}, we are in {current}")]
    PastEpoch { got: Epoch, current: Epoch },
    #[error("round {got}, we are in {current}")]
    PastRound { got: Round, current: Round },
    #[error("the observations of this round are collected")]
    ObservationsClosed,
    #[error("we have the observation of this oracle")]
    ObservedBefore,
    #[error("we have the report of this oracle")]
    ReportedBefore,
    #[error("this round of ours is decided")]
    RoundDecided,
    #[error("we are about to report on an earlier request of this round")]
    Reporting,
    #[error("our report of this round is sent")]
    ReportSent,
    #[error("this round is complete")]
    RoundComplete,
    #[error("we may have signed a report of this round, before a restart or with a key that did not answer in time")]
    BeforeRestart,
    #[error("the report of {at} is known already")]
    Finalized { at: RoundId },
    #[error("the report of {at} is of a time long past")]
    Expired { at: RoundId },
    #[error("it was said under a former configuration")]
    FormerConfig,
    #[error("the oracle runs no configuration")]
    NotRunning,
}

/// It comes too soon and is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Early {
    #[error("round {got}, we are in {current}")]
    FutureRound { got: Round, current: Round },
    #[error("we have not asked for reports yet")]
    ReportsNotAsked,
    #[error("it was kept for epoch {epoch}, until its sender sent more than is kept")]
    Displaced { epoch: Epoch },
}

/// No honest oracle sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("too large: {0}")]
    TooLarge(#[from] TooLarge),
    #[error("only the leader of epoch {epoch} sends this, and that is oracle {leader}")]
    NotLeader { epoch: Epoch, leader: OracleId },
    #[error("this is for the leader of epoch {epoch}, oracle {leader}, and not for us")]
    NotForUs { epoch: Epoch, leader: OracleId },
    #[error("there is no round {got}, the last is {last}")]
    NoSuchRound { got: Round, last: Round },
    #[error("the signature of the observation does not hold")]
    ObservationSignature,
    #[error("it names oracle {got}, there are {n}")]
    NoSuchOracle { got: u8, n: usize },
    #[error("it names oracle {oracle} twice")]
    Twice { oracle: OracleId },
    #[error("{got} observations, more than 2f = {twice_f} are needed")]
    TooFewObservations { got: usize, twice_f: usize },
    #[error("the signature of oracle {observer} under its observation does not hold")]
    RelayedObservationSignature { observer: OracleId },
    #[error("a skipped report comes with a report or a signature")]
    SkipWithPayload,
    #[error("the signature of the report does not hold")]
    ReportSignature,
    #[error("{got} signatures, exactly {wanted} are needed")]
    SignatureCount { got: usize, wanted: usize },
    #[error("the signature of oracle {signer} under the report does not hold")]
    RelayedReportSignature { signer: OracleId },
}
