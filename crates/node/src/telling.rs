//! What an oracle tells its host, mapped to logs and metrics in this one place.

use crate::health::{Health, Trouble, Weight};
use crate::metrics::{ConfigValues, OracleMetrics};
use ocr2::config::PublicConfig;
use ocr2::protocol::Output;
use ocr2::refusal::{Early, Fault, Refusal, Stale};
use std::time::Duration;

/// Whether a job runs what its contract has configured; `refused` says why not. Others may run without it, so the node
/// stays ready.
pub fn configured(health: &Health, job: &str, refused: Option<String>) {
    let check = format!("Job.{job}.Configuration");
    match refused {
        None => health.passing(&check, Weight::Helpful),
        Some(output) => {
            let hint = "see it with `dodona ocr2 config show`; the contract's owner may have to set another".into();
            health.failing(&check, Weight::Helpful, Trouble { code: "configuration_refused", output, hint });
        }
    }
}

/// One log line for what a person may want to know; faults and failures above the rest.
pub fn log(oracle: &str, output: &Output) {
    match output {
        Output::Open(spec) => {
            let (digest, me, n) = (spec.config_digest, spec.me.byte(), spec.config.committee.n());
            tracing::info!(oracle, %digest, me, n, f = spec.f, "running a configuration");
            for warning in spec.config.warnings() {
                tracing::warn!(oracle, "the configuration asks for trouble: {warning}");
            }
        }
        Output::Close(digest) => tracing::info!(oracle, %digest, "the configuration has ended"),
        Output::ConfigRefused { config_digest, reason } => {
            tracing::error!(oracle, digest = %config_digest, %reason, "the contract's configuration cannot be run");
        }
        Output::EpochStarted { epoch, leader } => {
            tracing::info!(oracle, epoch = epoch.0, leader = leader.byte(), "epoch");
        }
        Output::RoundStarted { at, .. } => tracing::debug!(oracle, %at, "observing"),
        Output::ReportRequested { request } => {
            tracing::debug!(oracle, at = %request.at, observations = request.observations.len(), "report requested");
        }
        Output::Reported { at, .. } => tracing::debug!(oracle, %at, "reported"),
        Output::Skipped { at } => tracing::debug!(oracle, %at, "no report is due"),
        Output::RoundCompleted { at, skip } => tracing::debug!(oracle, %at, skip, "our round is complete"),
        Output::ReportReqTooLong { at, got, allowed } => {
            tracing::error!(oracle, %at, got, allowed, "the observations do not fit a message of this configuration");
        }
        Output::Finalized { report } => tracing::debug!(oracle, at = %report.at, "final"),
        Output::Accepted { at, accepted, delay } => {
            tracing::debug!(oracle, %at, accepted, ?delay, "final report judged")
        }
        Output::Transmitted { at, attempt } => tracing::info!(oracle, %at, attempt, "transmitting"),
        Output::TransmissionEnded { at, end } => tracing::debug!(oracle, %at, ?end, "transmission over"),
        Output::AskFailed { at, work, failure } => {
            let at = at.map(|at| at.to_string()).unwrap_or_default();
            tracing::warn!(oracle, at, ?work, %failure, "work without a good outcome");
        }
        Output::Refused { from, refusal, message } => match refusal {
            Refusal::Stale(_) | Refusal::Early(_) => {
                tracing::trace!(oracle, from = from.byte(), %refusal, "message not acted on");
            }
            // Its sender decides how often: the line is short, and the whole message is there for who looks for it.
            Refusal::Fault(fault) => {
                tracing::warn!(oracle, from = from.byte(), %fault, "a peer is faulty");
                tracing::debug!(oracle, from = from.byte(), evidence = hex::encode(message.encode()), "its message");
            }
        },
    }
}

/// The counters and gauges that the output moves, of the oracle with the number `me`.
pub fn count(metrics: &OracleMetrics, output: &Output, me: u8) {
    match output {
        Output::EpochStarted { epoch, leader } => {
            metrics.epoch.set(epoch.0.into());
            metrics.leader.set(leader.byte().into());
        }
        Output::ReportRequested { request } => {
            if request.observations.iter().any(|entry| entry.observer == me) {
                metrics.included_observations.inc();
            }
        }
        Output::Finalized { .. } => {
            metrics.completed_rounds.inc();
        }
        Output::RoundCompleted { .. } => {
            metrics.led_completed_rounds.inc();
        }
        Output::Refused { from, refusal, .. } => metrics.refused(name(refusal), from.byte()),
        Output::Open(_)
        | Output::Close(_)
        | Output::ConfigRefused { .. }
        | Output::RoundStarted { .. }
        | Output::Reported { .. }
        | Output::Skipped { .. }
        | Output::ReportReqTooLong { .. }
        | Output::Accepted { .. }
        | Output::Transmitted { .. }
        | Output::TransmissionEnded { .. }
        | Output::AskFailed { .. } => {}
    }
}

