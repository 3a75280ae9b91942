//! A world as the host of its oracles' machines: effects in their order, and the work of every ask.

use super::{Happening, Local, World};
use crate::checks::{Deed, Violation};
use crate::endpoint::{self, Health};
use crate::plan::Moment;
use alloy_primitives::U256;
use bytes::Bytes;
use evm_proto::transactions::{Gas, Submission, SubmissionId};
use evm_proto::{tracker, transactions};
use machine::{Effect, Event, Ticket};
use median::{MedianView, Observation, Value};
use ocr::ConfigDigest;
use ocr2::message::{Final, Message};
use ocr2::plugin::View;
use ocr2::protocol::{Answer, Ask, AskFailure, Order, Output, Work};
use ocr2::record::{Record, RecordKey};
use ocr2::refusal::Refusal;
use ocr2::round_id::{Epoch, RoundId};
use ocr2::signing::ReportContext;
use std::sync::Arc;
use std::time::Duration;

/// A stale report is of no use to anybody.
const TRANSMISSION_EXPIRES_AFTER: Duration = Duration::from_secs(30);

/// The call that brings a report to the contract (OCR2 spec 8.3).
fn calldata(context: &ReportContext, report: &Final) -> Vec<u8> {
    let signatures = report.signatures.iter().map(|entry| &entry.signature[..]);
    bindings::transmit(context.words(), &report.report, signatures)
        .expect("an attested report has signatures of 65 bytes")
}

impl World {
    pub(super) fn perform_ocr2(&mut self, seat: usize) -> Result<(), Violation> {
        let process = self.seats[seat].process.as_mut().expect("it has just run");
        let mut out = std::mem::take(&mut process.ocr2.out);
        let mut stores = false;
        for effect in out.drain() {
            if self.seats[seat].dies_now() {
                self.die(seat);
                return Ok(());
            }
            match effect {
                Effect::Persist(record) => {
                    stores = true;
                    if let Record::Erased(RecordKey::Pending(digest, at)) = record {
                        self.strike(seat, digest, at)?;
                    }
                    if !self.seats[seat].disks.ocr2.persist(record) {
                        self.die(seat);
                        return Ok(());
                    }
                }
                Effect::Send { to, message } => self.send(seat, to, message)?,
                Effect::Ask { ticket, ask } => self.answer(seat, ticket, ask)?,
                // An answer that nobody wants any more may come all the same.
                Effect::Forget(_) => {}
                Effect::Emit(output) => self.hear(seat, output)?,
            }
        }
        if let Some(process) = &mut self.seats[seat].process {
            process.ocr2.out = out;
        }
        if stores {
            let records = self.seats[seat].disks.count(self.configs.len());
            self.see(seat, Deed::Stored { oracle: seat, records })?;
        }
        Ok(())
    }

    /// A report is about to be struck off what the seat has to transmit.
    fn strike(&mut self, seat: usize, digest: ConfigDigest, at: RoundId) -> Result<(), Violation> {
        let view = self.feed.view(self.height_for(seat));
        let settled = view.digest != digest.0 || view.at() >= at;
        let records = self.seats[seat].disks.ocr2.count();
        let round = (self.config(digest), at);
        self.see(seat, Deed::Struck { oracle: seat, round, settled, records })
    }

