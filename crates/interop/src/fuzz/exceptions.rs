//! Where we differ from the reference on purpose. Each has a name, a counter in the table, its reason in
//! `docs/interop.md`, and a test so narrow that nothing else passes by it.

use super::compare::{differs, normal};
use super::ours::{Waiting, answer_to_script};
use ocr2::Message;
use ocr2::limits::CONTRACT_EPOCH_MAX;
use serde_json::Value;

/// A difference that is meant.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    pub name: &'static str,
    /// Whether it, and nothing else, explains why these answers to this question differ.
    pub explains: fn(request: &Value, theirs: &Value, ours: &Value) -> bool,
}

/// All of them.
pub const EXCEPTIONS: &[Exception] = &[
    Exception { name: "delay-does-not-wrap", explains: delay_does_not_wrap },
    Exception { name: "ill-formed-is-not-encoded", explains: ill_formed_is_not_encoded },
    Exception { name: "implausible-contract-epoch", explains: implausible_contract_epoch },
    Exception { name: "overtaken-while-thinking", explains: overtaken_while_thinking },
    Exception { name: "behind-a-later-epoch", explains: behind_a_later_epoch },
    Exception { name: "room-for-ten", explains: room_for_ten },
    Exception { name: "extension-content-is-not-read", explains: extension_content_is_not_read },
];

/// A schedule whose delays exceed 292 years: the reference's nanoseconds wrap, ours are exact.
fn delay_does_not_wrap(request: &Value, theirs: &Value, ours: &Value) -> bool {
    let delays = |answer: &Value| -> Option<Vec<Option<i128>>> {
        let list = answer["delays"].as_array()?.iter();
        list.map(|delay| if delay.is_null() { Some(None) } else { Some(delay.as_str()?.parse().ok()) }).collect()
    };
    let (Some(theirs), Some(ours)) = (delays(theirs), delays(ours)) else { return false };
    request["op"] == "schedule"
        && theirs.len() == ours.len()
        && theirs.iter().zip(&ours).all(|(theirs, ours)| match (theirs, ours) {
            (Some(theirs), Some(ours)) => *theirs == i128::from(*ours as i64),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        })
}

/// A discovery message of which a part is not well-formed: the reference's encoder takes what its own receiver ignores,
/// ours has nothing to encode. All that was read must be the same.
fn ill_formed_is_not_encoded(request: &Value, theirs: &Value, ours: &Value) -> bool {
    let mut read = normal(theirs);
    let encoded = read.as_object_mut().and_then(|fields| fields.remove("reencoded"));
    let refused = ours["announcements"].as_array().is_some_and(|list| list.iter().any(|one| one["ok"] == false));
    let is_bad = refused || ours.get("not_well_formed").is_some();
    request["op"] == "discovery" && encoded.is_some() && is_bad && !differs(&read, &normal(ours))
}

/// A contract that says an epoch above 2³¹ − 1: the reference's oracle asks for the next, ours does not believe it. Only
/// scripts that end there.
fn implausible_contract_epoch(request: &Value, theirs: &Value, ours: &Value) -> bool {
    let new_epoch = |answer: &Value| -> Option<u32> {
        let [sent] = answer["start"].as_array()?.iter().filter(|sent| is_new_epoch(sent)).collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let bytes = hex::decode(sent["bytes"].as_str()?).ok()?;
        match Message::decode(&bytes.into()).ok()? {
            Message::NewEpoch(epoch) => Some(epoch.0),
            _ => None,
        }
    };
    let rest = |answer: &Value| -> Option<Vec<Value>> {
        Some(answer["start"].as_array()?.iter().filter(|sent| !is_new_epoch(sent)).cloned().collect())
    };
    let contract_epoch = request["contract_epoch"].as_u64().unwrap_or_default();
    request["op"] == "script"
        && request["contract_digest_equal"] == true
        && request["steps"].as_array().is_some_and(Vec::is_empty)
        && contract_epoch > u64::from(CONTRACT_EPOCH_MAX.0)
        && new_epoch(theirs).map(u64::from) == Some((contract_epoch + 1) & u64::from(u32::MAX))
        && new_epoch(ours).is_some()
        && rest(theirs).is_some()
        && rest(theirs) == rest(ours)
}

/// Field 2 of the wrapper.
fn is_new_epoch(sent: &Value) -> bool {
    sent["bytes"].as_str().is_some_and(|bytes| bytes.starts_with("12"))
}

