//! `liar KIND SEAT-FILE`: Dodona's node in a seat, dishonest in one way and honest otherwise. Each lie is told on stdout.
//! The long suite seats it among honest oracles of the reference; the production binary cannot do any of this.

use bytes::Bytes;
use crypto::ed25519::SecretKey;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::{EdwardsPoint, Scalar};
use liars::Oracle;
use machine::{Effect, Effects, Event, Machine, Mono, Ticket, Time};
use node::plan::Plan;
use node::run::{Hooks, Liar, run};
use ocr2::message::Message;
use ocr2::protocol::{Answer, Ask, Ocr2, Work};
use sha2::{Digest as _, Sha512};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

const KINDS: [&str; 5] = ["observation-signature", "torsion", "report-signature", "equivocate", "wire-type"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, file] = &*arguments else {
        eprintln!("usage: liar KIND SEAT-FILE, with KIND one of {}", KINDS.join(", "));
        return ExitCode::from(2);
    };
    match lie(kind, Path::new(file)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("liar: {why}");
            ExitCode::FAILURE
        }
    }
}

fn lie(kind: &str, file: &Path) -> Result<(), String> {
    let kind = *KINDS.iter().find(|known| **known == kind).ok_or(format!("no lie {kind:?}, there are {KINDS:?}"))?;
    let seat = node::seat::Seat::read(file).map_err(|error| error.to_string())?;
    let (number, n, key) = (seat.seat, seat.n, seat.keys.offchain.clone());
    let plan = Plan::from_seat(file).map_err(|error| error.to_string())?;
    let liar = Liar::new(move |honest, records| {
        let (key, out) = (key.clone(), Effects::default());
        Box::new(Lying { honest: honest(records), kind, number, n, key, asked: None, out })
    });
    // As the node's own main does; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(run(plan, Hooks { told: None, liar: Some(liar) })).map_err(|error| error.to_string())
}

struct Lying {
    honest: Oracle,
    kind: &'static str,
    number: u8,
    n: u8,
    key: SecretKey,
    /// The observation that waits for its signature.
    asked: Option<(Ticket, [u8; 32])>,
    out: Effects<Ocr2>,
}

impl Machine for Lying {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        let event = match event {
            Event::Answered { ticket, answer: Some(answer) } => {
                Event::Answered { ticket, answer: Some(self.bent_answer(ticket, answer)) }
            }
            other => other,
        };
        let mut said = std::mem::take(&mut self.out);
        self.honest.handle(now, event, &mut said);
        for effect in said.drain() {
            match effect {
                Effect::Ask { ticket, ask } => {
                    if let Ask { work: Work::SignObservation { digest, .. }, .. } = &ask {
                        self.asked = Some((ticket, *digest));
                    }
                    out.push(Effect::Ask { ticket, ask });
                }
                Effect::Send { to, message } if self.kind == "equivocate" => {
                    for one in to.iter() {
                        let message = self.selection_for(one.byte(), &message).unwrap_or_else(|| message.clone());
                        out.send([one].into_iter().collect(), message);
                    }
                }
                Effect::Send { to, message } => {
                    let message = self.bent_message(&message).unwrap_or(message);
                    out.send(to, message);
                }
                other => out.push(other),
            }
        }
        self.out = said;
    }

    fn deadline(&self) -> Option<Mono> {
        self.honest.deadline()
    }
}

impl Lying {
    fn told(&self) {
        let line = format!("{{\"event\":\"lie\",\"seat\":{},\"kind\":\"{}\"}}\n", self.number, self.kind);
        // Nobody listens any more when this fails.
        let _ = std::io::stdout().write_all(line.as_bytes());
    }

    fn bent_answer(&mut self, ticket: Ticket, answer: Answer) -> Answer {
        match answer {
            Answer::Observation(observation) if self.kind == "wire-type" => {
                self.told();
                // Field 4, which is bytes, as a varint.
                Answer::Observation([&observation, &[0x20_u8, 1][..]].concat().into())
            }
            Answer::Signature(signature) if self.kind == "torsion" => {
                match self.asked.take_if(|(asked, _)| *asked == ticket) {
                    Some((_, digest)) => {
                        self.told();
                        Answer::Signature(Bytes::copy_from_slice(&torsion(&self.key, &digest)))
                    }
                    None => Answer::Signature(signature),
                }
            }
            other => other,
        }
    }

    fn bent_message(&self, message: &Message) -> Option<Arc<Message>> {
        let mut bent = message.clone();
        match &mut bent {
            Message::Observe(observe) if self.kind == "observation-signature" => {
                observe.signed.signature = broken(&observe.signed.signature);
            }
            Message::Report(report) if self.kind == "report-signature" && !report.skip => {
                report.signature = broken(&report.signature);
            }
            Message::NewEpoch(_)
            | Message::ObserveReq(_)
            | Message::Observe(_)
            | Message::ReportReq(_)
            | Message::Report(_)
            | Message::Final(_)
            | Message::FinalEcho(_) => return None,
        }
        self.told();
        Some(Arc::new(bent))
    }

    /// With more observations than are needed, everybody is spared another one of them.
    fn selection_for(&self, to: u8, message: &Message) -> Option<Arc<Message>> {
        let Message::ReportReq(request) = message else { return None };
        let count = request.observations.len();
        let f = usize::from(self.n - 1) / 3;
        if count <= 2 * f + 1 {
            return None;
        }
        self.told();
        let mut request = (**request).clone();
        request.observations.remove(usize::from(to) % count);
        Some(Arc::new(Message::ReportReq(request.into())))
    }
}

fn broken(signature: &Bytes) -> Bytes {
    let mut bytes = signature.to_vec();
    if let Some(byte) = bytes.get_mut(40) {
        *byte ^= 1;
    }
    bytes.into()
}

/// A signature whose R has a component of small order: the equation holds when multiplied by the cofactor, and not without.
fn torsion(key: &SecretKey, message: &[u8]) -> [u8; 64] {
    let expanded = Sha512::digest(*key.to_seed());
    let mut secret: [u8; 32] = std::array::from_fn(|index| expanded[index]);
    // RFC 8032 5.1.5.
    secret[0] &= 248;
    secret[31] = (secret[31] & 127) | 64;
    let secret = Scalar::from_bytes_mod_order(secret);
    let hashed = |parts: &[&[u8]]| {
        let hash = parts.iter().fold(Sha512::new(), |hash, part| hash.chain_update(part));
        Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
    };
    let nonce = hashed(&[&expanded[32..], message]);
    let commitment: EdwardsPoint = nonce * ED25519_BASEPOINT_POINT + EIGHT_TORSION[1];
    let commitment = commitment.compress().to_bytes();
    let response = nonce + hashed(&[&commitment, &key.public_key().0, message]) * secret;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&commitment);
    signature[32..].copy_from_slice(response.as_bytes());
    signature
}
