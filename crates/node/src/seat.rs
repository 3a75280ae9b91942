//! Seat files: everything that one oracle needs to sit down in a committee, in one JSON file, raw keys included.
//! For development chains only, which the reader and the writer both say.
//!
//! A seat lets an oracle of any implementation join a network that another one made. The file has mode 0600, appears
//! whole (renamed into place), and has exactly the fields of [`Seat`]; an unknown or a missing one is an error.

use crate::bad_input::BadInput;
use crate::config::{Generation, url_of};
use crate::identity::{Identity, OracleKeys, text, texts};
use crate::private_file;
use crypto::secp256k1::Address;
use crypto::{Zeroizing, ed25519, secp256k1, x25519};
use p2p::Locator;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use url::Url;

/// Said whenever a seat is written or read.
pub const WARNING: &str =
    "a seat file holds unencrypted keys: it is for development chains, never for one where anything has value";

/// More sources would not fit into one observation's time.
const SOURCES_MAX: usize = 100;
/// As deep as any exchange nests its answers, and then some.
const PATH_MAX: usize = 32;
/// 10^77 is the largest power of ten in 256 bits; an int192 observation holds less.
const SCALE_DIGITS_MAX: u8 = 57;
/// The protocol's bound on a committee (OCR2 spec 3.3).
const ORACLES_MAX: u8 = 31;

/// One seat of a committee.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// Which oracle this is, from 0.
    pub seat: u8,
    /// How many oracles there are.
    pub n: u8,
    /// How many of them may be faulty.
    pub f: u8,
    pub chain: SeatChain,
    pub network: SeatNetwork,
    #[serde(serialize_with = "write_keys", deserialize_with = "read_keys")]
    pub keys: OracleKeys,
    /// The public halves of `keys`, for the reader's convenience; checked where it is present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Where prices come from; the observation is the median of what they say.
    pub sources: Vec<SeatSource>,
    /// How many of them must answer; ⌊k/2⌋+1 of k unless given ([`Seat::min_sources`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_sources: Option<u32>,
    /// What the median plugin reports as juels per fee coin.
    #[serde(with = "text")]
    pub juels_per_fee_coin: u128,
    /// How long one observation may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation_timeout_ms: Option<u64>,
}

/// The chain and the contract.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatChain {
    #[serde(deserialize_with = "read_http_url")]
    pub http_url: Url,
    #[serde(default, deserialize_with = "read_ws_url", skip_serializing_if = "Option::is_none")]
    pub ws_url: Option<Url>,
    #[serde(with = "text")]
    pub chain_id: u64,
    /// How deep a configuration must lie before it counts.
    pub confirmations: u16,
    #[serde(with = "text")]
    pub aggregator: Address,
    /// The block of the contract's creation: no event of it is older.
    pub deployed_block: u64,
}

/// How the seat meets its peers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatNetwork {
    pub generation: Generation,
    /// Where to listen.
    #[serde(with = "text")]
    pub listen: SocketAddr,
    /// Where others can dial.
    #[serde(with = "text")]
    pub announce: SocketAddr,
    #[serde(with = "texts")]
    pub bootstrappers: Vec<Locator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_dial_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_reconcile_ms: Option<u64>,
}

/// One HTTP source: a GET whose JSON answer holds a number (or a decimal string) under `path`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatSource {
    #[serde(deserialize_with = "read_http_url")]
    pub url: Url,
    pub path: Vec<PathStep>,
    /// The observation is the number times ten to the power of this.
    pub scale_digits: u8,
}

/// One step into a JSON value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum PathStep {
    /// The field of an object.
    Field(String),
    /// The element of a list.
    Element(u32),
}

impl<'de> Deserialize<'de> for PathStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Step;
        impl de::Visitor<'_> for Step {
            type Value = PathStep;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a field or the index of an element")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<PathStep, E> {
                Ok(PathStep::Field(name.to_owned()))
            }
            fn visit_u64<E: de::Error>(self, index: u64) -> Result<PathStep, E> {
                let index =
                    u32::try_from(index).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(index), &self))?;
                Ok(PathStep::Element(index))
            }
        }
        deserializer.deserialize_any(Step)
    }
}

