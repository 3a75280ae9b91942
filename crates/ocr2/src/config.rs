//! The configuration of an OCR2 committee: decoding, every check, finding oneself in it, and making one (OCR2 spec 3).
//!
//! Three forms, from raw to useful: [`OffchainConfig`] is what the bytes say, whether allowed or not; [`PublicConfig`] has
//! passed every check and is all that an outsider can know; [`SharedConfig`] is one oracle's view, with the shared secret.

use alloc::{
    collections::BTreeSet,
    string::{String, ToString},
    vec::Vec,
};
use core::time::Duration;

use crypto::{ed25519, x25519};
use ocr::{
    Committee, CommitteeError, ConfigDigest, ContractConfig, OracleId, PeerId, PerOracle, SharedSecret,
    SharedSecretEncryptions,
    limits::{ORACLES_MAX, STAGES_MAX},
    shared_secret::{OpenError, SealError},
};
use protobuf::{Malformed, Packed, Reader, Value, Writer};

/// The only `offchainConfigVersion` that is OCR2.
pub const OFFCHAIN_CONFIG_VERSION: u64 = 2;

/// Longest serialized offchain config, read or written (OCR2 spec 3.2).
pub const OFFCHAIN_CONFIG_BYTES_MAX: usize = 2_000_000;

/// Shortest DeltaProgress and DeltaResend where resource checks are on: below, a committee mostly talks about itself.
pub const DELTA_SAFE_MIN: Duration = Duration::from_millis(200);

/// RMax is below this: the round after the last must fit a byte.
pub const R_MAX_LIMIT: u8 = 255;

/// Oracle `me` of a committee, its configuration and its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedConfig {
    pub public: PublicConfig,
    pub me: OracleId,
    pub secret: SharedSecret,
}

impl SharedConfig {
    /// Checks the configuration, finds this oracle in it, and opens the secret with its config encryption key.
    pub fn from_contract(
        config: &ContractConfig,
        checks: ResourceChecks,
        me: &OracleIdentity,
        key: &x25519::SecretKey,
    ) -> Result<Self, ConfigError> {
        let (public, sealed) = PublicConfig::with_sealed_secret(config, checks)?;
        let me = public.find(me)?;
        let secret = sealed.open(me, key)?;
        Ok(Self { public, me, secret })
    }
}

/// A configuration that passed every check of OCR2 spec 3.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicConfig {
    pub config_digest: ConfigDigest,
    pub committee: Committee,
    pub oracles: PerOracle<OracleIdentity>,
    /// For the reporting plugin.
    pub onchain_config: Vec<u8>,
    pub parameters: Parameters,
}

/// How one oracle is known: everything that a configuration says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleIdentity {
    /// Verifies its observations. Not checked to be a curve point.
    pub offchain_key: ed25519::PublicKey,
    /// Its on-chain public key; on the EVM a 20-byte address. The length is not checked.
    pub signer: Vec<u8>,
    /// The text of its peer id, compared as text and not checked to be one.
    pub peer_id: String,
    /// The account it transmits from, compared as text, case included.
    pub transmitter: String,
}

/// The timing and the plugin's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// A leader under whom no round completes for so long is replaced.
    pub delta_progress: Duration,
    /// How often an oracle repeats which epoch it wants.
    pub delta_resend: Duration,
    /// Shortest time from one round to the next.
    pub delta_round: Duration,
    /// How long a leader waits for late observations.
    pub delta_grace: Duration,
    /// Time between two stages of transmission.
    pub delta_stage: Duration,
    /// Rounds of one epoch: 1 to 254.
    pub r_max: u8,
    /// How many oracles transmit in each stage: below 1000 entries of 0 to 31.
    pub s: Vec<u8>,
    /// For the reporting plugin.
    pub reporting_plugin_config: Vec<u8>,
    /// How long the plugin may take to start, in nanoseconds; `None`: each oracle's own default. The one duration that is
    /// not checked: it may be negative.
    pub max_duration_initialization: Option<i64>,
    pub max_duration_query: Duration,
    pub max_duration_observation: Duration,
    pub max_duration_report: Duration,
    pub max_duration_should_accept: Duration,
    pub max_duration_should_transmit: Duration,
}