    fn hear(&mut self, seat: usize, output: Output) -> Result<(), Violation> {
        let process = self.seats[seat].process.as_mut().expect("it runs");
        let endpoint = process.endpoint;
        match output {
            Output::Open(spec) => process.endpoint = Some(spec.config_digest),
            Output::Close(_) => process.endpoint = None,
            Output::EpochStarted { epoch, leader } => {
                let Some(digest) = endpoint else { return Ok(()) };
                let epoch = (self.config(digest), epoch);
                self.see(seat, Deed::Entered { oracle: seat, epoch, leader })?;
            }
            Output::RoundStarted { at, leader } => {
                let Some(digest) = endpoint else { return Ok(()) };
                let round = (self.config(digest), at);
                self.see(seat, Deed::Led { oracle: seat, round, leader })?;
            }
            Output::ReportRequested { request } => {
                let Some(digest) = endpoint else { return Ok(()) };
                let config = self.config(digest);
                self.see(seat, Deed::Requested { oracle: seat, config, request: &request })?;
            }
            Output::Refused { from, refusal, .. } => {
                if self.notes_refusals && self.seats[seat].lie.is_none() && self.seats[from.index()].lie.is_some() {
                    self.note(&refusal);
                }
                if let Refusal::Fault(fault) = refusal {
                    self.see(seat, Deed::Blamed { oracle: seat, from, fault })?;
                }
            }
            // For people; what matters here is what oracles say and sign.
            Output::ConfigRefused { .. }
            | Output::Reported { .. }
            | Output::Skipped { .. }
            | Output::RoundCompleted { .. }
            | Output::ReportReqTooLong { .. }
            | Output::Finalized { .. }
            | Output::Accepted { .. }
            | Output::Transmitted { .. }
            | Output::TransmissionEnded { .. } => {}
            Output::AskFailed { failure: AskFailure::Plugin(error), .. } => {
                self.see(seat, Deed::Undecided { oracle: seat, why: &error.reason })?;
            }
            Output::AskFailed {
                failure:
                    AskFailure::Failed
                    | AskFailure::Overdue
                    | AskFailure::WrongKind
                    | AskFailure::Implausible
                    | AskFailure::TooLarge(_),
                ..
            } => {}
        }
        Ok(())
    }

    fn note(&mut self, refusal: &Refusal) {
        let text = match refusal {
            Refusal::Stale(stale) => format!("{stale:?}"),
            Refusal::Early(early) => format!("{early:?}"),
            Refusal::Fault(fault) => format!("{fault:?}"),
        };
        let name = text.split([' ', '(']).next().unwrap_or_default();
        *self.tally.refusals.entry(name.to_owned()).or_default() += 1;
    }

    fn send(&mut self, seat: usize, to: ocr::OracleSet, message: Arc<Message>) -> Result<(), Violation> {
        let Some(digest) = self.seats[seat].process.as_ref().and_then(|process| process.endpoint) else {
            return Ok(());
        };
        if let Message::NewEpoch(epoch) = *message {
            let epoch = (self.config(digest), epoch);
            self.see(seat, Deed::Wished { oracle: seat, epoch })?;
        }
        let message = if self.plan.bytes { reread(&message) } else { message };
        let from = self.committee.id(seat);
        for oracle in to.iter() {
            let to = oracle.index();
            if to == seat {
                let verdicts = self.scheme.verdicts();
                let message = message.clone();
                self.local.push_back(Local::Ocr2(Event::Received { from, message, verdicts }));
            } else if let Some(at) = self.network.carry(self.now, seat, to) {
                self.queue.push(at, Happening::Deliver { to, from, digest, message: message.clone() });
            }
        }
        Ok(())
    }