/// An epoch begins whose messages came before it. The reference thinks of them one by one; ours is given all at once, and an
/// observation or report that the next message makes useless is not sent any more.
fn overtaken_while_thinking(request: &Value, theirs: &Value, ours: &Value) -> bool {
    is_of_waiting(request, theirs, ours, Waiting { one_by_one: true, ..Waiting::OURS })
}

/// A sender says something of a late epoch, then something of an earlier one that still is to come: there the reference lets
/// the second wait for the first, and so misses its epoch.
fn behind_a_later_epoch(request: &Value, theirs: &Value, ours: &Value) -> bool {
    is_of_waiting(request, theirs, ours, Waiting { one_by_one: true, in_line: true, ..Waiting::OURS })
}

/// The reference keeps ten messages of a sender for epochs to come, ours more.
fn room_for_ten(request: &Value, theirs: &Value, ours: &Value) -> bool {
    is_of_waiting(request, theirs, ours, Waiting::REFERENCE)
}

/// Whether two oracles differ in nothing but how messages of epochs to come wait: to each it is given when its epoch begins,
/// as the reference would, and our oracle says word for word what the reference said; as ours would, and it says what it said
/// when they waited inside of it.
fn is_of_waiting(request: &Value, theirs: &Value, ours: &Value, waiting: Waiting) -> bool {
    let same = |said: &Value, waiting| !differs(&normal(said), &normal(&answer_to_script(request, waiting)));
    request["op"] == "script" && same(theirs, waiting) && same(ours, Waiting::OURS)
}

/// A certificate with an extension that Go knows and whose content it cannot read. We read no extension: nothing is
/// decided by them.
fn extension_content_is_not_read(request: &Value, theirs: &Value, ours: &Value) -> bool {
    const READING: &[&str] = &[
        "authority info access",
        "authority key identifier",
        "basic constraints",
        "certificate policies",
        "CRL distribution point",
        "cannot parse URI",
        "cannot parse IP address",
        "constraint",
        "extended key usages",
        "inhibit any policy",
        "key usage",
        "NameConstraints",
        "policy mappings",
        "SAN ",
        "subject alternative name",
        "subject key identifier",
    ];
    let why = theirs["why"].as_str().unwrap_or_default();
    request["op"] == "certificate" && ours["valid"] == true && READING.iter().any(|what| why.contains(what))
}

#[cfg(test)]
mod tests {
    use super::super::compare::{Outcome, outcome};
    use super::super::ours::answer;
    use super::*;
    use bytes::Bytes;
    use crypto::{ed25519, secp256k1};
    use ocr::ConfigDigest;
    use ocr2::message::{Observe, ObserveReq, SignedObservation};
    use ocr2::signing::observation_digest;
    use ocr2::{Epoch, RoundId};
    use serde_json::json;

    const SECRET: [u8; 32] = [1; 32];
    const DIGEST: ConfigDigest = ConfigDigest([7; 32]);

    fn text(message: &Message) -> String {
        hex::encode(message.encode())
    }

    fn observe_req(epoch: u32, round: u8) -> String {
        text(&Message::ObserveReq(ObserveReq { at: RoundId::new(epoch, round), query: Bytes::new() }))
    }

    /// The oracle of a committee of one is asked to observe in these rounds of epochs to come; then epoch 2 begins, then 3.
    fn script(asked: &[(u32, u8)]) -> Value {
        let requests = asked.iter().map(|(epoch, round)| observe_req(*epoch, *round));
        let wishes = [2, 3].map(|epoch| text(&Message::NewEpoch(Epoch(epoch))));
        let steps: Vec<Value> = requests.chain(wishes).map(|bytes| json!({"from": 0, "bytes": bytes})).collect();
        let address = secp256k1::SecretKey::from_bytes(&SECRET).unwrap().address();
        let key = ed25519::SecretKey::from_seed(&SECRET).public_key();
        json!({
            "op": "script", "config_digest": hex::encode(DIGEST.0), "shared_secret": "00".repeat(16), "n": 1, "f": 0, "id": 0,
            "r_max": 5, "report_quorum": 1, "delta_round": "40000000000", "contract_epoch": 0,
            "contract_digest_equal": false, "offchain_seed": hex::encode(SECRET), "onchain_sk": hex::encode(SECRET),
            "oracles": [{"address": hex::encode(address.0), "offchain_pk": hex::encode(key.0)}], "steps": steps,
        })
    }