impl Seat {
    /// Reads and checks a seat file of mode 0600, with the warning.
    pub fn read(path: &Path) -> Result<Seat, BadInput> {
        let text = private_file::read(path)?;
        let seat = Seat::parse(&text).map_err(|problem| problem.in_file(path))?;
        tracing::warn!(seat = seat.seat, file = %path.display(), "{WARNING}");
        Ok(seat)
    }

    /// Checks the text of a seat file.
    pub fn parse(text: &str) -> Result<Seat, BadInput> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let seat: Seat = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let field = error.path().to_string();
            json_problem(error.inner(), (field != ".").then_some(field))
        })?;
        reader.end().map_err(|error| json_problem(&error, None))?;
        seat.check()?;
        Ok(seat)
    }

    /// Writes the file whole, mode 0600, with the warning. The folder must be there.
    pub fn write(&self, path: &Path) -> Result<(), BadInput> {
        self.check().map_err(|problem| problem.in_file(path))?;
        let json = serde_json::to_vec_pretty(self).map_err(|error| BadInput::new(error.to_string()).in_file(path))?;
        let mut json = Zeroizing::new(json);
        json.push(b'\n');
        private_file::write(path, &json).map_err(|error| BadInput::io(path, "write", &error))?;
        tracing::warn!(seat = self.seat, file = %path.display(), "{WARNING}");
        Ok(())
    }

    /// How many sources must answer for an observation.
    pub fn min_sources(&self) -> usize {
        self.min_sources.map_or(self.sources.len() / 2 + 1, |given| given as usize)
    }

    /// How long one observation may take, if the seat says so.
    pub fn observation_timeout(&self) -> Option<Duration> {
        self.observation_timeout_ms.map(Duration::from_millis)
    }

    fn check(&self) -> Result<(), BadInput> {
        let wrong = |field: &str, problem: String| Err(BadInput::new(problem).at(field));
        if self.n == 0 || self.n > ORACLES_MAX {
            return wrong("n", format!("wanted 1 to {ORACLES_MAX} oracles, got {}", self.n));
        }
        if 3 * u32::from(self.f) >= u32::from(self.n) {
            return wrong("f", format!("wanted 3f < n, got f = {} of n = {}", self.f, self.n));
        }
        if self.seat >= self.n {
            return wrong("seat", format!("wanted a seat below n = {}, got {}", self.n, self.seat));
        }
        if self.chain.confirmations > 100 {
            return wrong("chain.confirmations", format!("wanted at most 100, got {}", self.chain.confirmations));
        }
        let sources = self.sources.len();
        if sources == 0 || sources > SOURCES_MAX {
            return wrong("sources", format!("wanted 1 to {SOURCES_MAX} sources, got {sources}"));
        }
        for (index, source) in self.sources.iter().enumerate() {
            if source.path.len() > PATH_MAX {
                return wrong(&format!("sources[{index}].path"), format!("longer than {PATH_MAX} steps"));
            }
            if source.scale_digits > SCALE_DIGITS_MAX {
                let got = source.scale_digits;
                return wrong(
                    &format!("sources[{index}].scale_digits"),
                    format!("wanted at most {SCALE_DIGITS_MAX}, got {got}"),
                );
            }
        }
        if self.min_sources() == 0 || self.min_sources() > sources {
            return wrong("min_sources", format!("wanted 1 to {sources}, got {}", self.min_sources()));
        }
        for (field, given) in [
            ("observation_timeout_ms", self.observation_timeout_ms),
            ("network.delta_dial_ms", self.network.delta_dial_ms),
            ("network.delta_reconcile_ms", self.network.delta_reconcile_ms),
        ] {
            if given.is_some_and(|ms| ms == 0 || ms > 24 * 60 * 60 * 1000) {
                return wrong(field, "wanted 1 ms to a day".into());
            }
        }
        if self.identity.is_some_and(|identity| identity != self.keys.identity()) {
            return wrong("identity", "is not that of the keys in this file".into());
        }
        Ok(())
    }
}

fn json_problem(error: &serde_json::Error, field: Option<String>) -> BadInput {
    let text = error.to_string();
    // serde_json ends its messages with the place, which stands before them here.
    let problem = text.rsplit_once(" at line ").map_or(&*text, |(problem, _)| problem).to_owned();
    BadInput { key: field, ..BadInput::new(problem).on_line(error.line()) }
}

/// The raw keys as they stand in the file: 32 bytes in hex each.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeys {
    peer_ed25519_seed: Secret,
    offchain_ed25519_seed: Secret,
    config_x25519_secret: Secret,
    onchain_secp256k1_secret: Secret,
    transmitter_secp256k1_secret: Secret,
}

