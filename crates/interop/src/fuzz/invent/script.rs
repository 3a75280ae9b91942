//! Messages to one oracle, most of them as they would come in a round, so that the odd ones meet it in every state. What
//! the writer thinks of the oracle's state need not be right: it only aims.

use crate::fuzz::dice::Dice;
use bytes::Bytes;
use crypto::{ed25519, secp256k1};
use ocr::{Committee, ConfigDigest, LeaderSelectionKey, OracleId, SharedSecret};
use ocr2::message::{
    AttributedObservation, AttributedSignature, Final, Observe, ObserveReq, Report, ReportReq, SignedObservation,
};
use ocr2::signing::{ReportContext, extra_hash, observation_digest};
use ocr2::{Epoch, Message, RoundId};
use serde_json::{Value, json};
use std::sync::Arc;

/// Steps of a script.
const STEPS_MAX: usize = 30;

struct Writer<'d> {
    dice: &'d mut Dice,
    committee: Committee,
    me: OracleId,
    config_digest: ConfigDigest,
    leader_key: LeaderSelectionKey,
    offchain: Vec<ed25519::SecretKey>,
    onchain: Vec<secp256k1::SecretKey>,
    quorum: usize,
    r_max: u8,
    epoch: u32,
    round: u8,
    /// What everyone wants, as far as was written.
    wished: Vec<u32>,
    /// What the last request asked to report on.
    request: Option<ReportReq>,
    /// Of all reports that were said to be final.
    latest: RoundId,
    /// How many rounds a final report stays known.
    age: u64,
    steps: Vec<Value>,
}

pub fn script(dice: &mut Dice) -> Value {
    let n = *dice.pick(&[1, 2, 4, 4, 4, 5, 7, 10]);
    let f = if dice.once_in(4) { 0 } else { (n - 1) / 3 };
    let Ok(committee) = Committee::new(n, f) else { return json!({}) };
    let Some(me) = committee.oracle(dice.below(n) as u8) else { return json!({}) };
    let onchain_key = |dice: &mut Dice| {
        // Below the order, whatever the rest is.
        let mut scalar: [u8; 32] = dice.array();
        (scalar[0], scalar[31]) = (0, scalar[31] | 1);
        scalar
    };
    let seeds: Vec<[u8; 32]> = (0..n).map(|_| dice.array()).collect();
    let scalars: Vec<[u8; 32]> = (0..n).map(|_| onchain_key(dice)).collect();
    let secret = SharedSecret::new(dice.array());
    let quorum = if dice.once_in(2) { committee.one_honest() } else { committee.byzantine_quorum() };
    let r_max = *dice.pick(&[1, 2, 3, 5, 5, 254]);
    let contract_epoch = if dice.once_in(3) { dice.below(6) as u32 } else { 0 };
    let implausible = dice.once_in(20).then(|| (1 << 31) + dice.below(1 << 31) as u32);
    let restored = dice.once_in(3).then(|| {
        let epoch = if dice.once_in(4) { dice.number() as u32 } else { dice.below(8) as u32 };
        let epoch = epoch.max(1);
        let sent = if dice.once_in(2) { epoch } else { epoch.saturating_add(dice.below(3) as u32) };
        let received: Vec<u32> = (0..n).map(|_| epoch.saturating_add(dice.below(3) as u32).saturating_sub(1)).collect();
        (epoch, sent, received)
    });
    let delta_round = *dice.pick(&[60_u64, 60, 600, 100, 40]);
    let mut writer = Writer {
        latest: RoundId::new(0, 0),
        age: 600_u64.div_ceil(delta_round).max(10),
        committee,
        me,
        config_digest: ConfigDigest(dice.array()),
        leader_key: secret.leader_selection_key(),
        offchain: seeds.iter().map(ed25519::SecretKey::from_seed).collect(),
        onchain: scalars.iter().filter_map(|scalar| secp256k1::SecretKey::from_bytes(scalar).ok()).collect(),
        quorum,
        r_max,
        epoch: restored.as_ref().map_or(1, |(epoch, ..)| *epoch),
        round: 0,
        wished: restored.as_ref().map_or(vec![0; n], |(.., received)| received.clone()),
        request: None,
        steps: Vec::new(),
        dice,
    };
    // What an implausible epoch leads to is different from the start, and meant.
    let length = if implausible.is_some() { 0 } else { 1 + writer.dice.below(STEPS_MAX) };
    for _ in 0..length {
        writer.step();
    }
    let contract_epoch = implausible.unwrap_or(contract_epoch);
    let oracles: Vec<Value> = (writer.offchain.iter().zip(&writer.onchain))
        .map(|(offchain, onchain)| {
            json!({"address": hex::encode(onchain.address().0), "offchain_pk": hex::encode(offchain.public_key().0)})
        })
        .collect();
    let mut script = json!({
        "config_digest": hex::encode(writer.config_digest.0), "shared_secret": hex::encode(secret.as_bytes()),
        "n": n, "f": f, "id": me.byte(), "r_max": r_max, "report_quorum": quorum,
        "delta_round": (delta_round * 1_000_000_000).to_string(), "offchain_seed": hex::encode(seeds[me.index()]),
        "onchain_sk": hex::encode(scalars[me.index()]), "oracles": oracles, "contract_epoch": contract_epoch,
        "contract_digest_equal": !writer.dice.once_in(5), "steps": writer.steps,
        "limits": {"max_query_length": 1000, "max_observation_length": 1000, "max_report_length": 32_000},
    });
    if let Some((epoch, sent, received)) = restored {
        script["restored_state"] =
            json!({"epoch": epoch, "highest_sent_epoch": sent, "highest_received_epoch": received});
    }
    script
}