/// Whether the lower bounds that protect machines (check 13) count: not in development mode and not in bootstrappers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceChecks {
    On,
    Off,
}

impl PublicConfig {
    /// Decodes and checks a contract's configuration. Its digest is taken as given.
    pub fn from_contract(config: &ContractConfig, checks: ResourceChecks) -> Result<Self, ConfigError> {
        Self::with_sealed_secret(config, checks).map(|(public, _)| public)
    }

    fn with_sealed_secret(
        config: &ContractConfig,
        checks: ResourceChecks,
    ) -> Result<(Self, SharedSecretEncryptions), ConfigError> {
        if config.offchain_config_version != OFFCHAIN_CONFIG_VERSION {
            return Err(ConfigError::Version { got: config.offchain_config_version });
        }
        let offchain = OffchainConfig::decode(&config.offchain_config)?;
        check_distinct("signers", &config.signers)?;
        check_distinct("peer ids", &offchain.peer_ids)?;
        check_distinct("offchain public keys", &offchain.offchain_public_keys)?;
        check_distinct("transmitters", &config.transmitters)?;
        let n = config.signers.len();
        for (list, got) in [
            ("peer ids", offchain.peer_ids.len()),
            ("offchain public keys", offchain.offchain_public_keys.len()),
            ("transmitters", config.transmitters.len()),
            ("shared secret encryptions", offchain.shared_secret_encryptions.encryptions.len()),
        ] {
            if got != n {
                return Err(ConfigError::ListLength { list, got, wanted: n });
            }
        }
        let (committee, parameters) = offchain.check(n, config.f, checks)?;

        let OffchainConfig { offchain_public_keys, peer_ids, shared_secret_encryptions, .. } = offchain;
        let mut identities =
            offchain_public_keys.into_iter().zip(peer_ids).zip(&config.signers).zip(&config.transmitters).map(
                |(((offchain_key, peer_id), signer), transmitter)| OracleIdentity {
                    offchain_key,
                    signer: signer.clone(),
                    peer_id,
                    transmitter: transmitter.clone(),
                },
            );
        let oracles = PerOracle::new(committee, |_| identities.next().expect("all lists have n entries"));
        let public = Self {
            config_digest: config.config_digest,
            committee,
            oracles,
            onchain_config: config.onchain_config.clone(),
            parameters,
        };
        Ok((public, shared_secret_encryptions))
    }

    /// The oracle whose on-chain key is ours. Everything else about it must be ours too (OCR2 spec 1.1).
    pub fn find(&self, me: &OracleIdentity) -> Result<OracleId, ConfigError> {
        let (oracle, config) =
            self.oracles.iter().find(|(_, identity)| identity.signer == me.signer).ok_or(ConfigError::NotIncluded)?;
        let differs = |what, config: &dyn ToString, ours: &dyn ToString| {
            Err(ConfigError::NotMine { oracle, what, config: config.to_string(), ours: ours.to_string() })
        };
        if config.offchain_key != me.offchain_key {
            return differs("offchain public key", &config.offchain_key, &me.offchain_key);
        }
        if config.peer_id != me.peer_id {
            return differs("peer id", &config.peer_id, &me.peer_id);
        }
        if config.transmitter != me.transmitter {
            return differs("transmitter", &config.transmitter, &me.transmitter);
        }
        Ok(oracle)
    }

