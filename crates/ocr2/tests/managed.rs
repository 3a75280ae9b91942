//! One contract, several configurations.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use crypto::{ed25519, x25519};
use machine::{Effect, Machine, Record as _, Verdicts};
use ocr::{Address, ConfigDigest, ContractConfig, PeerId, SharedSecret, evm_simple};
use ocr2::{
    Answer, Contract, Effects, Epoch, Event, Identity, Managed, Message, Order, Output, Plugin, PluginFactory, Record,
    config::{OracleIdentity, Proposal, ResourceChecks},
    limits::CONFIGS_KEPT,
    managed::ConfigRefusal,
    message::{Final, Observe, ObserveReq},
    plugin::{PluginError, ReportingPluginConfig},
    refusal::Stale,
};
use support::*;

const CONTRACT: Contract = Contract { chain_id: 1337, address: Address([0x33; 20]) };

fn config_key(index: u8) -> x25519::SecretKey {
    x25519::SecretKey::from_bytes(&[index + 1; 32])
}

fn identity(index: u8) -> OracleIdentity {
    OracleIdentity {
        offchain_key: ed25519::PublicKey([index + 1; 32]),
        signer: vec![index + 1; 20],
        peer_id: PeerId::from(ed25519::PublicKey([index + 1; 32])).to_string(),
        transmitter: Address([index + 0x41; 20]).to_string(),
    }
}

/// The `count`-th configuration of the contract, after a change.
fn config_with(count: u64, change: impl FnOnce(&mut ContractConfig)) -> Arc<ContractConfig> {
    let proposal = Proposal {
        oracles: (0..4).map(|index| (identity(index), config_key(index).public_key())).collect(),
        f: 1,
        onchain_config: Vec::new(),
        parameters: parameters(),
    };
    let (secret, ephemeral) = (SharedSecret::new([9; 16]), config_key(77));
    let sealed = proposal.seal(&secret, &ephemeral, ResourceChecks::On).unwrap();
    let mut config = ContractConfig { config_count: count, ..sealed };
    change(&mut config);
    config.config_digest = evm_simple::config_digest(CONTRACT.chain_id, CONTRACT.address, &config).unwrap();
    Arc::new(config)
}

fn config(count: u64) -> Arc<ContractConfig> {
    config_with(count, |_| {})
}

#[derive(Debug)]
struct Toys;

impl PluginFactory for Toys {
    fn make(&self, config: &ReportingPluginConfig) -> Result<Box<dyn Plugin>, PluginError> {
        if config.onchain_config.is_empty() {
            Ok(Box::new(Toy::default()))
        } else {
            Err(PluginError::new("what is this?"))
        }
    }
}

struct Life {
    managed: Managed,
    records: std::collections::BTreeMap<ocr2::RecordKey, Record>,
    log: Vec<String>,
    asks: Vec<(machine::Ticket, ocr2::Ask)>,
}

impl Life {
    fn begin(records: impl IntoIterator<Item = Record>) -> Self {
        let records: Vec<_> = records.into_iter().collect();
        let me = Identity { identity: identity(1), config_key: config_key(1) };
        let managed = Managed::recover(me, CONTRACT, local(), Box::new(Toys), records.clone());
        let records = records.into_iter().map(|record| (record.key(), record)).collect();
        let mut life = Life { managed, records, log: Vec::new(), asks: Vec::new() };
        life.hand(Event::Woke);
        life
    }

    fn restart(self) -> Self {
        Self::begin(self.records.into_values())
    }

    fn hand(&mut self, event: Event) -> Vec<String> {
        let mut out = Effects::default();
        self.managed.handle(time(0), event, &mut out);
        for effect in out.drain() {
            match effect {
                Effect::Persist(record) => {
                    let mut bytes = Vec::new();
                    record.encode(&mut bytes);
                    assert_eq!(Record::decode(&bytes).as_ref(), Ok(&record));
                    self.log.push(format!("store {:?}", kind(&record)));
                    if record.erases() {
                        self.records.remove(&record.key());
                    } else {
                        self.records.insert(record.key(), record);
                    }
                }
                Effect::Emit(Output::Open(spec)) => {
                    assert_eq!((spec.me.byte(), spec.f, spec.peer_ids.as_slice().len()), (1, 1, 4));
                    assert_eq!(spec.limits.message_bytes_max, 40 + 65 * 4 + 256);
                    self.log.push(format!("open {}", self.count(spec.config_digest)));
                }
                Effect::Emit(Output::Close(digest)) => self.log.push(format!("close {}", self.count(digest))),
                Effect::Emit(Output::ConfigRefused { reason, .. }) => self.log.push(format!("refuse config: {reason}")),
                Effect::Emit(Output::Refused { refusal, .. }) => self.log.push(format!("refuse: {refusal}")),
                Effect::Emit(_) => {}
                Effect::Send { message, .. } => self.log.push(format!("send {}", shown(&message))),
                Effect::Ask { ticket, ask } => {
                    self.log.push(format!("ask {}", shown_work(&ask.work)));
                    self.asks.push((ticket, ask));
                }
                Effect::Forget(ticket) => {
                    self.log.push("forget".into());
                    self.asks.retain(|(asked, _)| *asked != ticket);
                }
            }
        }
        core::mem::take(&mut self.log)
    }

