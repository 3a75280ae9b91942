//! Where we differ from the reference on purpose. Each has a name, a counter in the table, its reason in
//! `docs/interop.md`, and a test so narrow that nothing else passes by it.

use super::compare::{differs, normal};
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

/// An epoch begins whose messages were there before it. The reference's plugin and keys answer before it looks at the next
/// message; ours think beside, and an observation or report that the next message makes useless is not sent any more.
fn overtaken_while_thinking(request: &Value, theirs: &Value, ours: &Value) -> bool {
    let same = |theirs: &Value, ours: &Value| {
        let entered = theirs["entered"].as_array().is_some_and(|entered| !entered.is_empty());
        let (Some(said), Some(ours_said)) = (theirs["out"].as_array(), ours["out"].as_array()) else { return false };
        let is_thought = |sent: &&Value| {
            sent["bytes"].as_str().is_some_and(|bytes| bytes.starts_with("22") || bytes.starts_with("32"))
        };
        let (thought, ours_thought) =
            (said.iter().filter(is_thought).count(), ours_said.iter().filter(is_thought).count());
        // A report that is not sent leaves room for another, but never for more.
        let only_less = ours_thought <= thought
            && said.iter().filter(|sent| !is_thought(sent)).eq(ours_said.iter().filter(|sent| !is_thought(sent)));
        !differs(&normal(&theirs["entered"]), &normal(&ours["entered"]))
            && (!differs(&normal(theirs), &normal(ours)) || entered && only_less)
    };
    let (Some(steps), Some(ours_steps)) = (theirs["steps"].as_array(), ours["steps"].as_array()) else { return false };
    request["op"] == "script"
        && !differs(&normal(&theirs["start"]), &normal(&ours["start"]))
        && steps.len() == ours_steps.len()
        && steps.iter().zip(ours_steps).all(|(theirs, ours)| same(theirs, ours))
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