struct Secret(Zeroizing<[u8; 32]>);

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex = Zeroizing::new(hex::encode(*self.0));
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Taken raw, because serde's own errors repeat the value that they refuse.
        let wrong = || de::Error::custom("wanted a secret of 32 bytes in hex");
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let hex = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).ok_or_else(wrong)?;
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(hex.strip_prefix("0x").unwrap_or(hex), &mut *bytes).map_err(|_| wrong())?;
        Ok(Secret(bytes))
    }
}

fn write_keys<S: Serializer>(keys: &OracleKeys, serializer: S) -> Result<S::Ok, S::Error> {
    RawKeys {
        peer_ed25519_seed: Secret(keys.peer.to_seed()),
        offchain_ed25519_seed: Secret(keys.offchain.to_seed()),
        config_x25519_secret: Secret(keys.config.to_bytes()),
        onchain_secp256k1_secret: Secret(keys.onchain.to_bytes()),
        transmitter_secp256k1_secret: Secret(keys.transmitter.to_bytes()),
    }
    .serialize(serializer)
}

fn read_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OracleKeys, D::Error> {
    let raw = RawKeys::deserialize(deserializer)?;
    let secp256k1 = |secret: &Secret, field: &str| {
        secp256k1::SecretKey::from_bytes(&secret.0)
            .map_err(|_| de::Error::custom(format!("{field}: zero, or not below the order of the curve")))
    };
    Ok(OracleKeys {
        peer: ed25519::SecretKey::from_seed(&raw.peer_ed25519_seed.0),
        offchain: ed25519::SecretKey::from_seed(&raw.offchain_ed25519_seed.0),
        config: x25519::SecretKey::from_bytes(&raw.config_x25519_secret.0),
        onchain: secp256k1(&raw.onchain_secp256k1_secret, "onchain_secp256k1_secret")?,
        transmitter: secp256k1(&raw.transmitter_secp256k1_secret, "transmitter_secp256k1_secret")?,
    })
}

fn read_http_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    url_of(&String::deserialize(deserializer)?, &["http", "https"]).map_err(de::Error::custom)
}