    fn count(&self, digest: ConfigDigest) -> u64 {
        (1..100).find(|count| config(*count).config_digest == digest).unwrap()
    }

    fn configure(&mut self, config: Arc<ContractConfig>) -> Vec<String> {
        self.hand(Event::Told(Order::Configure(config)))
    }

    fn answer(&mut self, kind: &str) -> Vec<String> {
        let index = self.asks.iter().position(|(_, ask)| shown_work(&ask.work).starts_with(kind)).unwrap();
        let (ticket, ask) = self.asks.remove(index);
        let answer = match good_answer(&ask.work, oracle(4, 1), at(0, 0)) {
            Answer::ContractEpoch { epoch, .. } => Answer::ContractEpoch { config_digest: ask.config_digest, epoch },
            other => other,
        };
        self.hand(Event::Answered { ticket, answer: Some(answer) })
    }

    fn leader(&self) -> u8 {
        self.managed.running().unwrap().epoch().1.byte()
    }

    fn receive(&mut self, from: u8, message: Message) -> Vec<String> {
        self.hand(Event::Received { from: oracle(4, from), message: Arc::new(message), verdicts: Verdicts::none() })
    }
}

fn kind(record: &Record) -> String {
    match record {
        Record::Config { former, .. } => format!("config, {} before", former.len()),
        Record::Epoch { epoch, highest_sent, .. } => format!("epoch {epoch}, sent {highest_sent}"),
        Record::Entered { at, .. } => format!("entered {at}"),
        Record::Pending { transmission, .. } => format!("pending {}", transmission.report.at),
        Record::Erased(_) => "erased".into(),
    }
}

fn observe_req(epoch: u32, round: u8) -> Message {
    Message::ObserveReq(ObserveReq { at: at(epoch, round), query: Bytes::from_static(b"q") })
}

#[test]
fn without_a_configuration_nothing_happens_and_messages_are_refused_by_name() {
    let mut life = Life::begin([]);
    assert_eq!(life.managed.deadline(), None);
    assert_eq!(life.hand(Event::Woke), [""; 0]);
    assert_eq!(life.receive(0, Message::NewEpoch(Epoch(1))), [format!("refuse: stale: {}", Stale::NotRunning)]);
}

#[test]
fn a_configuration_is_stored_before_its_endpoint_opens_and_is_run_at_once_after_a_restart() {
    let mut life = Life::begin([]);
    let log = life.configure(config(1));
    assert_eq!(log[..3], ["store \"config, 0 before\"", "open 1", "ask contract epoch"]);
    assert_eq!(life.configure(config(1)), [""; 0], "the same again");
    let life = life.restart();
    assert_eq!(life.managed.current().unwrap().config_count, 1);
    assert!(life.managed.running().is_some(), "without a chain");
}

#[test]
fn a_new_configuration_forgets_the_asks_of_the_old_and_closes_its_endpoint_first() {
    let mut life = Life::begin([]);
    life.configure(config(1));
    let asks = life.asks.len();
    let tickets: Vec<_> = life.asks.iter().map(|(ticket, _)| *ticket).collect();
    let log = life.configure(config(2));
    let (forgets, rest) = log.split_at(asks);
    assert!(forgets.iter().all(|line| line == "forget"), "{log:?}");
    assert_eq!(rest[..4], ["close 1", "store \"config, 1 before\"", "open 2", "ask contract epoch"]);
    assert!(life.asks.iter().all(|(ticket, _)| !tickets.contains(ticket)), "tickets are never used twice");
    let old = tickets[0];
    assert_eq!(life.hand(Event::Answered { ticket: old, answer: None }), [""; 0]);
}

#[test]
fn what_was_said_under_a_configuration_binds_when_a_reorganised_chain_brings_it_back() {
    for with_restart in [false, true] {
        let mut life = Life::begin([]);
        life.configure(config(1));
        life.answer("contract epoch");
        let leader = life.leader();
        let log = if leader == 1 { life.answer("query") } else { life.receive(leader, observe_req(1, 1)) };
        assert!(log.contains(&"store \"entered 1/1\"".into()), "{log:?}");
        life.configure(config(2));
        if with_restart {
            life = life.restart();
        }
        let log = life.configure(config(1));
        assert!(log.contains(&"open 1".into()), "{log:?}");
        if leader == 1 {
            assert!(log.contains(&"ask query 1/2".into()), "{log:?}");
        } else {
            let log = life.receive(leader, observe_req(1, 1));
            assert_eq!(log, ["refuse: stale: round 1, we are in 1"]);
        }
    }
}

