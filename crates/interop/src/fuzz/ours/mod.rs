//! What our crates say to a question of the codec server: one function for each operation, in the form of its answers.

mod config;
mod median_plugin;
mod message;
mod peers;
mod script;
mod signatures;

pub use script::Waiting;

use crate::fuzz::request::{Fields, No};
use serde_json::{Map, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The fields of an answer.
pub type Answer = Result<Map<String, Value>, No>;

/// Answers with our crates, in the server's form.
pub fn answer(request: &Value) -> Value {
    caught(|| {
        let request = Fields::new(request)?;
        operation(request.text("op")?)(&request)
    })
}

/// The answer to a script, had messages of epochs to come waited in this way before they reach our oracle.
pub fn answer_to_script(request: &Value, waiting: Waiting) -> Value {
    caught(|| script::script(&Fields::new(request)?, Some(waiting)))
}

fn caught(answer: impl FnOnce() -> Answer) -> Value {
    let mut fields = Map::new();
    let answered = catch_unwind(AssertUnwindSafe(answer));
    let (ok, what) = match answered {
        Ok(Ok(found)) => {
            fields = found;
            (true, None)
        }
        Ok(Err(No::Refused(why))) => (false, Some(("why", why))),
        Ok(Err(No::BadRequest(why))) => (false, Some(("bad_request", why))),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            (false, Some(("panic", text.unwrap_or_default())))
        }
    };
    fields.insert("ok".into(), ok.into());
    if let Some((name, text)) = what {
        fields.insert(name.into(), text.into());
    }
    Value::Object(fields)
}

fn operation(name: &str) -> fn(&Fields<'_>) -> Answer {
    match name {
        "message" => message::message,
        "config_digest" => config::config_digest,
        "offchain_config" => config::offchain_config,
        "offchain_config_encode" => config::offchain_config_encode,
        "offchain_config_oracle" => config::offchain_config_oracle,
        "shared_secret" => config::shared_secret,
        "leaders" => config::leaders,
        "schedule" => config::schedule,
        "limits" => config::limits,
        "script" => |request| script::script(request, None),
        "ed25519" => signatures::ed25519,
        "secp256k1" => signatures::secp256k1,
        "observation_signature" => signatures::observation_signature,
        "extra_hash" => signatures::extra_hash,
        "report_signature" => signatures::report_signature,
        "attested_one" => signatures::attested_one,
        "attested_many" => signatures::attested_many,
        "median_observation" => median_plugin::observation,
        "median_report" => median_plugin::report,
        "median_order" => median_plugin::order,
        "median_decode" => median_plugin::decode,
        "median_deviates" => median_plugin::deviates,
        "median_offchain_config" => median_plugin::offchain_config,
        "median_onchain_config" => median_plugin::onchain_config,
        "median_value" => median_plugin::value,
        "peer_id" => peers::peer_id,
        "frame" => peers::frame,
        "stream_id" => peers::stream_id,
        "knock" => peers::knock,
        "knock_build" => peers::knock_build,
        "certificate" => peers::certificate,
        "discovery" => peers::discovery,
        "announcement" => peers::announcement,
        "announcement_address" => peers::announcement_address,
        _ => |_| Err(No::BadRequest("no such operation".into())),
    }
}

/// An answer of these fields.
fn found<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Bytes as the server writes them.
fn hex(bytes: impl AsRef<[u8]>) -> Value {
    hex::encode(bytes).into()
}

/// A large number as the server writes it.
fn decimal(number: impl std::fmt::Display) -> Value {
    number.to_string().into()
}

/// Whether something is accepted, as an answer that is no refusal.
fn verdict<E: std::fmt::Display>(judged: Result<(), E>) -> Answer {
    Ok(match judged {
        Ok(()) => found([("valid", true.into())]),
        Err(why) => found([("valid", false.into()), ("why", why.to_string().into())]),
    })
}