    /// What is allowed and yet hardly meant (OCR2 spec 13.17).
    pub fn warnings(&self) -> Vec<Warning> {
        let n = self.committee.n();
        let p = &self.parameters;
        let transmitting = p.s.iter().map(|count| usize::from(*count)).sum();
        let peers: Vec<_> = self.oracles.iter().map(|(id, oracle)| (id, oracle.peer_id.parse::<PeerId>())).collect();
        let calls = [p.max_duration_query, p.max_duration_observation, p.max_duration_report];
        let calls = calls.iter().fold(Duration::ZERO, |sum, call| sum.saturating_add(*call));

        let mut warnings = Vec::new();
        if transmitting == 0 {
            warnings.push(Warning::NobodyTransmits);
        } else if transmitting < n {
            warnings.push(Warning::SomeNeverTransmit { transmitting, n });
        } else if transmitting > n {
            warnings.push(Warning::ScheduleBeyondN { transmitting, n });
        }
        if p.delta_grace >= p.delta_progress {
            warnings.push(Warning::GraceOutlastsProgress { grace: p.delta_grace, progress: p.delta_progress });
        }
        if calls >= p.delta_progress {
            warnings.push(Warning::DurationSumOverflows);
        }
        if let Some(nanoseconds) = p.max_duration_initialization.filter(|nanoseconds| *nanoseconds <= 0) {
            warnings.push(Warning::NoTimeToInitialize { nanoseconds });
        }
        for (what, delta) in [("DeltaRound", p.delta_round), ("DeltaResend", p.delta_resend)] {
            if delta.is_zero() {
                warnings.push(Warning::UnlimitedRates { what });
            }
        }
        for (oracle, peer) in peers {
            if peer.is_err() {
                warnings.push(Warning::NoPeerId { oracle });
            }
        }
        warnings
    }
}

/// A foot-gun that the checks let pass, because the reference's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    #[error("S is empty or all zero: nobody transmits")]
    NobodyTransmits,
    #[error("S takes {transmitting} oracles of {n}: for each report the others never transmit")]
    SomeNeverTransmit { transmitting: usize, n: usize },
    #[error("S takes {transmitting} oracles, but there are {n}: what is beyond is cut off")]
    ScheduleBeyondN { transmitting: usize, n: usize },
    #[error("DeltaGrace ({grace:?}) is not below DeltaProgress ({progress:?}): no round completes")]
    GraceOutlastsProgress { grace: Duration, progress: Duration },
    #[error("the sum of MaxDurationQuery, Observation and Report overflows 64 bits and so passes the check it fails")]
    DurationSumOverflows,
    #[error("MaxDurationInitialization is {nanoseconds} ns: the plugin has no time to start")]
    NoTimeToInitialize { nanoseconds: i64 },
    #[error("{what} is 0: peers may send at any rate")]
    UnlimitedRates { what: &'static str },
    #[error("the peer id of oracle {oracle} is none: its peers cannot connect to it, and no Go oracle starts")]
    NoPeerId { oracle: OracleId },
}

/// The configuration of a new committee, to be sealed and given to `setConfig`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The oracles, each with its config encryption key, for which the secret will be sealed.
    pub oracles: Vec<(OracleIdentity, x25519::PublicKey)>,
    pub f: u8,
    /// For the reporting plugin.
    pub onchain_config: Vec<u8>,
    pub parameters: Parameters,
}

impl Proposal {
    /// What is given to `setConfig`, with digest and count zero, for they are the contract's to say. `secret` and
    /// `ephemeral` must be fresh random values. Unlike the reference's tool it refuses what no oracle would accept.
    pub fn seal(
        &self,
        secret: &SharedSecret,
        ephemeral: &x25519::SecretKey,
        checks: ResourceChecks,
    ) -> Result<ContractConfig, ConfigError> {
        let identities = || self.oracles.iter().map(|(identity, _)| identity);
        let recipients: Vec<_> = self.oracles.iter().map(|(_, key)| *key).collect();
        let offchain = OffchainConfig {
            offchain_public_keys: identities().map(|oracle| oracle.offchain_key).collect(),
            peer_ids: identities().map(|oracle| oracle.peer_id.clone()).collect(),
            shared_secret_encryptions: secret.seal(ephemeral, &recipients)?,
            ..OffchainConfig::of(&self.parameters)?
        };
        let config = ContractConfig {
            signers: identities().map(|oracle| oracle.signer.clone()).collect(),
            transmitters: identities().map(|oracle| oracle.transmitter.clone()).collect(),
            f: self.f,
            onchain_config: self.onchain_config.clone(),
            offchain_config_version: OFFCHAIN_CONFIG_VERSION,
            offchain_config: offchain.encode()?,
            ..ContractConfig::default()
        };
        PublicConfig::from_contract(&config, checks)?;
        Ok(config)
    }
}