#[test]
fn a_configuration_whose_digest_is_wrong_is_ignored_and_the_old_one_runs_on() {
    let mut life = Life::begin([]);
    life.configure(config(1));
    let mut wrong = (*config(2)).clone();
    wrong.f = 0;
    let log = life.configure(Arc::new(wrong));
    assert!(
        log.len() == 1 && log[0].starts_with("refuse config: its digest is not what the contract computes"),
        "{log:?}"
    );
    let mut none = (*config(2)).clone();
    none.transmitters[0] = "0xnobody".into();
    let log = life.configure(Arc::new(none));
    assert!(log.len() == 1 && log[0].starts_with("refuse config: it has no digest"), "{log:?}");
    assert_eq!(life.managed.current().unwrap().config_count, 1);
    assert!(life.managed.running().is_some());
}

#[test]
fn a_configuration_that_cannot_be_run_leaves_the_oracle_idle_until_the_next() {
    let mut life = Life::begin([]);
    life.configure(config(1));
    for (bad, reason) in [
        (config_with(2, |config| config.signers[1] = vec![0xee; 20]), "our on-chain key is not in the configuration"),
        (config_with(3, |config| config.offchain_config_version = 30), "offchain config version 30, wanted 2"),
        (config_with(4, |config| config.onchain_config = vec![1]), "the plugin cannot run with it: what is this?"),
    ] {
        let log = life.configure(bad);
        assert_eq!(log.last().unwrap(), &format!("refuse config: {reason}"), "{log:?}");
        assert!(life.managed.running().is_none());
        assert_eq!(life.managed.deadline(), None);
    }
    let again = life.restart();
    assert!(again.managed.running().is_none() && again.managed.current().unwrap().config_count == 4);
    let mut life = again;
    let log = life.configure(config(5));
    assert_eq!(log[..2], ["store \"config, 4 before\"", "open 5"]);
}

#[test]
fn a_message_of_an_oracle_that_the_present_committee_does_not_have_is_refused() {
    // A host may still hold messages of a larger committee when the next configuration comes.
    let mut life = Life::begin([]);
    life.configure(config(1));
    let of_seven = oracle(7, 6);
    let mut claims = Vec::new();
    let final_echo = Message::FinalEcho(Arc::new(Final {
        at: at(1, 1),
        extra_hash: [0; 32],
        report: Bytes::new(),
        signatures: Vec::new(),
    }));
    let observe = Message::Observe(Observe { at: at(1, 1), signed: signed(of_seven, at(1, 1), b"q", b"o") });
    for message in [Message::NewEpoch(Epoch(9)), observe_req(1, 1), observe_req(9, 1), observe, final_echo] {
        life.managed.claims(of_seven, &message, &mut claims);
        let message = Arc::new(message);
        let log = life.hand(Event::Received { from: of_seven, message, verdicts: Verdicts::none() });
        assert_eq!(log, [format!("refuse: stale: {}", Stale::FormerConfig)]);
    }
    assert_eq!(claims, []);
}

#[test]
fn records_of_long_past_configurations_are_erased() {
    let mut life = Life::begin([]);
    for count in 1..=CONFIGS_KEPT as u64 + 2 {
        life.configure(config(count));
        life.answer("contract epoch");
    }
    let epochs = life.records.keys().filter(|key| matches!(key, ocr2::RecordKey::Epoch(_))).count();
    assert_eq!(epochs, CONFIGS_KEPT + 1);
    // What a crash left of others goes at the next start.
    let lost = ConfigDigest([0xdd; 32]);
    let record = Record::Entered { config_digest: lost, at: at(1, 1) };
    life.records.insert(record.key(), record);
    let life = life.restart();
    assert!(!life.records.keys().any(|key| *key == ocr2::RecordKey::Entered(lost)));
    assert_eq!(life.records.keys().filter(|key| matches!(key, ocr2::RecordKey::Epoch(_))).count(), CONFIGS_KEPT + 1);
}

#[test]
fn a_stored_configuration_of_another_contract_is_not_run() {
    let mut life = Life::begin([]);
    life.configure(config(1));
    let me = Identity { identity: identity(1), config_key: config_key(1) };
    let other = Contract { chain_id: 1, ..CONTRACT };
    let mut managed = Managed::recover(me, other, local(), Box::new(Toys), life.records.into_values());
    let mut out = Effects::default();
    managed.handle(time(0), Event::Woke, &mut out);
    let [Effect::Emit(Output::ConfigRefused { reason, .. })] = out.as_slice() else { panic!("{out:?}") };
    assert!(matches!(**reason, ConfigRefusal::Digest { .. }));
}