impl Writer<'_> {
    fn step(&mut self) {
        match self.dice.below(13) {
            0 | 1 => self.wishes(),
            2 | 3 => self.asks_for_observations(),
            4..=6 => self.asks_for_reports(),
            7 => self.is_final(),
            8 => self.is_of_old(),
            9 => self.observes(),
            10 => self.reports(),
            11 => self.comes_early(),
            _ => self.again(),
        }
    }

    fn says(&mut self, from: usize, message: Message) {
        self.steps.push(json!({"from": from, "bytes": hex::encode(message.encode())}));
    }

    fn leader(&self, epoch: u32) -> usize {
        self.leader_key.leader(epoch.into(), self.committee).index()
    }

    fn anyone(&mut self) -> usize {
        self.dice.below(self.committee.n())
    }

    /// The leader, or somebody who says so.
    fn leader_or_liar(&mut self, epoch: u32) -> usize {
        if self.dice.once_in(12) { self.anyone() } else { self.leader(epoch) }
    }

    /// The round we think it is, or one near.
    fn at(&mut self) -> RoundId {
        let (mut epoch, mut round) = (self.epoch, self.round);
        match self.dice.below(16) {
            0 => epoch = epoch.saturating_add(1),
            1 => epoch = epoch.saturating_sub(1),
            2 => round = round.wrapping_add(1),
            3 => round = round.saturating_sub(1),
            4 => round = self.dice.pick(&[0, self.r_max, self.r_max.wrapping_add(1), 255]).to_owned(),
            _ => {}
        }
        RoundId::new(epoch, round)
    }

    /// Some or all want a later epoch.
    fn wishes(&mut self) {
        let wanted = match self.dice.below(8) {
            0 => self.dice.number() as u32,
            1 => self.epoch.saturating_add(5),
            2 => self.epoch,
            _ => self.epoch.saturating_add(1),
        };
        let mut from: Vec<usize> = (0..self.committee.n()).collect();
        self.dice.shuffle(&mut from);
        let count = *self.dice.pick(&[1, self.committee.one_honest(), self.committee.honest_majority(), from.len()]);
        for oracle in from.into_iter().take(count) {
            self.says(oracle, Message::NewEpoch(Epoch(wanted)));
            self.wished[oracle] = self.wished[oracle].max(wanted);
        }
        let mut sorted = self.wished.clone();
        sorted.sort_unstable();
        let entered = sorted[self.committee.n() - self.committee.honest_majority().min(self.committee.n())];
        if entered > self.epoch {
            (self.epoch, self.round, self.request) = (entered, 0, None);
        }
    }

    fn query(&mut self) -> Bytes {
        // Short enough for the toy to repeat, or too long.
        let length = if self.dice.once_in(50) { 1001 } else { self.dice.below(4) };
        self.dice.bytes(length).into()
    }

    fn asks_for_observations(&mut self) {
        let next = self.round.wrapping_add(if self.dice.once_in(6) { 2 } else { 1 });
        let at = if self.dice.once_in(5) { self.at() } else { RoundId::new(self.epoch, next) };
        let from = self.leader_or_liar(at.epoch.0);
        let query = self.query();
        if at.epoch.0 == self.epoch && at.round.0 > self.round && from == self.leader(self.epoch) {
            self.round = at.round.0;
        }
        self.says(from, Message::ObserveReq(ObserveReq { at, query }));
    }

    fn observation(&mut self, at: RoundId, query: &[u8], oracle: usize) -> SignedObservation {
        let length = self.dice.below(5);
        let mut observation = self.dice.bytes(length);
        if self.dice.once_in(6) {
            // The toy skips on one, and fails on the other.
            observation.insert(0, *self.dice.pick(b"se"));
        }
        let signer = if self.dice.once_in(40) { self.anyone() } else { oracle };
        let round = if self.dice.once_in(40) { at.round.0.wrapping_add(1) } else { at.round.0 };
        let digest = observation_digest(self.config_digest, at.epoch.0, round, query, &observation);
        let signature = self.offchain[signer].sign(&digest).to_vec();
        SignedObservation { observation: observation.into(), signature: signature.into() }
    }

    fn observes(&mut self) {
        let at = self.at();
        // Not ours, so that a leader never has all: it would not wait for the end of grace, and the reference would.
        let from = self.anyone();
        if from == self.me.index() {
            return;
        }
        let signed = self.observation(at, b"", from);
        self.says(from, Message::Observe(Observe { at, signed }));
    }

    fn asks_for_reports(&mut self) {
        let at = self.at();
        let from = self.leader_or_liar(at.epoch.0);
        let query = self.query();
        let mut observers: Vec<usize> = (0..self.committee.n()).collect();
        if self.dice.once_in(2) {
            self.dice.shuffle(&mut observers);
        }
        let majority = self.committee.honest_majority();
        let count = *self.dice.pick(&[majority, majority, observers.len(), majority - 1, 0]);
        if !self.dice.once_in(3) || count >= majority {
            observers.truncate(count.max(if self.dice.once_in(8) { 0 } else { majority }));
        }
        let mut observations = Vec::new();
        for oracle in observers {
            let signed = self.observation(at, &query, oracle);
            let observer = if self.dice.once_in(60) { self.dice.number() as u8 } else { oracle as u8 };
            observations.push(AttributedObservation { signed, observer });
        }
        if self.dice.once_in(30) && !observations.is_empty() {
            observations.push(observations[0].clone());
        }
        let request = ReportReq { at, query, observations };
        self.request = Some(request.clone());
        self.says(from, Message::ReportReq(Arc::new(request)));
    }

    /// A report as the toy makes it of the last request, or any.
    fn report(&mut self) -> (RoundId, [u8; 32], Bytes) {
        match self.request.clone().filter(|_| !self.dice.once_in(4)) {
            Some(request) => {
                let listed = request.observations.iter().map(|entry| (&entry.signed.observation[..], entry.observer));
                let hash = extra_hash(&request.query, listed);
                let mut report = Vec::new();
                for AttributedObservation { signed, observer } in &request.observations {
                    report.push(*observer);
                    report.extend_from_slice(&(signed.observation.len() as u32).to_be_bytes());
                    report.extend_from_slice(&signed.observation);
                }
                (request.at, hash, report.into())
            }
            None => {
                let at = self.at();
                let length = self.dice.below(20);
                (at, self.dice.array(), self.dice.bytes(length).into())
            }
        }
    }

    fn signature(&mut self, at: RoundId, extra_hash: [u8; 32], report: &[u8], oracle: usize) -> Bytes {
        let signer = if self.dice.once_in(40) { self.anyone() } else { oracle };
        let config_digest = self.config_digest;
        let context = ReportContext { config_digest, epoch: at.epoch.0, round: at.round.0, extra_hash };
        let mut signature = self.onchain[signer].sign(&context.report_digest(report)).to_vec();
        if self.dice.once_in(60) {
            signature = crate::fuzz::mutate::bytes(self.dice, signature);
        }
        signature.into()
    }

    fn is_final(&mut self) {
        let (at, extra_hash, report) = self.report();
        self.is_final_at(at, extra_hash, report);
    }

    /// A report of about the time at which reports are forgotten, counted from the latest.
    fn is_of_old(&mut self) {
        let rounds = u64::from(self.r_max);
        let latest = rounds * u64::from(self.latest.epoch.0) + u64::from(self.latest.round.0);
        let off = *self.dice.pick(&[0, 1, self.age - 1, self.age, self.age, self.age + 1]);
        let index = if self.dice.once_in(3) { latest + off } else { latest.saturating_sub(off) };
        let (mut epoch, mut round) = (index / rounds, index % rounds);
        if epoch > 0 && (round == 0 || self.dice.once_in(3)) {
            // The same in other coordinates.
            (epoch, round) = (epoch - 1, round + rounds);
        }
        let at = RoundId::new(epoch as u32, round as u8);
        let length = self.dice.below(5);
        let (extra_hash, report) = (self.dice.array(), self.dice.bytes(length).into());
        self.is_final_at(at, extra_hash, report);
    }

    fn is_final_at(&mut self, at: RoundId, extra_hash: [u8; 32], report: Bytes) {
        let mut signers: Vec<usize> = (0..self.committee.n()).collect();
        self.dice.shuffle(&mut signers);
        let off = if self.dice.once_in(10) { *self.dice.pick(&[-1_isize, 1]) } else { 0 };
        signers.truncate(self.quorum.saturating_add_signed(off));
        let mut signatures = Vec::new();
        for oracle in signers {
            let signature = self.signature(at, extra_hash, &report, oracle);
            let signer = if self.dice.once_in(60) { self.dice.number() as u8 } else { oracle as u8 };
            signatures.push(AttributedSignature { signature, signer });
        }
        if off == 0 && at.round.0 <= self.r_max {
            self.latest = self.latest.max(at);
        }
        let last = Arc::new(Final { at, extra_hash, report, signatures });
        if self.dice.once_in(2) {
            let from = self.leader_or_liar(at.epoch.0);
            self.says(from, Message::Final(last));
        } else {
            let from = self.anyone();
            self.says(from, Message::FinalEcho(last));
        }
    }

    fn reports(&mut self) {
        let (at, extra_hash, report) = self.report();
        let from = self.anyone();
        let skip = self.dice.once_in(4);
        let signature = self.signature(at, extra_hash, &report, from);
        let (report, signature) =
            if skip && !self.dice.once_in(4) { (Bytes::new(), Bytes::new()) } else { (report, signature) };
        self.says(from, Message::Report(Report { at, skip, report, signature }));
    }

    /// Messages of an epoch to come, few or more than wait for it.
    fn comes_early(&mut self) {
        let now = (self.epoch, self.round, self.request.take());
        self.epoch = self.epoch.saturating_add(if self.dice.once_in(4) { 2 } else { 1 });
        self.round = 0;
        for _ in 0..*self.dice.pick(&[1, 2, 3, 3, 12]) {
            match self.dice.below(5) {
                0 | 1 => self.asks_for_observations(),
                2 | 3 => self.asks_for_reports(),
                _ => self.is_final(),
            }
        }
        (self.epoch, self.round, self.request) = now;
    }

    /// Something that was said before, by the same or another.
    fn again(&mut self) {
        if self.steps.is_empty() {
            return;
        }
        let mut step = self.dice.pick(&self.steps).clone();
        if self.dice.once_in(3) && !is_observe(&step) {
            step["from"] = self.anyone().into();
        }
        self.steps.push(step);
    }
}

fn is_observe(step: &Value) -> bool {
    step["bytes"].as_str().is_some_and(|bytes| bytes.starts_with("22"))
}
