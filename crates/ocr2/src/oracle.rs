//! One oracle under one configuration: what comes in is brought to the step that it is for, in the order of time.

use alloc::{boxed::Box, collections::VecDeque, sync::Arc, vec::Vec};
use core::time::Duration;

use machine::{Claim, Machine, Mono, Ticket, Tickets, Time, Verdicts};
use ocr::{Address, Committee, ConfigDigest, LeaderSelectionKey, OracleId, OracleSet, PerOracle, TransmissionOrderKey};

use crate::{
    attested,
    config::{PublicConfig, ResourceChecks, SharedConfig},
    epoch::Pacemaker,
    limits::{FUTURE_BYTES_MAX, FUTURE_MESSAGES_MAX, LATE_ANSWER_GRACE, REPORT_SIGNATURE_BYTES_MAX},
    message::Message,
    plugin::{Plugin, PluginInfo},
    protocol::{Answer, Ask, AskFailure, Effects, Event, Ocr2, Output, Work, WorkKind},
    record::{Memory, Record},
    refusal::{Early, Fault, Refusal, Stale},
    round::{Follower, Leader, finalize::Finalization},
    round_id::{Epoch, ReportTimestamp, Round, RoundId},
    signing::ReportContext,
    transmit::Transmissions,
    transport::{LimitError, ReportReqLength, TransportLimits},
};

/// What an oracle is of a committee, and the keys that only members know.
#[derive(Clone, Debug)]
pub struct Setup {
    pub config: Arc<PublicConfig>,
    pub me: OracleId,
    pub leader_selection_key: LeaderSelectionKey,
    pub transmission_order_key: TransmissionOrderKey,
}

impl From<SharedConfig> for Setup {
    fn from(shared: SharedConfig) -> Self {
        Self {
            me: shared.me,
            leader_selection_key: shared.secret.leader_selection_key(),
            transmission_order_key: shared.secret.transmission_order_key(),
            config: Arc::new(shared.public),
        }
    }
}

/// What each operator decides alone (OCR2 spec 10.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalConfig {
    /// How long reading the contract's epoch may take at the start: BlockchainTimeout.
    pub contract_timeout: Duration,
    /// How long handing over a transmission may take: ContractTransmitterTransmitTimeout.
    pub transmit_timeout: Duration,
    /// A query may take at least so long, whatever the configuration says: MinOCR2MaxDurationQuery.
    pub query_duration_min: Duration,
    /// How long after a transmission, or an error on the way to it, we look whether the contract has it. Doubles from try
    /// to try.
    pub transmit_retry_after: Duration,
    /// Whether configurations that exhaust machines are refused: off in development mode.
    pub resource_checks: ResourceChecks,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self {
            contract_timeout: Duration::from_secs(20),
            transmit_timeout: Duration::from_secs(10),
            query_duration_min: Duration::ZERO,
            transmit_retry_after: Duration::from_secs(5),
            resource_checks: ResourceChecks::On,
        }
    }
}

/// Why an oracle cannot run with a configuration that is valid in itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    #[error("the on-chain key of oracle {oracle} has {got} bytes, wanted the 20 of an address")]
    Signer { oracle: OracleId, got: usize },
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// One oracle under one configuration. It has no orders: what [`crate::Order`] says is for [`crate::Managed`].
#[derive(Debug)]
pub struct Oracle {
    pub(crate) setup: Setup,
    pub(crate) local: LocalConfig,
    pub(crate) rules: Rules,
    pub(crate) plugin: Box<dyn Plugin>,
    pub(crate) asks: Asks,
    pub(crate) pacemaker: Pacemaker,
    /// Of this epoch, if it is ours to lead.
    pub(crate) leader: Option<Leader>,
    pub(crate) follower: Follower,
    pub(crate) finalization: Finalization,
    pub(crate) transmissions: Transmissions,
    /// The latest round that we began to lead or observe in, as stored.
    pub(crate) entered: RoundId,
    future: PerOracle<Future>,
    started: bool,
    deadline: Option<Mono>,
}

/// What follows from the configuration and the plugin, computed once.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub committee: Committee,
    pub config_digest: ConfigDigest,
    pub everyone: OracleSet,
    pub signers: PerOracle<Address>,
    pub plugin: PluginInfo,
    pub transport: TransportLimits,
    /// Exactly so many signatures make a report final (OCR2 spec 6.2).
    pub report_quorum: usize,
    pub report_req_length: ReportReqLength,
    /// The round whose ObserveReq ends the epoch: RMax + 1.
    pub last_round: Round,
}

