//! One oracle and the messages that come to it.

use super::{Answer, No, found, hex, message};
use crate::fuzz::request::{Fields, array, bytes, number, refused, wrong};
use bytes::Bytes;
use conformance::stage::{Heard, Host, TOY_LIMITS, Toy, parameters};
use crypto::{ed25519, secp256k1};
use machine::Verdicts;
use ocr::{Committee, ConfigDigest, OracleId, OracleSet, PerOracle, SharedSecret};
use ocr2::config::{OracleIdentity, PublicConfig};
use ocr2::limits::FUTURE_MESSAGES_MAX;
use ocr2::{Epoch, Event, LocalConfig, Memory, Message, Oracle, Setup};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How messages of epochs to come wait for them: a stage that lets them wait shows what an oracle does that never meets one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Messages kept for each sender; a further one displaces the oldest.
    pub room: usize,
    /// Whether a message waits until those of its sender before it may go, though its own epoch begins.
    pub in_line: bool,
    /// Whether the oracle has thought of one message, with its plugin and keys, before it is given the next.
    pub one_by_one: bool,
}

impl Waiting {
    /// As our oracle lets them wait.
    pub const OURS: Self = Self { room: FUTURE_MESSAGES_MAX, in_line: false, one_by_one: false };
    /// As the reference does (OCR2 spec 6.1).
    pub const REFERENCE: Self = Self { room: 10, in_line: true, one_by_one: true };
}

/// `waiting`: how the stage lets messages wait; `None`: they wait in the oracle.
pub fn script(request: &Fields<'_>, waiting: Option<Waiting>) -> Answer {
    let mut host = host(request)?;
    let mut room = waiting.map(|waiting| WaitingRoom { waiting, kept: Vec::new() });
    let heard = host.hand(Event::Woke);
    let start = said(&host, &heard);
    let limits = match request.optional("limits") {
        Some(_) => message::limits(&request.object("limits")?)?,
        None => TOY_LIMITS,
    };
    let mut steps = Vec::new();
    for step in request.objects("steps")? {
        let committee = host.everyone.len();
        let from = number::<u8>(step.value("from")?).filter(|from| usize::from(*from) < committee);
        let from = host.everyone.iter().find(|oracle| Some(oracle.byte()) == from);
        let from = from.ok_or_else(|| wrong("from", "no such oracle"))?;
        let decoded = Message::decode(&Bytes::from(step.bytes("bytes")?)).map_err(|error| error.to_string());
        let taken = decoded.and_then(|message| {
            message.check_size(&limits).map_err(|error| error.to_string())?;
            Ok(message)
        });
        steps.push(match taken {
            Err(why) => json!({"refused": why, "out": []}),
            Ok(message) => {
                let heard = match &mut room {
                    None => host.hand(received(from, message)),
                    Some(room) => room.hand(&mut host, from, message),
                };
                let entered: Vec<_> =
                    heard.entered.iter().map(|(epoch, leader)| json!([epoch.0, leader.byte()])).collect();
                json!({"out": said(&host, &heard), "entered": entered})
            }
        });
    }
    Ok(found([("start", start), ("steps", steps.into())]))
}

fn received(from: OracleId, message: Message) -> Event {
    Event::Received { from, message: Arc::new(message), verdicts: Verdicts::none() }
}

/// Where the stage keeps messages of epochs to come.
struct WaitingRoom {
    waiting: Waiting,
    /// Of each sender in the order in which they came.
    kept: Vec<(OracleId, VecDeque<(Epoch, Message)>)>,
}

impl WaitingRoom {
    fn hand(&mut self, host: &mut Host, from: OracleId, message: Message) -> Heard {
        let (current, _) = host.oracle.epoch();
        if let Some(epoch) = epoch_of(&message).filter(|epoch| *epoch > current) {
            self.keep(from, epoch, message);
            return Heard::default();
        }
        let event = received(from, message);
        if !self.waiting.one_by_one {
            return host.hand_and_free(event, &mut |epoch| self.free(epoch));
        }
        let mut heard = host.hand(event);
        // What waited makes nobody enter another epoch.
        for (epoch, _) in heard.entered.clone() {
            for event in self.free(epoch) {
                let more = host.hand(event);
                heard.sent.extend(more.sent);
                heard.entered.extend(more.entered);
            }
        }
        heard
    }

    fn keep(&mut self, from: OracleId, epoch: Epoch, message: Message) {
        let place = self.kept.binary_search_by_key(&from, |(sender, _)| *sender).unwrap_or_else(|place| {
            self.kept.insert(place, (from, VecDeque::new()));
            place
        });
        let kept = &mut self.kept[place].1;
        kept.push_back((epoch, message));
        if kept.len() > self.waiting.room {
            kept.pop_front();
        }
    }

