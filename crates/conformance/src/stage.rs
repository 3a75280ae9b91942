//! An oracle alone on a stage: the production machine in a host without delay, whose clock stands still, with the toy
//! plugin of `spec/vectors/ocr2/follower.json`. Scripts of messages are handed to it, from vectors or from a fuzzer.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use crypto::{ed25519, secp256k1};
use machine::{Effect, Machine as _, Mono, Time, Wall};
use median::{MedianFactory, MedianView, OnchainConfig};
use ocr::{ConfigDigest, OracleId, OracleSet};
use ocr2::{
    Answer, Effects, Epoch, Event, Message, Oracle, Output, Plugin, Record, ReportTimestamp, RoundId, View, Work,
    config::Parameters,
    message::AttributedObservation,
    plugin::{PluginError, PluginFactory as _, PluginInfo, ReportingPluginConfig},
    transport::PluginLimits,
};

/// When everything happens.
pub const NOW: Time = Time { mono: Mono(1_000_000_000), wall: Wall(1_700_000_000_000_000_000) };

/// When the last of 31 oracles has repeated a report that was final [`NOW`]: ours take turns at it.
const TURNS_OVER: Time = Time { mono: Mono(NOW.mono.0 + 4_000_000), wall: NOW.wall };

/// Runs one oracle. What it asks is answered at once, and what it sends to itself does not come back.
#[derive(Debug)]
pub struct Host {
    pub oracle: Oracle,
    pub offchain_key: ed25519::SecretKey,
    pub onchain_key: secp256k1::SecretKey,
    /// What the contract says of itself.
    pub contract: (ConfigDigest, Epoch),
    pub me: OracleId,
    pub everyone: OracleSet,
}

/// What one event made the oracle do.
#[derive(Debug, Default)]
pub struct Heard {
    pub sent: Vec<(OracleSet, Arc<Message>)>,
    pub entered: Vec<(Epoch, OracleId)>,
    /// Epoch and highest sent epoch.
    pub stored: Vec<(Epoch, Epoch)>,
}

impl Host {
    /// Hands over an event, and all answers to what it made the oracle ask; after a message, the turns of all echoes pass.
    ///
    /// Ours does not repeat a report to whom it came from, on purpose; the reference does, and so it is heard here. Who that was
    /// the event does not say: the report may have waited for its epoch.
    pub fn hand(&mut self, event: Event) -> Heard {
        self.hand_and_free(event, &mut |_| Vec::new())
    }

    /// The same with a stage that keeps messages of epochs to come: `free` gives those that an epoch frees when it begins,
    /// and they come in before anything that the oracle asks then is answered.
    pub fn hand_and_free(&mut self, event: Event, free: &mut dyn FnMut(Epoch) -> Vec<Event>) -> Heard {
        let mut heard = Heard::default();
        let is_message = matches!(event, Event::Received { .. });
        self.hand_at(NOW, event, free, &mut heard);
        if !is_message {
            return heard;
        }
        self.hand_at(TURNS_OVER, Event::Woke, free, &mut heard);
        let others = self.everyone.difference(self.me.into());
        for (to, message) in &mut heard.sent {
            let left_out = others.difference(*to);
            if matches!(**message, Message::FinalEcho(_)) && left_out.len() == 1 && to.difference(others).is_empty() {
                *to = others;
            }
        }
        heard
    }

    fn hand_at(&mut self, now: Time, event: Event, free: &mut dyn FnMut(Epoch) -> Vec<Event>, heard: &mut Heard) {
        let mut out = Effects::default();
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            self.oracle.handle(now, event, &mut out);
            for effect in out.drain() {
                match effect {
                    Effect::Ask { ticket, ask } => {
                        let answer = self.answer(ask.work);
                        events.push_back(Event::Answered { ticket, answer });
                    }
                    Effect::Send { to, message } => heard.sent.push((to, message)),
                    Effect::Emit(Output::EpochStarted { epoch, leader }) => {
                        heard.entered.push((epoch, leader));
                        free(epoch).into_iter().rev().for_each(|event| events.push_front(event));
                    }
                    Effect::Persist(Record::Epoch { epoch, highest_sent, .. }) => {
                        heard.stored.push((epoch, highest_sent));
                    }
                    Effect::Persist(_) | Effect::Forget(_) | Effect::Emit(_) => {}
                }
            }
        }
    }

    /// The waiting half of the toy plugin, the keys and the contract.
    fn answer(&self, work: Work) -> Option<Answer> {
        Some(match work {
            Work::Query { .. } => Answer::Query(Bytes::new()),
            Work::Observe { at, query } => {
                Answer::Observation([&[0x6f], &at.epoch.0.to_be_bytes()[..], &[at.round.0], &query].concat().into())
            }
            Work::View { .. } => Answer::View(View { bytes: Bytes::new(), read_at: NOW.wall }),
            Work::SignObservation { digest, .. } => {
                Answer::Signature(Bytes::copy_from_slice(&self.offchain_key.sign(&digest)))
            }
            Work::SignReport { digest, .. } => {
                Answer::Signature(Bytes::copy_from_slice(&self.onchain_key.sign(&digest)))
            }
            Work::ContractEpoch => Answer::ContractEpoch { config_digest: self.contract.0, epoch: self.contract.1 },
            Work::Transmit { .. } => return None,
        })
    }
}