impl Oracle {
    /// An oracle that remembers `memory` of earlier runs under the same configuration. Its first event starts it.
    pub fn new(
        setup: Setup,
        plugin: Box<dyn Plugin>,
        local: LocalConfig,
        memory: Memory,
        tickets: Tickets,
    ) -> Result<Self, SetupError> {
        let config = &setup.config;
        let committee = config.committee;
        for (oracle, identity) in config.oracles.iter() {
            if Address::from_slice(&identity.signer).is_none() {
                return Err(SetupError::Signer { oracle, got: identity.signer.len() });
            }
        }
        let signers = PerOracle::new(committee, |oracle| {
            Address::from_slice(&config.oracles[oracle].signer).expect("all were checked above")
        });
        let info = plugin.info();
        info.limits.check()?;
        let p = &config.parameters;
        let transport = TransportLimits::new(
            committee.n(),
            p.delta_progress,
            p.delta_resend,
            p.delta_round,
            info.limits,
            REPORT_SIGNATURE_BYTES_MAX,
        )?;
        let length = ReportReqLength::new(committee.n(), committee.honest_majority(), info.limits, &transport);
        let rules = Rules {
            committee,
            config_digest: config.config_digest,
            everyone: committee.everyone(),
            signers,
            report_quorum: if info.unique_reports { committee.byzantine_quorum() } else { committee.one_honest() },
            plugin: info,
            transport,
            report_req_length: length,
            last_round: Round(p.r_max + 1),
        };
        let finalization = Finalization::new(p.r_max, p.delta_round);
        // A round is entered in the epoch we are in, never in a later one.
        let epoch = memory.epoch.max(memory.entered.epoch);
        let entered = memory.entered;
        Ok(Self {
            pacemaker: Pacemaker::new(&setup, epoch, &memory),
            leader: None,
            follower: Follower::recovered(epoch, entered),
            finalization,
            transmissions: Transmissions::recovered(memory.pending),
            entered,
            future: PerOracle::empty(committee),
            started: false,
            deadline: None,
            asks: Asks { tickets, config_digest: config.config_digest },
            setup,
            local,
            rules,
            plugin,
        })
    }

    /// What must be remembered to run this configuration again: all that was stored, and what peers are known to want.
    pub fn memory(&self) -> Memory {
        Memory {
            epoch: self.pacemaker.epoch(),
            highest_sent: self.pacemaker.highest_sent(),
            received: self.pacemaker.received(),
            entered: self.entered,
            pending: self.transmissions.memory(),
        }
    }

    /// Which configuration it runs.
    pub fn config_digest(&self) -> ConfigDigest {
        self.rules.config_digest
    }

    /// The epoch and who leads it.
    pub fn epoch(&self) -> (Epoch, OracleId) {
        (self.pacemaker.epoch(), self.pacemaker.leader())
    }

    /// Whether its committee has an oracle of this number.
    pub(crate) fn has(&self, oracle: OracleId) -> bool {
        self.rules.committee.oracle(oracle.byte()).is_some()
    }

    /// What the transport takes.
    pub fn transport_limits(&self) -> TransportLimits {
        self.rules.transport
    }

    /// How long a ReportReq may become.
    pub fn report_req_length(&self) -> ReportReqLength {
        self.rules.report_req_length
    }

    /// What the plugin says about itself.
    pub fn plugin_info(&self) -> &PluginInfo {
        &self.rules.plugin
    }

    /// Gives up all outstanding asks and returns the tickets' counter for the next oracle.
    pub(crate) fn stop(&mut self, out: &mut Effects) -> Tickets {
        self.pacemaker.stop(out);
        self.leader.take().iter_mut().for_each(|leader| leader.stop(out));
        self.follower.stop(out);
        self.repeat_all(out);
        self.transmissions.stop(out);
        self.asks.tickets.clone()
    }

    pub(crate) fn timestamp(&self, at: RoundId) -> ReportTimestamp {
        ReportTimestamp { config_digest: self.rules.config_digest, at }
    }

    pub(crate) fn context(&self, at: RoundId, extra_hash: [u8; 32]) -> ReportContext {
        attested::context(self.rules.config_digest, at, extra_hash)
    }

    /// Stores that nothing shall be said in this round after a restart; once for each round, by whichever of our roles
    /// comes first.
    pub(crate) fn enter(&mut self, at: RoundId, out: &mut Effects) {
        if at > self.entered {
            self.entered = at;
            out.persist(Record::Entered { config_digest: self.rules.config_digest, at });
        }
    }