    /// The answer of an oracle that observes in these rounds, each when its epoch begins.
    fn observing(script: &Value, rounds: &[(u32, u8)]) -> Value {
        let begin = |epoch: u32| {
            let said = [text(&Message::NewEpoch(Epoch(epoch))), observe_req(epoch, 1)];
            let mut out: Vec<Value> = said.map(|bytes| json!({"to": "all", "bytes": bytes})).into();
            out.extend(rounds.iter().filter(|round| round.0 == epoch).map(|(epoch, round)| {
                let observation = [&[0x6f], &epoch.to_be_bytes()[..], &[*round]].concat();
                let digest = observation_digest(DIGEST, *epoch, *round, b"", &observation);
                let signature = ed25519::SecretKey::from_seed(&SECRET).sign(&digest).to_vec();
                let signed = SignedObservation { observation: observation.into(), signature: signature.into() };
                json!({"to": 0, "bytes": text(&Message::Observe(Observe { at: RoundId::new(*epoch, *round), signed }))})
            }));
            json!({"entered": [[epoch, 0]], "out": out})
        };
        let asked = script["steps"].as_array().unwrap().len() - 2;
        let mut steps = vec![json!({"entered": [], "out": []}); asked];
        steps.extend([begin(2), begin(3)]);
        let start = [text(&Message::NewEpoch(Epoch(0))), observe_req(1, 1)];
        json!({"ok": true, "start": start.map(|bytes| json!({"to": "all", "bytes": bytes})), "steps": steps})
    }

    /// An answer with one message less, twice, or to somebody else, or with an epoch that is not entered: all there are.
    fn changed(answer: &Value) -> Vec<Value> {
        let mut all = Vec::new();
        for (index, step) in answer["steps"].as_array().unwrap().iter().enumerate() {
            let mut change = |change: &dyn Fn(&mut Value)| {
                let mut other = answer.clone();
                change(&mut other["steps"][index]);
                all.push(other);
            };
            for at in 0..step["out"].as_array().unwrap().len() {
                change(&|step| drop(step["out"].as_array_mut().unwrap().remove(at)));
                let again = &step["out"][at];
                change(&|step| step["out"].as_array_mut().unwrap().insert(at, again.clone()));
                change(&|step| step["out"][at]["to"] = json!(1));
            }
            if step["entered"] != json!([]) {
                change(&|step| step["entered"] = json!([]));
            }
        }
        all
    }

    #[test]
    fn messages_wait_for_their_epochs_otherwise_and_nothing_else_is_explained_by_it() {
        let mut eleven = vec![(2, 1)];
        eleven.extend([(3, 1); 10]);
        // What is asked, in which rounds the reference observed when it was asked that, and in which we do.
        let cases: [(&str, &[_], &[_], &[_]); 3] = [
            ("overtaken-while-thinking", &[(2, 1), (2, 2)], &[(2, 1), (2, 2)], &[(2, 2)]),
            ("behind-a-later-epoch", &[(3, 1), (2, 1)], &[(3, 1)], &[(2, 1), (3, 1)]),
            ("room-for-ten", &eleven, &[(3, 1)], &[(2, 1), (3, 1)]),
        ];
        for (name, asked, theirs, ours) in cases {
            let script = script(asked);
            let (theirs, ours) = (observing(&script, theirs), observing(&script, ours));
            assert!(!differs(&normal(&answer(&script)), &normal(&ours)), "{name}: {}", answer(&script));
            assert_eq!(outcome(&script, &theirs, &ours), Outcome::Explained(name));
            for changed in changed(&theirs).iter().filter(|changed| **changed != ours) {
                assert_eq!(outcome(&script, changed, &ours), Outcome::Differs, "{name}: the reference's {changed}");
            }
            for changed in changed(&ours).iter().filter(|changed| **changed != theirs) {
                assert_eq!(outcome(&script, &theirs, changed), Outcome::Differs, "{name}: our {changed}");
            }
        }
    }

    #[test]
    fn ten_messages_that_wait_are_no_exception() {
        let mut ten = vec![(2, 1)];
        ten.extend([(3, 1); 9]);
        let script = script(&ten);
        let observed = observing(&script, &[(2, 1)]);
        // The reference lets the message of epoch 2 go first, as it came first.
        let both = observing(&script, &[(2, 1), (3, 1)]);
        assert_eq!(outcome(&script, &both, &answer(&script)), Outcome::Accepted);
        assert_eq!(outcome(&script, &observed, &answer(&script)), Outcome::Differs);
    }
}