/// What the toy's messages may be.
pub const TOY_LIMITS: PluginLimits =
    PluginLimits { query_bytes_max: 1000, observation_bytes_max: 1000, report_bytes_max: 32_000 };

/// The deciding half of the toy plugin: a report lists the observations; the first byte of the first of them may make it
/// skip or fail.
#[derive(Debug)]
pub struct Toy {
    /// Whether a report needs more signatures than one honest one.
    pub unique_reports: bool,
}

impl Plugin for Toy {
    fn info(&self) -> PluginInfo {
        PluginInfo { name: "toy", unique_reports: self.unique_reports, limits: TOY_LIMITS }
    }

    fn report(
        &mut self,
        _: ReportTimestamp,
        _: &Bytes,
        observations: &[AttributedObservation],
        _: &View,
        _: Wall,
    ) -> Result<Option<Bytes>, PluginError> {
        match observations.first().and_then(|first| first.signed.observation.first()) {
            Some(0x73) => return Ok(None),
            Some(0x65) => return Err(PluginError::new("told so")),
            Some(_) | None => {}
        }
        let mut report = Vec::new();
        for AttributedObservation { signed, observer } in observations {
            report.push(*observer);
            report.extend_from_slice(&(signed.observation.len() as u32).to_be_bytes());
            report.extend_from_slice(&signed.observation);
        }
        Ok(Some(report.into()))
    }

    fn should_accept(&mut self, _: ReportTimestamp, _: &Bytes, _: &View, _: Wall) -> Result<bool, PluginError> {
        Ok(true)
    }

    fn should_transmit(&mut self, _: ReportTimestamp, _: &Bytes, _: &View, _: Wall) -> Result<bool, PluginError> {
        Ok(false)
    }
}

/// What a script's committee has in common; its timers never fire.
pub fn parameters(r_max: u8, delta_round: Duration) -> Parameters {
    let second = Duration::from_secs(1);
    Parameters {
        delta_progress: delta_round + second,
        delta_resend: second,
        delta_round,
        delta_grace: second,
        delta_stage: second,
        r_max,
        // Nobody transmits.
        s: Vec::new(),
        reporting_plugin_config: Vec::new(),
        max_duration_initialization: None,
        max_duration_query: second,
        max_duration_observation: second,
        max_duration_report: second,
        max_duration_should_accept: second,
        max_duration_should_transmit: second,
    }
}

/// The configuration of [`median_plugin`].
const MEDIAN_DIGEST: ConfigDigest = ConfigDigest([1; 32]);

/// The median plugin of an oracle. It takes n and f as they are; only the protocol knows which are a committee's.
pub fn median_plugin(me: OracleId, n: usize, f: usize) -> Result<Box<dyn Plugin>, PluginError> {
    MedianFactory.make(&ReportingPluginConfig {
        config_digest: MEDIAN_DIGEST,
        me,
        n,
        f,
        onchain_config: OnchainConfig { min: median::Value::MIN, max: median::Value::MAX }.encode(),
        offchain_config: Vec::new(),
        estimated_round_interval: Duration::ZERO,
        max_duration_query: Duration::ZERO,
        max_duration_observation: Duration::ZERO,
        max_duration_report: Duration::ZERO,
        max_duration_should_accept: Duration::ZERO,
        max_duration_should_transmit: Duration::ZERO,
    })
}

/// What a [`median_plugin`] reports in the first round of its configuration, in which a report is always due.
pub fn first_median_report(
    plugin: &mut dyn Plugin,
    observations: &[AttributedObservation],
) -> Result<Option<Bytes>, PluginError> {
    let timestamp = ReportTimestamp { config_digest: MEDIAN_DIGEST, at: RoundId::new(1, 1) };
    let view = MedianView {
        digest: MEDIAN_DIGEST,
        at: RoundId::default(),
        answer: median::Value::ZERO,
        timestamp: 0,
        requested_digest: ConfigDigest::ZERO,
        requested: RoundId::default(),
    };
    let view = View { bytes: Bytes::copy_from_slice(&view.encode()), read_at: NOW.wall };
    plugin.report(timestamp, &Bytes::new(), observations, &view, NOW.wall)
}