/// What the bytes of an offchain config say, whether allowed or not. Durations are nanoseconds and may be negative: the
/// wire has 64 unsigned bits, readers take them as signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffchainConfig {
    pub delta_progress: i64,
    pub delta_resend: i64,
    pub delta_round: i64,
    pub delta_grace: i64,
    pub delta_stage: i64,
    /// The low 8 bits of what the wire says.
    pub r_max: u8,
    pub s: Vec<u32>,
    pub offchain_public_keys: Vec<ed25519::PublicKey>,
    pub peer_ids: Vec<String>,
    pub reporting_plugin_config: Vec<u8>,
    pub max_duration_query: i64,
    pub max_duration_observation: i64,
    pub max_duration_report: i64,
    pub max_duration_should_accept: i64,
    pub max_duration_should_transmit: i64,
    pub shared_secret_encryptions: SharedSecretEncryptions,
    pub max_duration_initialization: Option<i64>,
}

impl OffchainConfig {
    /// Decodes by the rules of protobuf-go (OCR2 spec 4.2); checks only what makes the fields what they are (check 2).
    pub fn decode(bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.len() > OFFCHAIN_CONFIG_BYTES_MAX {
            return Err(ConfigError::TooLong { got: bytes.len() });
        }
        let mut wire = Wire::default();
        for field in Reader::new(bytes) {
            wire.take(field?)?;
        }
        wire.finish()
    }

    /// Encodes in ascending order of fields, as the reference does: the bytes matter, for they enter the config digest.
    pub fn encode(&self) -> Result<Vec<u8>, ConfigError> {
        let mut bytes = Vec::new();
        let mut out = Writer::new(&mut bytes);
        out.varint(1, self.delta_progress as u64);
        out.varint(2, self.delta_resend as u64);
        out.varint(3, self.delta_round as u64);
        out.varint(4, self.delta_grace as u64);
        out.varint(5, self.delta_stage as u64);
        out.varint(6, self.r_max.into());
        out.packed(7, self.s.iter().map(|count| u64::from(*count)));
        self.offchain_public_keys.iter().for_each(|key| out.bytes_always(8, &key.0));
        self.peer_ids.iter().for_each(|id| out.bytes_always(9, id.as_bytes()));
        out.bytes(10, &self.reporting_plugin_config);
        out.varint(11, self.max_duration_query as u64);
        out.varint(12, self.max_duration_observation as u64);
        out.varint(13, self.max_duration_report as u64);
        out.varint(14, self.max_duration_should_accept as u64);
        out.varint(15, self.max_duration_should_transmit as u64);
        out.message(16, |out| {
            let sealed = &self.shared_secret_encryptions;
            out.bytes(1, &sealed.diffie_hellman_point.0);
            out.bytes(2, &sealed.shared_secret_hash);
            sealed.encryptions.iter().for_each(|block| out.bytes_always(3, block));
        });
        if let Some(nanoseconds) = self.max_duration_initialization {
            out.varint_always(17, nanoseconds as u64);
        }
        if bytes.len() > OFFCHAIN_CONFIG_BYTES_MAX {
            return Err(ConfigError::TooLong { got: bytes.len() });
        }
        Ok(bytes)
    }