    fn start(&mut self, now: Time, out: &mut Effects) {
        self.started = true;
        self.start_pacemaker(now, out);
        self.start_transmissions(now, out);
    }

    /// Fires what is due. Each timer fires once, and one that it arms fires with a later event.
    fn on_time(&mut self, now: Time, out: &mut Effects) {
        if self.deadline.is_none_or(|deadline| now.mono < deadline) {
            return;
        }
        self.on_time_in_epoch(now, out);
        self.on_time_in_round(now, out);
        self.on_time_in_transmission(now, out);
    }

    fn next_deadline(&self) -> Option<Mono> {
        let leader = self.leader.as_ref().and_then(Leader::deadline);
        let (epoch, follower) = (self.pacemaker.deadline(), self.follower.deadline());
        [epoch, leader, follower, self.finalization.deadline(), self.transmissions.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    fn on_received(&mut self, now: Time, from: OracleId, message: Arc<Message>, verdicts: Verdicts, out: &mut Effects) {
        if let Err(mut refusal) = self.on_message(now, from, &message, verdicts, out) {
            if from == self.setup.me && matches!(refusal, Refusal::Fault(_)) {
                // We commit none; this was said under the configuration before.
                refusal = Stale::FormerConfig.into();
            }
            out.emit(Output::Refused { from, message, refusal });
        }
    }

    fn on_message(
        &mut self,
        now: Time,
        from: OracleId,
        message: &Arc<Message>,
        verdicts: Verdicts,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        message.check_size(&self.rules.plugin.limits).map_err(Fault::TooLarge)?;
        if self.is_future(message) {
            self.keep(from, message, verdicts, out);
            return Ok(());
        }
        match &**message {
            Message::NewEpoch(epoch) => self.on_new_epoch(now, from, *epoch, out),
            Message::ObserveReq(m) => self.on_observe_req(now, from, m, out),
            Message::Observe(m) => self.on_observe(now, from, m, &verdicts, out),
            Message::ReportReq(m) => self.on_report_req(now, from, m, &verdicts, out),
            Message::Report(m) => self.on_report(now, from, m, &verdicts, out),
            Message::Final(m) => self.on_final(now, from, m, &verdicts, out),
            Message::FinalEcho(m) => self.on_final_echo(now, from, m, &verdicts, out),
        }
    }

    fn on_answer(&mut self, now: Time, ticket: Ticket, answer: Option<Answer>, out: &mut Effects) {
        if self.pacemaker.waits_for(ticket) {
            self.on_contract_epoch(now, answer, out);
        } else if self.leader.as_ref().is_some_and(|leader| leader.waits_for(ticket)) {
            self.on_query(answer, out);
        } else if self.follower.observing.waits_for(ticket) {
            self.on_observation(now, answer, out);
        } else if self.follower.reporting.waits_for(ticket) {
            self.on_report_made(now, answer, out);
        } else {
            self.on_transmission_answer(now, ticket, answer, out);
        }
    }

    /// Messages that belong to one epoch wait for it (OCR2 spec 6.1); NewEpoch and FinalEcho belong to none.
    fn is_future(&self, message: &Message) -> bool {
        match message {
            Message::NewEpoch(_) | Message::FinalEcho(_) => false,
            Message::ObserveReq(_)
            | Message::Observe(_)
            | Message::ReportReq(_)
            | Message::Report(_)
            | Message::Final(_) => message.at().is_some_and(|at| at.epoch > self.pacemaker.epoch()),
        }
    }

    /// The message is of the epoch we are in.
    pub(crate) fn check_epoch(&self, at: RoundId) -> Result<(), Refusal> {
        let current = self.pacemaker.epoch();
        if at.epoch == current { Ok(()) } else { Err(Stale::PastEpoch { got: at.epoch, current }.into()) }
    }

    /// The message is of this round.
    pub(crate) fn check_round(got: Round, current: Round) -> Result<(), Refusal> {
        match got.cmp(&current) {
            core::cmp::Ordering::Equal => Ok(()),
            core::cmp::Ordering::Less => Err(Stale::PastRound { got, current }.into()),
            core::cmp::Ordering::Greater => Err(Early::FutureRound { got, current }.into()),
        }
    }

    fn keep(&mut self, from: OracleId, message: &Arc<Message>, verdicts: Verdicts, out: &mut Effects) {
        let future = &mut self.future[from];
        future.bytes += message.bytes_kept();
        future.messages.push_back((message.clone(), verdicts));
        while future.messages.len() > FUTURE_MESSAGES_MAX
            || future.bytes > FUTURE_BYTES_MAX && future.messages.len() > 1
        {
            let Some((displaced, _)) = future.messages.pop_front() else { break };
            future.bytes -= displaced.bytes_kept();
            let epoch = displaced.at().map_or(Epoch(0), |at| at.epoch);
            out.emit(Output::Refused { from, message: displaced, refusal: Early::Displaced { epoch }.into() });
        }
    }

    /// Hands in what waited for the epoch that begins. What waits for a later one stays, whatever stands before it.
    pub(crate) fn release_future(&mut self, now: Time, out: &mut Effects) {
        let epoch = self.pacemaker.epoch();
        for from in self.rules.committee.oracles() {
            let kept = core::mem::take(&mut self.future[from]);
            let (later, ready): (VecDeque<_>, VecDeque<_>) =
                (kept.messages.into_iter()).partition(|(message, _)| message.at().is_some_and(|at| at.epoch > epoch));
            self.future[from] =
                Future { bytes: later.iter().map(|(message, _)| message.bytes_kept()).sum(), messages: later };
            for (message, verdicts) in ready {
                self.on_received(now, from, message, verdicts, out);
            }
        }
    }
}

impl Machine for Oracle {
    type Protocol = Ocr2;

    fn claims(&self, from: OracleId, message: &Message, claims: &mut Vec<Claim>) {
        if message.check_size(&self.rules.plugin.limits).is_err() || self.is_future(message) {
            return;
        }
        let mut list = |_, claim| {
            claims.push(claim);
            true
        };
        // What is refused before any signature counts makes no claims.
        let _ = match message {
            Message::NewEpoch(_) | Message::ObserveReq(_) => Ok(()),
            Message::Observe(m) => self.judge_observe(from, m, &mut list),
            Message::ReportReq(m) => self.judge_report_req(from, m, &mut list).map(drop),
            Message::Report(m) => self.judge_report(from, m, &mut list).map(drop),
            Message::Final(m) => self.judge_final(from, m, &mut list),
            Message::FinalEcho(m) => self.judge_final_echo(m, &mut list),
        };
    }

    fn handle(&mut self, now: Time, event: Event, out: &mut Effects) {
        if !self.started {
            self.start(now, out);
        }
        self.on_time(now, out);
        match event {
            // Only here: what has been received already may tell who need not be repeated to.
            Event::Woke => self.repeat_due(now, out),
            Event::Told(_) => {}
            Event::Received { from, message, verdicts } => self.on_received(now, from, message, verdicts, out),
            Event::Answered { ticket, answer } => self.on_answer(now, ticket, answer, out),
        }
        self.deadline = self.next_deadline();
    }

    fn deadline(&self) -> Option<Mono> {
        self.deadline
    }
}

/// Judges one claim of a list; `false` refuses the message.
pub(crate) type Judge<'a> = dyn FnMut(OracleId, Claim) -> bool + 'a;

/// Messages of one sender that wait for their epochs.
#[derive(Debug, Default)]
struct Future {
    messages: VecDeque<(Arc<Message>, Verdicts)>,
    bytes: usize,
}

/// Asks, each under a ticket of its own.
#[derive(Debug)]
pub(crate) struct Asks {
    tickets: Tickets,
    config_digest: ConfigDigest,
}

impl Asks {
    /// Asks for `work` that may take so long.
    pub fn ask(&mut self, now: Time, duration_max: Duration, work: Work, out: &mut Effects) -> Waiting {
        let deadline = now.mono + duration_max;
        let waiting =
            Waiting { ticket: self.tickets.issue(), overdue_at: deadline + LATE_ANSWER_GRACE, work: work.kind() };
        out.ask(waiting.ticket, Ask { config_digest: self.config_digest, deadline, work });
        waiting
    }
}

/// A phase's hold on the work that it waits for.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub ticket: Ticket,
    pub overdue_at: Mono,
    work: WorkKind,
}

impl Waiting {
    pub fn is_overdue(&self, now: Time) -> bool {
        self.overdue_at <= now.mono
    }

    pub fn forget(&self, out: &mut Effects) {
        out.forget(self.ticket);
    }

    /// Tells the host that nothing good came of it.
    pub fn failed(&self, at: Option<RoundId>, failure: AskFailure, out: &mut Effects) {
        out.emit(Output::AskFailed { at, work: self.work, failure });
    }

    /// Forgets it because of its age, and says so.
    pub fn give_up(&self, at: Option<RoundId>, out: &mut Effects) {
        self.forget(out);
        self.failed(at, AskFailure::Overdue, out);
    }
}
