//! What is fuzzed: each operation of the codec server, with the questions it starts from.

use super::dice::Dice;
use super::invent;
use super::mutate::mutate;
use serde_json::{Map, Value};
use std::path::Path;

/// Makes a question from nothing.
type Invent = fn(&mut Dice) -> Value;

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The operation's name.
    pub name: &'static str,
    /// How many cases go to the server at once; what costs it more goes in smaller lots.
    pub lot: usize,
    seeds: &'static [Seeds],
    invent: Option<Invent>,
}

/// Cases of a vector file that are questions of an operation.
#[derive(Clone, Copy, Debug)]
struct Seeds {
    /// In `spec/vectors`, without `.json`.
    file: &'static str,
    /// The case's `kind` or `type`; empty: any.
    kind: &'static str,
    /// What the question has of it.
    fields: &'static [&'static str],
}

const fn from(file: &'static str, kind: &'static str, fields: &'static [&'static str]) -> Seeds {
    Seeds { file, kind, fields }
}

const fn target(name: &'static str, seeds: &'static [Seeds], invent: Option<Invent>) -> Target {
    Target { name, lot: 100, seeds, invent }
}

const fn slow(name: &'static str, lot: usize, seeds: &'static [Seeds], invent: Option<Invent>) -> Target {
    Target { name, lot, seeds, invent }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("message", &[from("ocr2/messages", "", &["bytes"])], Some(invent::message)),
    slow(
        "config_digest",
        50,
        &[from(
            "ocr2/config_digest",
            "",
            &[
                "chain_id",
                "contract",
                "config_count",
                "signers",
                "transmitters",
                "f",
                "onchain_config",
                "offchain_config_version",
                "offchain_config",
            ],
        )],
        None,
    ),
    slow("offchain_config", 30, &[from("ocr2/offchain_config", "", &["input"])], Some(invent::offchain_config)),
    slow("offchain_config_encode", 8, &[from("ocr2/offchain_config", "public", &["decoded", "secrets"])], None),
    slow(
        "offchain_config_oracle",
        20,
        &[from("ocr2/offchain_config", "oracle", &["input", "me"])],
        Some(invent::offchain_config_oracle),
    ),
    target("shared_secret", &[], Some(invent::shared_secret)),
    slow("leaders", 25, &[from("ocr2/leaders", "", &["shared_secret", "n", "from_epoch"])], Some(invent::leaders)),
    slow(
        "schedule",
        50,
        &[from("ocr2/schedule", "", &["shared_secret", "config_digest", "epoch", "round", "n", "s", "delta_stage"])],
        Some(invent::schedule),
    ),
    target(
        "limits",
        &[from(
            "ocr2/limits",
            "",
            &[
                "n",
                "delta_progress",
                "delta_resend",
                "delta_round",
                "max_query_length",
                "max_observation_length",
                "max_report_length",
                "max_signature_length",
            ],
        )],
        None,
    ),
    slow("script", 10, &[], Some(invent::script)),
    target("ed25519", &[], Some(invent::ed25519)),
    target("secp256k1", &[], Some(invent::secp256k1)),
    target(
        "observation_signature",
        &[from(
            "ocr2/signatures",
            "observation",
            &["config_digest", "epoch", "round", "query", "observation", "public_key", "signature", "secret_seed"],
        )],
        Some(invent::observation_signature),
    ),
    target("extra_hash", &[from("ocr2/signatures", "extra_hash", &["query", "observations"])], None),
    target(
        "report_signature",
        &[from(
            "ocr2/signatures",
            "report",
            &["config_digest", "epoch", "round", "extra_hash", "report", "address", "signature", "secret_key"],
        )],
        Some(invent::report_signature),
    ),
    target(
        "attested_one",
        &[from(
            "ocr2/signatures",
            "attested_one",
            &["config_digest", "epoch", "round", "extra_hash", "report", "skip", "signature", "address"],
        )],
        Some(invent::attested_one),
    ),
    slow(
        "attested_many",
        50,
        &[from(
            "ocr2/signatures",
            "attested_many",
            &["config_digest", "epoch", "round", "extra_hash", "report", "signatures", "addresses", "quorum"],
        )],
        Some(invent::attested_many),
    ),
    target("median_observation", &[from("ocr2/median_observation", "", &["bytes"])], Some(invent::median_observation)),
    slow(
        "median_report",
        50,
        &[from("ocr2/median_report", "", &["n", "f", "observations"])],
        Some(invent::median_report),
    ),
    slow(
        "median_order",
        50,
        &[from("ocr2/median_sort", "", &["timestamps", "values", "juels"])],
        Some(invent::median_order),
    ),
    target("median_decode", &[from("ocr2/median_decode", "", &["report"])], Some(invent::median_decode)),
    target(
        "median_deviates",
        &[from("ocr2/median_deviates", "", &["threshold_ppb", "old", "new"])],
        Some(invent::median_deviates),
    ),
    target("median_offchain_config", &[from("ocr2/median_config", "offchain", &["bytes"])], None),
    target(
        "median_onchain_config",
        &[from("ocr2/median_config", "onchain", &["bytes"])],
        Some(invent::median_onchain_config),
    ),
    target("median_value", &[from("ocr2/median_config", "value", &["value"])], Some(invent::median_value)),
    target(
        "peer_id",
        &[from("p2p/peer_id", "parse", &["text"]), from("p2p/peer_id", "derive", &["public_key"])],
        Some(invent::peer_id),
    ),
    target("frame", &[from("p2p/frames", "decode", &["generation", "bytes"])], Some(invent::frame)),
    target("stream_id", &[from("p2p/frames", "stream_id", &["a", "b", "name"])], None),
    target("knock", &[from("p2p/knock", "verify", &["listener_public_key", "knock"])], Some(invent::knock)),
    target("knock_build", &[from("p2p/knock", "build", &["listener_public_key", "dialer_seed"])], None),
    target(
        "certificate",
        &[from("p2p/tls_cert", "verify", &["chain", "expected_public_key"])],
        Some(invent::certificate),
    ),
    target("discovery", &[from("p2p/announcement", "wire", &["bytes"])], Some(invent::discovery)),
    target(
        "announcement",
        &[from("p2p/announcement", "verify", &["addrs", "counter", "public_key", "sig"])],
        Some(invent::announcement),
    ),
    target(
        "announcement_address",
        &[from("p2p/announcement", "address", &["text"])],
        Some(invent::announcement_address),
    ),
];

