//! Whether two answers say the same.

use super::exceptions::EXCEPTIONS;
use serde_json::{Map, Value};

/// What came of one case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Accepted,
    Refused,
    /// They differ, as named.
    Explained(&'static str),
    Differs,
    /// The question was wrong: no case.
    NoCase,
}

/// Compares the answers to `request`.
pub fn outcome(request: &Value, theirs: &Value, ours: &Value) -> Outcome {
    let is_bad = |answer: &Value| answer.get("bad_request").is_some();
    let panicked = theirs.get("panic").is_some() || ours.get("panic").is_some();
    if is_bad(theirs) || is_bad(ours) {
        // Where only one side cannot read it, the question is as wrong, but then the generator should know.
        return Outcome::NoCase;
    }
    if !panicked && !differs(&normal(theirs), &normal(ours)) {
        return if is_refusal(theirs) { Outcome::Refused } else { Outcome::Accepted };
    }
    let explained = EXCEPTIONS.iter().find(|exception| (exception.explains)(request, theirs, ours));
    explained.map_or(Outcome::Differs, |exception| Outcome::Explained(exception.name))
}

/// Nothing was found, or what was asked about does not hold.
fn is_refusal(answer: &Value) -> bool {
    let says_no = |name: &str| answer.get(name) == Some(&Value::Bool(false));
    says_no("ok") || says_no("valid") || answer.get("recovered") == Some(&Value::Null)
}

/// An answer without what may differ: reasons are each side's own, and nothing has many forms.
pub fn normal(answer: &Value) -> Value {
    match answer {
        Value::Object(fields) => {
            let kept = fields.iter().filter_map(|(name, value)| match name.as_str() {
                "why" | "tag" => None,
                // Why is each side's own.
                "not_well_formed" | "refused" => Some((name.clone(), Value::Bool(true))),
                _ => match normal(value) {
                    Value::Null => None,
                    Value::Array(list) if list.is_empty() => None,
                    value => Some((name.clone(), value)),
                },
            });
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(normal).collect(),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => answer.clone(),
    }
}

/// How far a rate, a double, may be off: the last bit depends on the order of the additions.
const RATE_TOLERANCE: f64 = 1e-12;

/// Whether two normal answers say different things.
pub fn differs(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            theirs.len() != ours.len()
                || theirs.iter().any(|(name, value)| match ours.get(name) {
                    None => true,
                    Some(other) if name.ends_with("_rate") => rates_differ(value, other),
                    Some(other) => differs(value, other),
                })
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            theirs.len() != ours.len() || theirs.iter().zip(ours).any(|(a, b)| differs(a, b))
        }
        _ => theirs != ours,
    }
}

fn rates_differ(theirs: &Value, ours: &Value) -> bool {
    let rate =
        |value: &Value| value.as_str().map(|text| text.replace("+Inf", "inf")).and_then(|text| text.parse().ok());
    match (rate(theirs), rate(ours)) {
        (Some::<f64>(theirs), Some::<f64>(ours)) => {
            // Equality first: infinities have no difference.
            theirs != ours && (theirs - ours).abs() > RATE_TOLERANCE * theirs.abs()
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reasons_and_forms_of_nothing_do_not_count_and_all_else_does() {
        let ask = json!({"op": "limits"});
        let same = |theirs, ours| outcome(&ask, &theirs, &ours);
        assert_eq!(same(json!({"ok": false, "why": "a"}), json!({"ok": false, "why": "b"})), Outcome::Refused);
        assert_eq!(same(json!({"ok": true, "s": null}), json!({"ok": true, "s": []})), Outcome::Accepted);
        assert_eq!(
            same(json!({"ok": true, "a_rate": "+Inf"}), json!({"ok": true, "a_rate": "inf"})),
            Outcome::Accepted
        );
        assert_eq!(same(json!({"ok": true, "a_rate": "0.1"}), json!({"ok": true, "a_rate": "0.2"})), Outcome::Differs);
        assert_eq!(same(json!({"ok": true, "s": [1]}), json!({"ok": true, "s": [1, 2]})), Outcome::Differs);
        assert_eq!(same(json!({"ok": true}), json!({"ok": false})), Outcome::Differs);
        assert_eq!(same(json!({"ok": true}), json!({"ok": true, "more": 1})), Outcome::Differs);
        assert_eq!(same(json!({"ok": false, "panic": ""}), json!({"ok": false, "why": ""})), Outcome::Differs);
        assert_eq!(same(json!({"ok": false, "bad_request": ""}), json!({"ok": true})), Outcome::NoCase);
    }

    #[test]
    fn an_exception_explains_its_own_difference_only() {
        let schedule = json!({"op": "schedule"});
        let delays = |delay: &str| json!({"ok": true, "delays": [delay, null]});
        let wrapped = outcome(&schedule, &delays("-2"), &delays("18446744073709551614"));
        assert_eq!(wrapped, Outcome::Explained("delay-does-not-wrap"));
        assert_eq!(outcome(&schedule, &delays("-3"), &delays("18446744073709551614")), Outcome::Differs);
        let judged = |valid, why: &str| json!({"ok": true, "valid": valid, "why": why});
        let certificate = json!({"op": "certificate"});
        let unread = judged(false, "x509: invalid basic constraints");
        assert_eq!(
            outcome(&certificate, &unread, &judged(true, "")),
            Outcome::Explained("extension-content-is-not-read")
        );
        assert_eq!(outcome(&certificate, &judged(false, "x509: trailing data"), &judged(true, "")), Outcome::Differs);
        assert_eq!(outcome(&certificate, &judged(true, ""), &judged(false, "")), Outcome::Differs);
    }
}
