//! One client's requests: the envelope round each call, batches, and what a WebSocket connection is subscribed to.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value, json};
use tokio::sync::{Notify, mpsc};

use super::{
    answer,
    error::RpcError,
    host::Host,
    method,
    watch::{Subscription, Topic},
};
use crate::limits::{BATCH_CALLS_MAX, RESPONSE_BYTES_MAX, SUBSCRIPTIONS_PER_SOCKET_MAX};

/// How a client is connected.
#[derive(Debug)]
pub(super) struct Session {
    host: Arc<Host>,
    socket: Option<Socket>,
}

/// What only a WebSocket connection has.
#[derive(Debug)]
struct Socket {
    queue: mpsc::Sender<String>,
    overflow: Arc<Notify>,
    subscriptions: BTreeSet<u64>,
    /// Granted, but not begun before their answer is on its way.
    granted: Vec<(u64, Topic)>,
}

impl Session {
    pub(super) fn http(host: Arc<Host>) -> Self {
        Session { host, socket: None }
    }

    pub(super) fn socket(host: Arc<Host>, queue: mpsc::Sender<String>, overflow: Arc<Notify>) -> Self {
        let socket = Socket { queue, overflow, subscriptions: BTreeSet::new(), granted: Vec::new() };
        Session { host, socket: Some(socket) }
    }

    /// Answers a request or a batch; `None` if there was nothing but notifications.
    pub(super) fn answer(&mut self, text: &[u8]) -> Option<String> {
        match serde_json::from_slice(text) {
            Err(error) => Some(failure(Value::Null, &RpcError::parse(error)).to_string()),
            Ok(Value::Array(calls)) => self.answer_batch(calls),
            Ok(call) => self.answer_call(call).map(|answer| answer.to_string()),
        }
    }

    fn answer_batch(&mut self, calls: Vec<Value>) -> Option<String> {
        if calls.is_empty() {
            return Some(failure(Value::Null, &RpcError::request("empty batch")).to_string());
        }
        if calls.len() > BATCH_CALLS_MAX {
            let error = RpcError::request(format!("batch too large: {} calls, limit {BATCH_CALLS_MAX}", calls.len()));
            return Some(failure(Value::Null, &error).to_string());
        }
        let (mut answers, mut bytes) = (Vec::new(), 0);
        for call in calls {
            let answer = match bytes > RESPONSE_BYTES_MAX {
                false => self.answer_call(call),
                true => Some(failure(
                    id_of(&call),
                    &RpcError { code: -32003, message: "response too large".into(), data: None },
                )),
            };
            if let Some(answer) = answer {
                let answer = answer.to_string();
                bytes += answer.len();
                answers.push(answer);
            }
        }
        (!answers.is_empty()).then(|| format!("[{}]", answers.join(",")))
    }