    /// The fields that `parameters` decide, for no oracles yet.
    fn of(parameters: &Parameters) -> Result<Self, ConfigError> {
        let nanoseconds = |what, duration: Duration| {
            i64::try_from(duration.as_nanos()).map_err(|_| ConfigError::DurationTooLong { what, duration })
        };
        let p = parameters;
        Ok(Self {
            delta_progress: nanoseconds("DeltaProgress", p.delta_progress)?,
            delta_resend: nanoseconds("DeltaResend", p.delta_resend)?,
            delta_round: nanoseconds("DeltaRound", p.delta_round)?,
            delta_grace: nanoseconds("DeltaGrace", p.delta_grace)?,
            delta_stage: nanoseconds("DeltaStage", p.delta_stage)?,
            r_max: p.r_max,
            s: p.s.iter().map(|count| u32::from(*count)).collect(),
            offchain_public_keys: Vec::new(),
            peer_ids: Vec::new(),
            reporting_plugin_config: p.reporting_plugin_config.clone(),
            max_duration_query: nanoseconds("MaxDurationQuery", p.max_duration_query)?,
            max_duration_observation: nanoseconds("MaxDurationObservation", p.max_duration_observation)?,
            max_duration_report: nanoseconds("MaxDurationReport", p.max_duration_report)?,
            max_duration_should_accept: nanoseconds(
                "MaxDurationShouldAcceptFinalizedReport",
                p.max_duration_should_accept,
            )?,
            max_duration_should_transmit: nanoseconds(
                "MaxDurationShouldTransmitAcceptedReport",
                p.max_duration_should_transmit,
            )?,
            shared_secret_encryptions: SharedSecretEncryptions {
                diffie_hellman_point: x25519::PublicKey([0; 32]),
                shared_secret_hash: [0; 32],
                encryptions: Vec::new(),
            },
            max_duration_initialization: p.max_duration_initialization,
        })
    }