/// A refusal's stable name, for alerts.
fn name(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Stale(stale) => match stale {
            Stale::EpochKnown { .. } => "stale: epoch known",
            Stale::PastEpoch { .. } => "stale: past epoch",
            Stale::PastRound { .. } => "stale: past round",
            Stale::ObservationsClosed => "stale: observations closed",
            Stale::ObservedBefore => "stale: observed before",
            Stale::ReportedBefore => "stale: reported before",
            Stale::RoundDecided => "stale: round decided",
            Stale::Reporting => "stale: reporting",
            Stale::ReportSent => "stale: report sent",
            Stale::RoundComplete => "stale: round complete",
            Stale::BeforeRestart => "stale: before restart",
            Stale::Finalized { .. } => "stale: finalized",
            Stale::Expired { .. } => "stale: expired",
            Stale::FormerConfig => "stale: former config",
            Stale::NotRunning => "stale: not running",
        },
        Refusal::Early(early) => match early {
            Early::FutureRound { .. } => "early: future round",
            Early::ReportsNotAsked => "early: reports not asked",
            Early::Displaced { .. } => "early: displaced",
        },
        Refusal::Fault(fault) => match fault {
            Fault::TooLarge(_) => "fault: too large",
            Fault::NotLeader { .. } => "fault: not leader",
            Fault::NotForUs { .. } => "fault: not for us",
            Fault::NoSuchRound { .. } => "fault: no such round",
            Fault::ObservationSignature => "fault: observation signature",
            Fault::NoSuchOracle { .. } => "fault: no such oracle",
            Fault::Twice { .. } => "fault: twice",
            Fault::TooFewObservations { .. } => "fault: too few observations",
            Fault::RelayedObservationSignature { .. } => "fault: relayed observation signature",
            Fault::SkipWithPayload => "fault: skip with payload",
            Fault::ReportSignature => "fault: report signature",
            Fault::SignatureCount { .. } => "fault: signature count",
            Fault::RelayedReportSignature { .. } => "fault: relayed report signature",
        },
    }
}

/// A configuration as the metrics show it.
pub fn config_values(config: &PublicConfig) -> ConfigValues {
    let p = &config.parameters;
    ConfigValues {
        delta_progress: p.delta_progress,
        delta_resend: p.delta_resend,
        delta_round: p.delta_round,
        delta_grace: p.delta_grace,
        delta_stage: p.delta_stage,
        r_max: p.r_max,
        max_duration_initialization: p
            .max_duration_initialization
            .and_then(|nanos| u64::try_from(nanos).ok())
            .map(Duration::from_nanos),
        max_duration_query: p.max_duration_query,
        max_duration_observation: p.max_duration_observation,
        max_duration_report: p.max_duration_report,
        max_duration_should_accept_finalized_report: p.max_duration_should_accept,
        max_duration_should_transmit_accepted_report: p.max_duration_should_transmit,
        n: config.committee.n(),
        f: config.committee.f(),
    }
}

/// An integer as a decimal with so many places: "2037104000000" with 8 is "20371.04000000".
pub fn decimal(integer: &str, places: u8) -> String {
    let (sign, digits) = integer.strip_prefix('-').map_or(("", integer), |digits| ("-", digits));
    let places = usize::from(places);
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use bytes::Bytes;
    use ocr2::message::{AttributedObservation, ReportReq, SignedObservation};
    use ocr2::round_id::RoundId;

    #[test]
    fn a_refused_configuration_degrades_a_node_until_one_is_served_and_leaves_it_ready() {
        let health = Health::new();
        health.enter(crate::health::Phase::Running);
        configured(&health, "feed", Some("it names no peers".into()));
        assert!(!health.is_healthy() && health.is_ready());
        assert_eq!(health.checks()[0].name, "Job.feed.Configuration");
        configured(&health, "feed", None);
        assert!(health.is_healthy());
    }

    #[test]
    fn an_integer_becomes_a_decimal_of_the_feed() {
        assert_eq!(decimal("2037104000000", 8), "20371.04000000");
        assert_eq!(decimal("-5", 8), "-0.00000005");
        assert_eq!(decimal("7", 0), "7");
    }

    #[test]
    fn only_a_request_with_our_observation_includes_it() {
        let metrics = Metrics::new().oracle("00aa", "11bb");
        let signed = SignedObservation { observation: Bytes::new(), signature: Bytes::new() };
        let observations = [0, 2].map(|observer| AttributedObservation { signed: signed.clone(), observer });
        let request = ReportReq { at: RoundId::default(), query: Bytes::new(), observations: observations.into() };
        let output = Output::ReportRequested { request: request.into() };
        count(&metrics, &output, 1);
        assert_eq!(metrics.included_observations.get(), 0);
        count(&metrics, &output, 2);
        assert_eq!(metrics.included_observations.get(), 1);
    }
}
