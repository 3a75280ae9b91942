//! What a development network tells, one JSON object a line: the schema that `devnet --json` prints.
//! Values are decimal strings in units of the feed ("20371.04000000").

use serde::{Deserialize, Serialize};

/// One thing that happened, with `t`: milliseconds since the start.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Timed {
    #[serde(flatten)]
    pub event: Event,
    pub t: u64,
}

/// What can happen in a development network.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// The chain answers.
    Chain { url: String, chain_id: u64 },
    /// The market server answers; `urls` are of the first oracle.
    Sources { urls: Vec<String>, replay_start: String, speed: f64 },
    /// The contracts are on the chain.
    Deployed { aggregator: String, token: String },
    /// An oracle has its identity and address.
    Oracle { index: u8, peer_id: String, signer: String, transmitter: String, listen: String, foreign: bool },
    /// The bootstrap node listens.
    Bootstrap { peer_id: String, listen: String },
    /// The contract has accepted the configuration.
    Config { digest: String, f: u8, n: u8 },
    /// The committee entered an epoch.
    Epoch { epoch: u32, leader: u8 },
    /// The committee agreed in a round: once per epoch and round, from the first ReportReq seen. `answer` is null on a skip.
    Round { epoch: u32, round: u8, observations: Vec<Observed>, answer: Option<String> },
    /// The contract accepted a report.
    Transmission { round_id: u32, answer: String, transmitter: String, tx: String, gas_used: u64, block: u64 },
    /// A scheduled fault happens, or ends.
    Fault { text: String },
    /// The run is over.
    Done { transmissions: u64 },
}

/// What one oracle observed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Observed {
    pub oracle: u8,
    pub value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_object_with_its_name_and_time() {
        let skip = Event::Round { epoch: 1, round: 2, observations: vec![], answer: None };
        let line = serde_json::to_string(&Timed { event: skip, t: 7 }).unwrap();
        assert_eq!(line, r#"{"event":"round","epoch":1,"round":2,"observations":[],"answer":null,"t":7}"#);
    }
}