    /// What need not wait any longer, now that this epoch begins.
    fn free(&mut self, begun: Epoch) -> Vec<Event> {
        let mut freed = Vec::new();
        for (from, kept) in &mut self.kept {
            let mut is_held_up = false;
            for (epoch, message) in std::mem::take(kept) {
                is_held_up |= self.waiting.in_line && epoch > begun;
                if is_held_up || epoch > begun {
                    kept.push_back((epoch, message));
                } else {
                    freed.push(received(*from, message));
                }
            }
        }
        freed
    }
}

/// The epoch that a message waits for; some wait for none.
fn epoch_of(message: &Message) -> Option<Epoch> {
    match message {
        Message::NewEpoch(_) | Message::FinalEcho(_) => None,
        Message::ObserveReq(_)
        | Message::Observe(_)
        | Message::ReportReq(_)
        | Message::Report(_)
        | Message::Final(_) => message.at().map(|at| at.epoch),
    }
}

fn host(request: &Fields<'_>) -> Result<Host, No> {
    let committee = Committee::new(request.number("n")?, request.number("f")?).map_err(|_| wrong("n, f", "none"))?;
    let me = committee.oracle(request.number("id")?).ok_or_else(|| wrong("id", "no such oracle"))?;
    let oracles = (request.objects("oracles")?.iter())
        .map(|fields| {
            Ok(OracleIdentity {
                offchain_key: ed25519::PublicKey(fields.array("offchain_pk")?),
                signer: bytes(fields.value("address")?).ok_or_else(|| wrong("address", "no hex"))?,
                peer_id: String::new(),
                transmitter: String::new(),
            })
        })
        .collect::<Result<Vec<_>, No>>()?;
    let config_digest = ConfigDigest(request.array("config_digest")?);
    let delta_round = Duration::from_nanos(request.number("delta_round")?);
    let config = PublicConfig {
        config_digest,
        committee,
        oracles: PerOracle::from_list(committee, oracles).ok_or_else(|| wrong("oracles", "not n"))?,
        onchain_config: Vec::new(),
        parameters: parameters(request.number("r_max")?, delta_round),
    };
    let quorum: usize = request.number("report_quorum")?;
    let unique_reports = match quorum {
        quorum if quorum == committee.one_honest() => false,
        quorum if quorum == committee.byzantine_quorum() => true,
        _ => return Err(wrong("report_quorum", "of no kind of plugin")),
    };
    let secret = SharedSecret::new(request.array("shared_secret")?);
    let setup = Setup {
        config: Arc::new(config),
        me,
        leader_selection_key: secret.leader_selection_key(),
        transmission_order_key: secret.transmission_order_key(),
    };
    let memory = match request.optional("restored_state") {
        None => Memory::default(),
        Some(_) => {
            let state = request.object("restored_state")?;
            Memory {
                epoch: Epoch(state.number("epoch")?),
                highest_sent: Epoch(state.number("highest_sent_epoch")?),
                received: state.each("highest_received_epoch", |epoch| number(epoch).map(Epoch))?,
                ..Memory::default()
            }
        }
    };
    let oracle =
        Oracle::new(setup, Box::new(Toy { unique_reports }), LocalConfig::default(), memory, Default::default())
            .map_err(refused)?;
    let digest_equal = request.optional("contract_digest_equal").is_some_and(|equal| *equal == true);
    let onchain_key: [u8; 32] =
        array(request.value("onchain_sk")?).ok_or_else(|| wrong("onchain_sk", "not 32 bytes"))?;
    Ok(Host {
        oracle,
        offchain_key: ed25519::SecretKey::from_seed(&request.array("offchain_seed")?),
        onchain_key: secp256k1::SecretKey::from_bytes(&onchain_key).map_err(|_| wrong("onchain_sk", "no scalar"))?,
        contract: (
            if digest_equal { config_digest } else { ConfigDigest::ZERO },
            Epoch(request.number("contract_epoch")?),
        ),
        me,
        everyone: committee.everyone(),
    })
}

/// What was sent, NewEpochs first and FinalEchoes last: between them the reference has no order.
fn said(host: &Host, heard: &Heard) -> Value {
    let mut sent: Vec<(u8, Value)> = Vec::new();
    let others = host.everyone.difference(host.me.into());
    for (to, message) in &heard.sent {
        let (rank, to_all) = match &**message {
            Message::NewEpoch(_) => (0, host.everyone),
            // On purpose not to oneself, who would only find that it is known.
            Message::FinalEcho(_) => (2, others),
            Message::ObserveReq(_) | Message::ReportReq(_) | Message::Final(_) => (1, host.everyone),
            Message::Observe(_) | Message::Report(_) => (1, OracleSet::EMPTY),
        };
        let to: Value = if *to == to_all { "all".into() } else { to.iter().map(|oracle| oracle.byte()).next().into() };
        sent.push((rank, json!({"to": to, "bytes": hex(message.encode())})));
    }
    sent.sort_by_key(|(rank, _)| *rank);
    sent.into_iter().map(|(_, message)| message).collect()
}