    /// Does the work of an ask. What only computes is answered at once; sources take their time.
    fn answer(&mut self, seat: usize, ticket: Ticket, ask: Ask) -> Result<(), Violation> {
        let digest = ask.config_digest;
        let config = self.config(digest);
        let answer = match ask.work {
            Work::Query { .. } => Some(Answer::Query(Bytes::new())),
            Work::Observe { at, query: _ } => {
                let value = self.source.price(seat, self.now);
                if let Some(value) = value {
                    self.see(seat, Deed::Observed { oracle: seat, round: (config, at), value })?;
                }
                let answer = value.map(|value| Answer::Observation(self.observation(seat, value)));
                let delay = self.rng.between(1_000_000, 20_000_000) + self.seats[seat].source_delay;
                self.answer_after(delay, seat, ticket, answer);
                return Ok(());
            }
            Work::View { .. } => self.view(seat).map(Answer::View),
            Work::SignObservation { at, digest: signed } => {
                let round = (config, at);
                self.seats[seat].comes_to(Moment::Signature);
                self.see(seat, Deed::SignedObservation { oracle: seat, round, digest: signed })?;
                let signature = self.scheme.sign_offchain(&self.seats[seat].keys, &signed);
                Some(Answer::Signature(Bytes::copy_from_slice(&signature)))
            }
            Work::SignReport { context, report, digest: signed } => {
                self.seats[seat].comes_to(Moment::Signature);
                if let Ok(median) = median::report::median(&report) {
                    let round = (config, RoundId::new(context.epoch, context.round));
                    self.see(seat, Deed::SignedReport { oracle: seat, round, digest: signed, median })?;
                }
                let signature = self.scheme.sign_onchain(&self.seats[seat].keys, &signed);
                Some(Answer::Signature(Bytes::copy_from_slice(&signature)))
            }
            Work::ContractEpoch if self.seats[seat].endpoint == Health::Fails => None,
            Work::ContractEpoch => {
                let view = self.feed.view(self.height_for(seat));
                let config_digest = ConfigDigest(view.digest);
                Some(Answer::ContractEpoch { config_digest, epoch: Epoch(view.epoch) })
            }
            Work::Transmit { context, report } => {
                let at = RoundId::new(context.epoch, context.round);
                let stored = self.seats[seat].disks.ocr2.holds(&RecordKey::Pending(digest, at));
                self.see(seat, Deed::Transmitting { oracle: seat, round: (config, at), stored })?;
                let id = SubmissionId(crypto::keccak256(&context.words().concat()));
                let submission = Submission {
                    from: None,
                    to: self.feed.aggregator,
                    value: U256::ZERO,
                    input: calldata(&context, &report).into(),
                    gas: Gas::Limit(500_000),
                    expires: Some(self.time(seat).wall + TRANSMISSION_EXPIRES_AFTER),
                };
                let submit = transactions::Order::Submit { id, submission };
                self.local.push_back(Local::Transactions(Event::Told(submit).into()));
                Some(Answer::Transmitted)
            }
        };
        match self.seats[seat].key_delay {
            delay if delay > 0 && matches!(answer, Some(Answer::Signature(_))) => {
                self.answer_after(delay, seat, ticket, answer);
            }
            _ => self.local.push_back(Local::Ocr2(Event::Answered { ticket, answer })),
        }
        Ok(())
    }

    fn answer_after(&mut self, delay: u64, seat: usize, ticket: Ticket, answer: Option<Answer>) {
        let life = self.seats[seat].life;
        self.queue.push(self.now + delay, Happening::Answer { seat, life, ticket, answer });
    }

    fn observation(&self, seat: usize, value: Value) -> Bytes {
        let observation = Observation {
            timestamp: self.time(seat).wall.unix_seconds() as u32,
            value,
            juels_per_fee_coin: Value::try_from(200_000_000_000_000_000_000_i128).expect("fits"),
            gas_price_subunits: Value::ZERO,
        };
        observation.encode(false).into()
    }

    fn view(&mut self, seat: usize) -> Option<View> {
        if self.seats[seat].endpoint == Health::Fails {
            return None;
        }
        let contract = self.feed.view(self.height_for(seat));
        let view = MedianView {
            digest: ConfigDigest(contract.digest),
            at: contract.at(),
            answer: contract.answer,
            timestamp: contract.timestamp,
            requested_digest: ConfigDigest::ZERO,
            requested: RoundId::default(),
        };
        Some(View { bytes: Bytes::copy_from_slice(&view.encode()), read_at: self.time(seat).wall })
    }

    pub(super) fn perform_tracker(&mut self, seat: usize) {
        let process = self.seats[seat].process.as_mut().expect("it has just run");
        let mut out = std::mem::take(&mut process.tracker.out);
        for effect in out.drain() {
            if self.seats[seat].dies_now() {
                return self.die(seat);
            }
            match effect {
                Effect::Persist(record) => {
                    if !self.seats[seat].disks.tracker.persist(record) {
                        return self.die(seat);
                    }
                }
                Effect::Send { to, .. } => match to {},
                Effect::Ask { ticket, ask } => {
                    let answer = self.answer_tracking(seat, ask);
                    self.local.push_back(Local::Tracker(Event::Answered { ticket, answer }.into()));
                }
                Effect::Forget(_) => {}
                Effect::Emit(output) => match output {
                    tracker::Output::Configured { config, .. } => {
                        self.local.push_back(Local::Ocr2(Event::Told(Order::Configure(config))));
                    }
                    tracker::Output::Unconfigured | tracker::Output::Refused(_) => {}
                },
            }
        }
        if let Some(process) = &mut self.seats[seat].process {
            process.tracker.out = out;
        }
    }

