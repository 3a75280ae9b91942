//! Cutting connections between oracles that go on running: each is announced at a relay in front of it, and a relay lets
//! through whom it likes. Both sides see what they would see in a network that fails: connections that end, and none that
//! come about. (Stopping processes is another fault: it leaves connections open, and their clocks jump.)

use p2p::{PeerId, Relay};
use serde_json::Value;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

/// A relay in front of each oracle of a network, spares too.
#[derive(Debug)]
pub struct Relays {
    relays: Vec<Relay>,
    peers: Vec<PeerId>,
    /// They run here.
    _runtime: tokio::runtime::Runtime,
}

impl Relays {
    /// Places a relay in front of each oracle of a network that `network make` has written, before anybody runs, and
    /// announces the oracles there.
    pub fn place(network: &Path) -> Result<Relays, String> {
        let io = |error: std::io::Error| format!("relays: {error}");
        let plan_path = network.join("network.json");
        let plan: Value =
            serde_json::from_str(&fs::read_to_string(&plan_path).map_err(io)?).map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(io)?;
        let (mut relays, mut peers, mut moves) = (Vec::new(), Vec::new(), Vec::new());
        for oracle in plan["oracles"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("network.json is of another form");
            let peer: PeerId =
                text(&oracle["identity"]["peer_id"])?.parse().map_err(|error| format!("peer_id: {error}"))?;
            let announced = text(&oracle["network"]["announce"])?;
            let target: SocketAddr = announced.parse().map_err(|error| format!("announce: {error}"))?;
            let relay = runtime.block_on(async {
                Relay::start(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?, target)
            });
            let relay = relay.map_err(io)?;
            moves.push((announced, relay.address.to_string()));
            relays.push(relay);
            peers.push(peer);
        }
        let seats = fs::read_dir(network.join("seats")).map_err(io)?;
        let seats: Vec<_> = seats.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(io)?;
        for path in seats.iter().chain([&plan_path]) {
            let mut text = fs::read_to_string(path).map_err(io)?;
            for (from, to) in &moves {
                text = text.replace(&format!("\"announce\": \"{from}\""), &format!("\"announce\": \"{to}\""));
                text = text.replace(&format!("@{from}\""), &format!("@{to}\""));
            }
            // The file keeps its mode.
            fs::write(path, text).map_err(io)?;
        }
        Ok(Relays { relays, peers, _runtime: runtime })
    }

    /// From now on these oracles and the others do not hear each other; with nobody named, all do again.
    pub fn part(&self, one_side: &[u8]) {
        let side = |oracle: usize| u8::try_from(oracle).is_ok_and(|oracle| one_side.contains(&oracle));
        for (oracle, relay) in self.relays.iter().enumerate() {
            let strangers = self.peers.iter().enumerate().filter(|(other, _)| side(*other) != side(oracle));
            relay.bar(strangers.map(|(_, peer)| *peer).collect());
        }
    }
}