    /// Checks 5 to 13 of OCR2 spec 3.3, in their order.
    fn check(&self, n: usize, f: u8, checks: ResourceChecks) -> Result<(Committee, Parameters), ConfigError> {
        let duration = |what, nanoseconds: i64| {
            u64::try_from(nanoseconds)
                .map(Duration::from_nanos)
                .map_err(|_| ConfigError::NegativeDuration { what, nanoseconds })
        };
        let delta_stage = duration("DeltaStage", self.delta_stage)?;
        let delta_round = duration("DeltaRound", self.delta_round)?;
        let delta_progress = duration("DeltaProgress", self.delta_progress)?;
        let delta_resend = duration("DeltaResend", self.delta_resend)?;
        let committee = Committee::new(n, f.into())?;
        let delta_grace = duration("DeltaGrace", self.delta_grace)?;
        let max_duration_query = duration("MaxDurationQuery", self.max_duration_query)?;
        let max_duration_observation = duration("MaxDurationObservation", self.max_duration_observation)?;
        let max_duration_report = duration("MaxDurationReport", self.max_duration_report)?;
        let max_duration_should_accept =
            duration("MaxDurationShouldAcceptFinalizedReport", self.max_duration_should_accept)?;
        let max_duration_should_transmit =
            duration("MaxDurationShouldTransmitAcceptedReport", self.max_duration_should_transmit)?;
        if delta_round >= delta_progress {
            return Err(ConfigError::RoundOutlastsProgress { round: delta_round, progress: delta_progress });
        }
        // Wraps, as the reference's sum does: what it accepts, its oracles run with.
        let calls =
            self.max_duration_query.wrapping_add(self.max_duration_observation).wrapping_add(self.max_duration_report);
        if calls >= self.delta_progress {
            return Err(ConfigError::CallsOutlastProgress { nanoseconds: calls, progress: delta_progress });
        }
        if self.r_max == 0 || self.r_max == R_MAX_LIMIT {
            return Err(ConfigError::RMax { got: self.r_max });
        }
        if self.s.len() > STAGES_MAX {
            return Err(ConfigError::Stages { got: self.s.len() });
        }
        let s = (self.s.iter().enumerate())
            .map(|(index, count)| {
                let count = u8::try_from(*count).ok().filter(|count| usize::from(*count) <= ORACLES_MAX);
                count.ok_or(ConfigError::StageSize { index, got: self.s[index] })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if checks == ResourceChecks::On {
            for (what, delta) in [("DeltaProgress", delta_progress), ("DeltaResend", delta_resend)] {
                if delta < DELTA_SAFE_MIN {
                    return Err(ConfigError::Exhausting { what, got: delta });
                }
            }
        }
        let parameters = Parameters {
            delta_progress,
            delta_resend,
            delta_round,
            delta_grace,
            delta_stage,
            r_max: self.r_max,
            s,
            reporting_plugin_config: self.reporting_plugin_config.clone(),
            max_duration_initialization: self.max_duration_initialization,
            max_duration_query,
            max_duration_observation,
            max_duration_report,
            max_duration_should_accept,
            max_duration_should_transmit,
        };
        Ok((committee, parameters))
    }
}

/// The fields as far as they have been read: the last of a scalar, all of a list, messages merged. What has another wire
/// type than declared is unknown and skipped.
#[derive(Default)]
struct Wire<'a> {
    /// By field number; only those of the integer fields are used.
    integers: [u64; 16],
    s: Vec<u32>,
    offchain_public_keys: Vec<&'a [u8]>,
    peer_ids: Vec<String>,
    reporting_plugin_config: &'a [u8],
    diffie_hellman_point: &'a [u8],
    shared_secret_hash: &'a [u8],
    encryptions: Vec<&'a [u8]>,
    max_duration_initialization: Option<u64>,
}

impl<'a> Wire<'a> {
    fn take(&mut self, field: (u32, Value<'a>)) -> Result<(), ConfigError> {
        match field {
            (number @ (1..=6 | 11..=15), Value::Varint(value)) => self.integers[number as usize] = value,
            (7, Value::Varint(value)) => self.s.push(value as u32),
            (7, Value::Bytes(packed)) => {
                for value in Packed::new(packed) {
                    self.s.push(value? as u32);
                }
            }
            (8, Value::Bytes(key)) => self.offchain_public_keys.push(key),
            (9, Value::Bytes(id)) => {
                let id = core::str::from_utf8(id).map_err(|_| ConfigError::Utf8 { index: self.peer_ids.len() })?;
                self.peer_ids.push(id.into());
            }
            (10, Value::Bytes(config)) => self.reporting_plugin_config = config,
            (16, Value::Bytes(message)) => {
                for field in Reader::new(message) {
                    match field? {
                        (1, Value::Bytes(point)) => self.diffie_hellman_point = point,
                        (2, Value::Bytes(hash)) => self.shared_secret_hash = hash,
                        (3, Value::Bytes(block)) => self.encryptions.push(block),
                        _ => {}
                    }
                }
            }
            (17, Value::Varint(value)) => self.max_duration_initialization = Some(value),
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<OffchainConfig, ConfigError> {
        let integer = |number: usize| self.integers[number] as i64;
        Ok(OffchainConfig {
            delta_progress: integer(1),
            delta_resend: integer(2),
            delta_round: integer(3),
            delta_grace: integer(4),
            delta_stage: integer(5),
            r_max: self.integers[6] as u8,
            s: self.s,
            offchain_public_keys: (self.offchain_public_keys.iter().enumerate())
                .map(|(index, key)| exactly("offchain public key", Some(index), key).map(ed25519::PublicKey))
                .collect::<Result<_, _>>()?,
            peer_ids: self.peer_ids,
            reporting_plugin_config: self.reporting_plugin_config.to_vec(),
            max_duration_query: integer(11),
            max_duration_observation: integer(12),
            max_duration_report: integer(13),
            max_duration_should_accept: integer(14),
            max_duration_should_transmit: integer(15),
            shared_secret_encryptions: SharedSecretEncryptions {
                diffie_hellman_point: exactly("Diffie-Hellman point", None, self.diffie_hellman_point)
                    .map(x25519::PublicKey)?,
                shared_secret_hash: exactly("shared secret hash", None, self.shared_secret_hash)?,
                encryptions: (self.encryptions.iter().enumerate())
                    .map(|(index, block)| exactly("shared secret encryption", Some(index), block))
                    .collect::<Result<_, _>>()?,
            },
            max_duration_initialization: self.max_duration_initialization.map(|nanoseconds| nanoseconds as i64),
        })
    }
}

/// `bytes` as an array, or the error that names it.
fn exactly<const N: usize>(what: &'static str, index: Option<usize>, bytes: &[u8]) -> Result<[u8; N], ConfigError> {
    bytes.try_into().map_err(|_| ConfigError::Length { what, index, got: bytes.len(), wanted: N })
}

fn check_distinct<T: Ord>(list: &'static str, entries: &[T]) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    match entries.iter().position(|entry| !seen.insert(entry)) {
        None => Ok(()),
        Some(second) => {
            let first = entries.iter().position(|entry| *entry == entries[second]).unwrap_or(second);
            Err(ConfigError::Duplicate { list, first, second })
        }
    }
}

/// Why a configuration is refused; the number is that of the check in OCR2 spec 3.3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// 1.
    #[error("offchain config version {got}, wanted {OFFCHAIN_CONFIG_VERSION}")]
    Version { got: u64 },
    /// 2.
    #[error("offchain config of {got} bytes, allowed are {OFFCHAIN_CONFIG_BYTES_MAX}")]
    TooLong { got: usize },
    /// 2.
    #[error("offchain config: {0}")]
    Malformed(Malformed),
    /// 2.
    #[error("peer id {index} is not UTF-8")]
    Utf8 { index: usize },
    /// 2.
    #[error("{what}{} has {got} bytes, wanted {wanted}", Numbered(*index))]
    Length { what: &'static str, index: Option<usize>, got: usize, wanted: usize },
    /// 3.
    #[error("{list} {first} and {second} are the same")]
    Duplicate { list: &'static str, first: usize, second: usize },
    /// 4.
    #[error("{got} {list} for {wanted} signers")]
    ListLength { list: &'static str, got: usize, wanted: usize },
    /// 5 and 8.
    #[error("{what} is negative: {nanoseconds} ns")]
    NegativeDuration { what: &'static str, nanoseconds: i64 },
    /// 6 and 7.
    #[error(transparent)]
    Committee(#[from] CommitteeError),
    /// 9.
    #[error("DeltaRound ({round:?}) is not below DeltaProgress ({progress:?})")]
    RoundOutlastsProgress { round: Duration, progress: Duration },
    /// 10.
    #[error(
        "the sum of MaxDurationQuery, Observation and Report ({nanoseconds} ns) is not below DeltaProgress ({progress:?})"
    )]
    CallsOutlastProgress { nanoseconds: i64, progress: Duration },
    /// 11.
    #[error("RMax is {got}, wanted 1 to 254")]
    RMax { got: u8 },
    /// 12.
    #[error("S has {got} entries, allowed are {STAGES_MAX}")]
    Stages { got: usize },
    /// 12.
    #[error("S[{index}] is {got}, allowed are 0 to {ORACLES_MAX}")]
    StageSize { index: usize, got: u32 },
    /// 13.
    #[error("{what} ({got:?}) is below {DELTA_SAFE_MIN:?}, which would exhaust the machines")]
    Exhausting { what: &'static str, got: Duration },
    #[error("our on-chain key is not in the configuration")]
    NotIncluded,
    #[error("oracle {oracle} has our on-chain key, but its {what} is {config}, and ours is {ours}")]
    NotMine { oracle: OracleId, what: &'static str, config: String, ours: String },
    #[error("cannot open the shared secret: {0}")]
    Open(#[from] OpenError),
    #[error("cannot seal the shared secret: {0}")]
    Seal(#[from] SealError),
    #[error("{what} ({duration:?}) does not fit the 292 years of a configuration")]
    DurationTooLong { what: &'static str, duration: Duration },
}

impl From<Malformed> for ConfigError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// ` 3` for the third of a list, nothing for what is alone.
struct Numbered(Option<usize>);

impl core::fmt::Display for Numbered {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |index| write!(f, " {index}"))
    }
}