    fn answer_tracking(&mut self, seat: usize, ask: tracker::Ask) -> Option<tracker::Answer> {
        let health = self.seats[seat].endpoint;
        Some(match (ask, health) {
            (_, Health::Fails) => return None,
            (tracker::Ask::Look, Health::Well | Health::Lags(_) | Health::Lies) => {
                let height = self.height_for(seat);
                tracker::Answer::Looked(endpoint::look_for_config(&mut self.feed, height))
            }
            (tracker::Ask::Logs { block }, Health::Lies) => {
                tracker::Answer::Logs(endpoint::bent_config_logs(&self.feed, block))
            }
            (tracker::Ask::Logs { block }, Health::Well | Health::Lags(_)) => {
                tracker::Answer::Logs(endpoint::config_logs(&self.feed, block))
            }
        })
    }

    pub(super) fn perform_transactions(&mut self, seat: usize) -> Result<(), Violation> {
        let process = self.seats[seat].process.as_mut().expect("it has just run");
        let mut out = std::mem::take(&mut process.transactions.out);
        for effect in out.drain() {
            if self.seats[seat].dies_now() {
                self.die(seat);
                return Ok(());
            }
            match effect {
                Effect::Persist(record) => {
                    if !self.seats[seat].disks.transactions.persist(record) {
                        self.die(seat);
                        return Ok(());
                    }
                }
                Effect::Send { to, .. } => match to {},
                Effect::Ask { ticket, ask } => {
                    let answer = self.answer_sending(seat, ask)?;
                    self.local.push_back(Local::Transactions(Event::Answered { ticket, answer }.into()));
                }
                Effect::Forget(_) | Effect::Emit(_) => {}
            }
        }
        if let Some(process) = &mut self.seats[seat].process {
            process.transactions.out = out;
        }
        Ok(())
    }

    fn answer_sending(
        &mut self,
        seat: usize,
        ask: transactions::Ask,
    ) -> Result<Option<transactions::Answer>, Violation> {
        let health = self.seats[seat].endpoint;
        Ok(match ask {
            transactions::Ask::Look(ask) if health != Health::Fails => {
                let sees_pool = !matches!(health, Health::Lags(_));
                let look = endpoint::look_at_sender(&self.feed, self.height_for(seat), sees_pool, &ask);
                Some(transactions::Answer::Looked(look))
            }
            transactions::Ask::Sign(transaction) => {
                self.seats[seat].comes_to(Moment::Transaction);
                let hash = endpoint::hash(&transaction);
                Some(transactions::Answer::Signed(transactions::Signed { hash, raw: Default::default() }))
            }
            transactions::Ask::Broadcast { transaction, .. } => {
                if transaction.to == self.feed.aggregator {
                    let (nonce, call) = (transaction.nonce, &transaction.input);
                    self.see(seat, Deed::Broadcast { oracle: seat, nonce, call })?;
                }
                let fails = health == Health::Fails;
                if fails && self.rng.below(2) == 0 {
                    return Ok(None);
                }
                let outcome = self.feed.chain.submit_from(transaction.sender, endpoint::typed(&transaction));
                // What arrived may go unanswered all the same.
                (!fails).then(|| transactions::Answer::Broadcast(endpoint::verdict(outcome)))
            }
            transactions::Ask::Look(_) | transactions::Ask::Estimate { .. } => None,
        })
    }
}

/// The message as its receivers read it.
fn reread(message: &Message) -> Arc<Message> {
    let read = Message::decode(&message.encode().into()).expect("what an oracle writes is readable");
    assert_eq!(read, *message, "a message is read as it was written");
    Arc::new(read)
}