/// A target's questions: those of the vectors, and those that made the reference say something new.
#[derive(Debug)]
pub struct Corpus {
    target: Target,
    dice: Dice,
    questions: Vec<Value>,
    /// How many of them are from the vectors.
    seeds: usize,
}

/// Questions kept beside the seeds; a newer one displaces an older.
const KEPT_MAX: usize = 200;

/// Changes to one question: many leave nothing of it.
const CHANGES_MAX: usize = 4;

impl Corpus {
    /// The questions of `target` that the vectors hold.
    pub fn load(target: Target, vectors: &Path, seed: u64) -> Result<Self, String> {
        let mut questions = Vec::new();
        for seeds in target.seeds {
            let file = vectors.join(format!("{}.json", seeds.file));
            let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let parsed: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
            for case in parsed["cases"].as_array().into_iter().flatten() {
                let kind = case.get("kind").or(case.get("type")).and_then(Value::as_str).unwrap_or_default();
                if seeds.kind.is_empty() || seeds.kind == kind {
                    questions.extend(question(target.name, case, seeds.fields));
                }
            }
        }
        if questions.is_empty() && target.invent.is_none() {
            return Err(format!("no case of the vectors is a question of {}", target.name));
        }
        let dice = Dice::new(seed, target.name);
        Ok(Self { target, dice, seeds: questions.len(), questions })
    }

    /// The next case.
    pub fn next_case(&mut self) -> Value {
        let Self { target, dice, questions, .. } = self;
        let invent = target.invent.filter(|_| questions.is_empty() || dice.once_in(2));
        let mut request = match invent {
            Some(invent) => {
                let mut invented = invent(dice);
                invented["op"] = target.name.into();
                invented
            }
            None => dice.pick(questions).clone(),
        };
        // Half of what is invented stays as it is: few signatures survive a change.
        let changes = if invent.is_some() && dice.once_in(2) { 0 } else { dice.below(CHANGES_MAX + 1) };
        for _ in 0..changes {
            mutate(dice, &mut request, questions);
        }
        request
    }

    /// Keeps a question that was answered as none before it.
    pub fn keep(&mut self, request: Value) {
        if self.questions.len() < self.seeds + KEPT_MAX {
            self.questions.push(request);
        } else {
            let at = self.seeds + self.dice.below(KEPT_MAX);
            self.questions[at] = request;
        }
    }
}

/// The question that a case of the vectors is; `None` where the case has not the fields of one.
fn question(op: &str, case: &Value, fields: &[&str]) -> Option<Value> {
    let mut request = Map::new();
    request.insert("op".into(), op.into());
    for field in fields {
        let value = case.get(field).filter(|value| !value.is_null());
        match (value, *field) {
            (Some(value), _) => drop(request.insert((*field).into(), value.clone())),
            // These cases have them or not.
            (None, "sig" | "secret_seed" | "secret_key" | "public_key" | "address") => {}
            (None, _) => return None,
        }
    }
    match op {
        "message" => {
            let limits = serde_json::json!({
                "max_query_length": 64, "max_observation_length": 92, "max_report_length": 1152,
            });
            request.insert("limits".into(), limits);
        }
        "leaders" => drop(request.insert("count".into(), 20.into())),
        _ => {}
    }
    // What only says where the rest comes from is no part of the question.
    for name in ["leader_selection_key", "transmission_order_key", "dh_point", "shared_secret_hash", "encryptions"] {
        if let Some(Value::Object(secrets)) = request.get_mut("secrets") {
            secrets.remove(name);
        }
    }
    Some(request.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::ours;

    fn corpus(target: Target, seed: u64) -> Corpus {
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors");
        Corpus::load(target, &vectors, seed).unwrap()
    }

    #[test]
    fn the_same_seed_asks_the_same_and_another_asks_something_else() {
        for target in TARGETS {
            let asked = |seed| {
                let mut corpus = corpus(*target, seed);
                (0..5).map(|_| corpus.next_case()).collect::<Vec<_>>()
            };
            assert_eq!(asked(1), asked(1), "{}", target.name);
            assert_ne!(asked(1), asked(2), "{}", target.name);
        }
    }

    #[test]
    fn what_is_asked_is_nearly_always_a_question_and_never_makes_us_panic() {
        for target in TARGETS {
            let mut corpus = corpus(*target, 7);
            let answers: Vec<_> = (0..40).map(|_| ours::answer(&corpus.next_case())).collect();
            let bad = answers.iter().filter(|answer| answer.get("bad_request").is_some()).count();
            assert!(bad < 4, "{}: {bad} of 40", target.name);
            assert!(answers.iter().all(|answer| answer.get("panic").is_none()), "{}", target.name);
        }
    }

    #[test]
    fn unchanged_vectors_are_accepted_by_us_where_they_say_so() {
        let messages = TARGETS.iter().find(|target| target.name == "message").unwrap();
        let answers: Vec<_> = corpus(*messages, 1).questions.iter().map(ours::answer).collect();
        assert!(answers.len() > 200 && answers.iter().filter(|answer| answer["ok"] == true).count() > 100);
    }
}