fn read_ws_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| url_of(&text, &["ws", "wss"])).transpose().map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const SEAT: &str = r#"{
  "seat": 2,
  "n": 4,
  "f": 1,
  "chain": {
    "http_url": "http://127.0.0.1:8545/",
    "ws_url": "ws://127.0.0.1:8545/",
    "chain_id": "1337",
    "confirmations": 1,
    "aggregator": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    "deployed_block": 7
  },
  "network": {
    "generation": "old",
    "listen": "127.0.0.1:6690",
    "announce": "127.0.0.1:6690",
    "bootstrappers": ["12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN@127.0.0.1:6688"]
  },
  "keys": {
    "peer_ed25519_seed": "0101010101010101010101010101010101010101010101010101010101010101",
    "offchain_ed25519_seed": "0202020202020202020202020202020202020202020202020202020202020202",
    "config_x25519_secret": "0303030303030303030303030303030303030303030303030303030303030303",
    "onchain_secp256k1_secret": "0404040404040404040404040404040404040404040404040404040404040404",
    "transmitter_secp256k1_secret": "0505050505050505050505050505050505050505050505050505050505050505"
  },
  "sources": [
    {"url": "http://127.0.0.1:9000/kraken", "path": ["result", "price", 0], "scale_digits": 8},
    {"url": "http://127.0.0.1:9000/other", "path": [], "scale_digits": 8}
  ],
  "juels_per_fee_coin": "1000000000000000000"
}"#;

    #[test]
    fn a_seat_is_read_as_the_issue_writes_it() {
        let seat = Seat::parse(SEAT).unwrap();
        assert_eq!((seat.seat, seat.n, seat.f), (2, 4, 1));
        assert_eq!(seat.chain.chain_id, 1337);
        assert_eq!(seat.network.generation, Generation::Old);
        assert_eq!(*seat.keys.offchain.to_seed(), [2; 32]);
        assert_eq!(
            seat.sources[0].path,
            [PathStep::Field("result".into()), PathStep::Field("price".into()), PathStep::Element(0)]
        );
        assert_eq!(seat.min_sources(), 2);
        assert_eq!(seat.juels_per_fee_coin, 1_000_000_000_000_000_000);
        assert_eq!(seat.observation_timeout(), None);
    }

    #[test]
    fn a_seat_that_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("2.json");
        let mut seat = Seat::parse(SEAT).unwrap();
        seat.identity = Some(seat.keys.identity());
        seat.observation_timeout_ms = Some(500);
        seat.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = Seat::read(&path).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&seat).unwrap());
        assert_eq!(read.observation_timeout(), Some(Duration::from_millis(500)));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"chain_id\": \"1337\"") && text.contains("\"path\": [\n        \"result\""), "{text}");
    }

    #[test]
    fn a_seat_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("2.json");
        fs::write(&path, SEAT).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Seat::read(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    fn problem(from: &str, to: &str) -> String {
        assert!(SEAT.contains(from), "{from}");
        Seat::parse(&SEAT.replacen(from, to, 1)).expect_err(to).in_file(Path::new("s.json")).to_string()
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_field() {
        for (from, to, said) in [
            ("\"n\": 4,", "\"m\": 4,", "s.json:3: m: unknown field `m`, expected one of `seat`, `n`"),
            ("\"f\": 1,", "", "missing field `f`"),
            ("\"f\": 1,", "\"f\": 2,", "s.json: f: wanted 3f < n, got f = 2 of n = 4"),
            ("\"seat\": 2", "\"seat\": 4", "s.json: seat: wanted a seat below n = 4, got 4"),
            ("\"1337\"", "1337", "s.json:8: chain.chain_id: invalid type: integer `1337`, expected a string"),
            ("3F642f64180aa3", "3F642f64180aa", "s.json:10: chain.aggregator: "),
            (
                "\"generation\": \"old\"",
                "\"generation\": \"older\"",
                "s.json:14: network.generation: unknown variant `older`",
            ),
            ("http://127.0.0.1:8545", "ftp://127.0.0.1", "s.json:6: chain.http_url: a URL with scheme \"ftp\""),
            ("nXTN@127.0.0.1:6688", "nXTN", "s.json:17: network.bootstrappers[0]: "),
            ("\"price\", 0", "\"price\", 0.5", "s.json:27: sources[0].path[2]: invalid type"),
            (
                "\"scale_digits\": 8",
                "\"scale_digits\": 58",
                "s.json: sources[0].scale_digits: wanted at most 57, got 58",
            ),
            ("\"sources\"", "\"min_sources\": 3, \"sources\"", "s.json: min_sources: wanted 1 to 2, got 3"),
        ] {
            let problem = problem(from, to);
            assert!(problem.contains(said), "{problem}\n{said}");
        }
        assert!(Seat::parse(&format!("{SEAT} x")).unwrap_err().problem.contains("trailing characters"));
    }

    #[test]
    fn a_bad_secret_is_named_and_not_repeated() {
        for bad in
            ["\"0101\"", "12345678", "\"zz01010101010101010101010101010101010101010101010101010101010101\"", "null"]
        {
            let problem = problem("\"0101010101010101010101010101010101010101010101010101010101010101\"", bad);
            assert!(problem.contains("keys.peer_ed25519_seed: wanted a secret of 32 bytes in hex"), "{problem}");
            assert!(!problem.contains("1234") && !problem.contains("0101"), "{problem}");
        }
        let zero = problem(&"04".repeat(32), &"00".repeat(32));
        assert!(zero.contains("onchain_secp256k1_secret: zero"), "{zero}");
    }

    #[test]
    fn an_identity_of_other_keys_is_refused() {
        let mut seat = Seat::parse(SEAT).unwrap();
        seat.identity = Some(OracleKeys::generate().identity());
        let text = serde_json::to_string(&seat).unwrap();
        assert_eq!(Seat::parse(&text).unwrap_err().key.as_deref(), Some("identity"));
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_seat_is_refused_without_a_word_of_its_secrets(
            at in 0..SEAT.len(), cut in 0usize..3, put in "[ -~]{0,2}"
        ) {
            let mut text = SEAT.to_owned();
            text.replace_range(at..(at + cut).min(SEAT.len()), &put);
            if let Err(problem) = Seat::parse(&text) {
                let said = problem.to_string();
                for secret in ["0101010101", "0202020202", "0303030303", "0404040404", "0505050505"] {
                    proptest::prop_assert!(!said.contains(secret), "{said}");
                }
            }
        }
    }
}