    fn answer_call(&mut self, call: Value) -> Option<Value> {
        let id = id_of(&call);
        let Value::Object(mut call) = call else {
            return Some(failure(id, &RpcError::request("invalid request")));
        };
        if call.get("jsonrpc").is_some_and(|version| version != "2.0") {
            return Some(failure(id, &RpcError::request("invalid request: \"jsonrpc\" is not \"2.0\"")));
        }
        if !matches!(id, Value::Null | Value::String(_) | Value::Number(_)) {
            return Some(failure(Value::Null, &RpcError::request("invalid request: \"id\" is no string or number")));
        }
        let is_notification = !call.contains_key("id");
        let result = match call.remove("method") {
            Some(Value::String(method)) => self.run(&method, call),
            Some(_) | None => Err(RpcError::request("invalid request: \"method\" is no string")),
        };
        (!is_notification).then(|| match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(error) => failure(id, &error),
        })
    }

    fn run(&mut self, method: &str, mut call: Map<String, Value>) -> Result<Value, RpcError> {
        let params = call.remove("params");
        match (&mut self.socket, method) {
            (Some(socket), "eth_subscribe") => {
                let topic = method::subscription(params)?;
                if socket.subscriptions.len() >= SUBSCRIPTIONS_PER_SOCKET_MAX {
                    return Err(RpcError::limit(format!("{SUBSCRIPTIONS_PER_SOCKET_MAX} subscriptions exist already")));
                }
                let id = self.host.lock().watchers.next_id();
                socket.subscriptions.insert(id);
                socket.granted.push((id, topic));
                Ok(answer::quantity(id))
            }
            (Some(socket), "eth_unsubscribe") => {
                let id = method::unsubscription(params)?;
                if !socket.subscriptions.remove(&id) {
                    return Err(RpcError::server("subscription not found"));
                }
                socket.granted.retain(|(granted, _)| *granted != id);
                self.host.lock().watchers.unsubscribe(id);
                Ok(true.into())
            }
            (_, _) => {
                let mut state = self.host.lock();
                let result = state.answer(method, params);
                state.publish();
                result
            }
        }
    }

    /// Begins the subscriptions whose answers are on their way.
    pub(super) fn begin_subscriptions(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        if socket.granted.is_empty() {
            return;
        }
        let mut state = self.host.lock();
        for (id, topic) in socket.granted.drain(..) {
            let (queue, overflow) = (socket.queue.clone(), socket.overflow.clone());
            state.watchers.subscribe(Subscription { id, topic, queue, overflow });
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(socket) = &self.socket else { return };
        if socket.subscriptions.is_empty() || std::thread::panicking() {
            return;
        }
        let mut state = self.host.lock();
        for id in &socket.subscriptions {
            state.watchers.unsubscribe(*id);
        }
    }
}

fn id_of(call: &Value) -> Value {
    call.get("id").cloned().unwrap_or_default()
}

fn failure(id: Value, error: &RpcError) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": error.to_json() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Chain, Config, rpc::Mining};

    /// JSON of every shape, with the words that calls are made of.
    fn any_json() -> impl Strategy<Value = Value> {
        let words = vec![
            "latest",
            "pending",
            "0x",
            "0x0",
            "0x1",
            "0xffffffffffffffff",
            "newHeads",
            "logs",
            "blockHash",
            "topics",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            prop::sample::select(words).prop_map(Value::from),
            prop::sample::select(vec![20, 32, 33]).prop_map(|bytes: usize| format!("0x{}", "01".repeat(bytes)).into()),
            ".{0,8}".prop_map(Value::from),
        ];
        let key = prop::sample::select(vec![
            "to",
            "from",
            "data",
            "value",
            "gas",
            "fromBlock",
            "toBlock",
            "address",
            "topics",
            "blocks",
            "timestamp",
            "accessList",
        ]);
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..4)
                    .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ]
        })
    }

    fn any_method() -> impl Strategy<Value = String> {
        let readme = include_str!("../../README.md");
        let rows = readme.lines().filter(|line| line.starts_with("| `"));
        let methods: Vec<String> = rows
            .flat_map(|row| row.split('|').nth(1).unwrap_or("").split('`').skip(1).step_by(2))
            .filter(|method| *method != "evm_mine")
            .map(str::to_owned)
            .collect();
        prop::sample::select(methods)
    }

    proptest! {
        /// One chain hears all of it, so that one call may set up what breaks the next.
        #[test]
        fn no_request_breaks_the_chain(
            calls in prop::collection::vec((any_method(), prop::collection::vec(any_json(), 0..4)), 1..20),
            noise in any_json(),
        ) {
            let host = Arc::new(Host::new(Chain::new(Config::default()), Vec::new(), Mining::OnTransaction, 64));
            let (queue, _queued) = mpsc::channel(10);
            let mut session = Session::socket(host.clone(), queue, Arc::default());
            for (method, params) in calls {
                let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
                let answer: Value = serde_json::from_str(&session.answer(request.to_string().as_bytes()).unwrap()).unwrap();
                prop_assert!(answer.get("result").is_some() != answer.get("error").is_some(), "{}", answer);
                session.begin_subscriptions();
                host.mine();
            }
            session.answer(noise.to_string().as_bytes());
        }

        #[test]
        fn no_bytes_break_the_session(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let host = Arc::new(Host::new(Chain::new(Config::default()), Vec::new(), Mining::OnDemand, 64));
            prop_assert!(Session::http(host).answer(&bytes).is_some());
        }
    }
}
