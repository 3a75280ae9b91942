//! The job's TOML (node spec 2.1, 3.5, 3.6).

use crate::address::parse_address;
use crate::duration::parse_duration;
use crate::error::Excerpt;
use crate::graph::Graph;
use crate::limits::JOB_BYTES_MAX;
use crate::run::RunLimits;
use crate::source::{Diagnostic, Source, either, nearest};
use crate::value::{Value, Variables};
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::str::FromStr;
use core::time::Duration;
use crypto::secp256k1::Address;
use num_bigint::BigInt;
use toml::de::{DeTable, DeValue};

/// A checked job.
#[derive(Clone, Debug)]
pub struct Job {
    pub name: Option<String>,
    /// In lower case with hyphens; the host makes one if there is none.
    pub external_job_id: Option<String>,
    /// Upper bound for each attempt of each task.
    pub max_task_duration: Option<Duration>,
    /// For the transactions and calls of the job's graph.
    pub gas_limit: Option<u32>,
    pub forwarding_allowed: bool,
    pub kind: JobKind,
}

/// What a job does.
#[derive(Clone, Debug)]
pub enum JobKind {
    Offchainreporting2(Offchainreporting2),
    Bootstrap(Bootstrap),
}

/// An oracle of an OCR2 feed with the median plugin, on an EVM chain (node spec 3.5).
#[derive(Clone, Debug)]
pub struct Offchainreporting2 {
    pub contract_id: Address,
    pub relay_config: RelayConfig,
    /// `PEERID@host:port`.
    pub p2pv2_bootstrappers: Vec<String>,
    /// 32 bytes in hexadecimal.
    pub ocr_key_bundle_id: Option<String>,
    pub transmitter_id: Option<Address>,
    pub onchain_signing_strategy: Option<SigningStrategy>,
    pub blockchain_timeout: Option<Duration>,
    pub contract_config_tracker_poll_interval: Option<Duration>,
    pub contract_config_confirmations: Option<u16>,
    pub capture_ea_telemetry: bool,
    pub median: Median,
}

/// `[relayConfig]` for an EVM chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RelayConfig {
    pub chain_id: u64,
    /// Where the contract's logs begin.
    pub from_block: Option<u64>,
    pub effective_transmitter_id: Option<Address>,
    pub config_contract_address: Option<Address>,
    pub sending_keys: Vec<Address>,
    pub default_transaction_queue_depth: Option<u32>,
    pub simulate_transactions: bool,
}

/// `[onchainSigningStrategy]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SigningStrategy {
    /// `single-chain` or `multi-chain`.
    pub name: String,
    /// Key bundle ids, and the public key, per chain type.
    pub config: BTreeMap<String, String>,
}

/// What the median plugin observes.
#[derive(Clone, Debug)]
pub struct Median {
    /// `observationSource`: the feed's value.
    pub observation: Arc<Graph>,
    /// Juels for one unit (1e18) of fee coin.
    pub juels_per_fee_coin: Arc<Graph>,
    pub juels_per_fee_coin_cache: JuelsPerFeeCoinCache,
    /// All oracles of a network have one, or none has.
    pub gas_price_subunits: Option<Arc<Graph>>,
}

/// `[pluginConfig.juelsPerFeeCoinCache]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JuelsPerFeeCoinCache {
    pub disable: bool,
    /// 30 s to 20 min.
    pub update_interval: Duration,
    pub staleness_alert_threshold: Duration,
}

impl Default for JuelsPerFeeCoinCache {
    fn default() -> Self {
        JuelsPerFeeCoinCache {
            disable: false,
            update_interval: Duration::from_secs(5 * 60),
            staleness_alert_threshold: Duration::from_secs(24 * 3600),
        }
    }
}

/// A bootstrap node for the oracles of a contract (node spec 3.6).
#[derive(Clone, Debug)]
pub struct Bootstrap {
    pub contract_id: Address,
    pub relay_config: RelayConfig,
    pub blockchain_timeout: Option<Duration>,
    pub contract_config_tracker_poll_interval: Option<Duration>,
    pub contract_config_confirmations: Option<u16>,
}

/// What to make of keys and attributes that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strictness {
    /// They are warnings: published jobs carry left-over keys (node spec 2.1).
    Lenient,
    /// The first is an error.
    Strict,
}

/// The feed's last answer, which external adapters are told (node spec 3.5, 5.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LatestAnswer {
    pub answer: BigInt,
    /// Unix seconds.
    pub updated_at: u64,
}

const OTHER_TYPES: [&str; 15] = [
    "blockhashstore",
    "blockheaderfeeder",
    "ccip",
    "cron",
    "directrequest",
    "fluxmonitor",
    "gateway",
    "keeper",
    "legacygasstationserver",
    "legacygasstationsidecar",
    "offchainreporting",
    "standardcapabilities",
    "stream",
    "vrf",
    "webhook",
];

const OTHER_PLUGINS: [&str; 13] = [
    "plugin",
    "ocr2automation",
    "functions",
    "mercury",
    "llo",
    "ocr3-capability",
    "ccip-commit",
    "ccip-execution",
    "securemint",
    "vault-plugin",
    "dontime",
    "dkg",
    "ocr2vrf",
];

const OTHER_RELAYS: [&str; 6] = ["solana", "starknet", "cosmos", "aptos", "tron", "ton"];

impl Job {
    /// Reads and checks a job's text. The diagnostics beside it are warnings.
    pub fn parse(text: &str, strictness: Strictness) -> Result<(Job, Vec<Diagnostic>), Diagnostic> {
        let source = Source::whole(text);
        if text.len() > JOB_BYTES_MAX {
            return Err(source.diagnostic(0, "job", format!("is larger than {JOB_BYTES_MAX} bytes"), "split the job"));
        }
        let document = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let problem = format!("not TOML: {}", Excerpt::of(error.message()));
            source.diagnostic(at, "job", problem, "correct the line; see https://toml.io")
        })?;
        let mut warnings = Vec::new();
        let mut table = Table {
            source: &source,
            prefix: String::new(),
            span: 0..0,
            table: document.get_ref(),
            taken: BTreeSet::new(),
        };
        let job = Job::read(&mut table, &mut warnings)?;
        table.finish(&mut warnings);
        warnings.sort_by_key(|warning| warning.at);
        match strictness {
            Strictness::Strict if !warnings.is_empty() => Err(warnings.swap_remove(0)),
            Strictness::Strict | Strictness::Lenient => Ok((job, warnings)),
        }
    }

    fn read(table: &mut Table, warnings: &mut Vec<Diagnostic>) -> Result<Job, Diagnostic> {
        let job_type = table.required_text("type", "\"offchainreporting2\"")?;
        let schema_version: u64 = table.integer("schemaVersion")?.ok_or_else(|| table.missing("schemaVersion", "1"))?;
        if schema_version != 1 {
            return Err(table.error(
                "schemaVersion",
                format!("{schema_version} is not supported"),
                "write schemaVersion = 1",
            ));
        }
        let name = table.text("name")?;
        let external_job_id =
            table.parsed_text("externalJobID", "a UUID, such as 0eec7e1d-d0d2-476c-a1a8-72dfb6633f46", uuid)?;
        let max_task_duration = table.duration("maxTaskDuration")?;
        let gas_limit = table.integer("gasLimit")?;
        let forwarding_allowed = table.boolean("forwardingAllowed")?.unwrap_or(false);
        let kind = match job_type.as_str() {
            "offchainreporting2" => JobKind::Offchainreporting2(Offchainreporting2::read(table, warnings)?),
            "bootstrap" => JobKind::Bootstrap(Bootstrap::read(table, warnings)?),
            other => {
                return Err(table.unknown_choice(
                    "type",
                    "job type",
                    other,
                    &["offchainreporting2", "bootstrap"],
                    &OTHER_TYPES,
                ));
            }
        };
        Ok(Job { name, external_job_id, max_task_duration, gas_limit, forwarding_allowed, kind })
    }

    /// What a run of this job can name as `$(jobSpec…)`, `$(jb…)` and `$(jobRun.meta…)`; before the first observation
    /// `latestAnswer` and `updatedAt` are null.
    pub fn variables(&self, database_id: u64, latest: Option<&LatestAnswer>) -> Variables {
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let map = |fields: Vec<(&str, Value)>| {
            Value::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        };
        let chain_id = match &self.kind {
            JobKind::Offchainreporting2(job) => job.relay_config.chain_id,
            JobKind::Bootstrap(job) => job.relay_config.chain_id,
        };
        let own = || {
            alloc::vec![
                ("databaseID", Value::from(database_id)),
                ("externalJobID", text(&self.external_job_id)),
                ("name", text(&self.name)),
            ]
        };
        let mut spec = own();
        spec.extend([("evmChainID", Value::from(chain_id.to_string().as_str())), ("relay", Value::from("evm"))]);
        let meta = map(alloc::vec![
            ("latestAnswer", latest.map_or(Value::Null, |latest| latest.answer.clone().into())),
            ("updatedAt", latest.map_or(Value::Null, |latest| latest.updated_at.into())),
        ]);
        let roots = [("jb", map(own())), ("jobSpec", map(spec)), ("jobRun", map(alloc::vec![("meta", meta)]))];
        roots.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The time that a run of this job has, if the caller gives it `run_time`.
    pub fn limits(&self, run_time: Duration) -> RunLimits {
        RunLimits { run_time, task_time: self.max_task_duration, ..RunLimits::default() }
    }

    /// The names of all bridges, in lower case: they must be registered before a run.
    pub fn bridges(&self) -> BTreeSet<&str> {
        match &self.kind {
            JobKind::Offchainreporting2(job) => {
                let graphs = [
                    Some(&job.median.observation),
                    Some(&job.median.juels_per_fee_coin),
                    job.median.gas_price_subunits.as_ref(),
                ];
                graphs.into_iter().flatten().flat_map(|graph| graph.bridges()).collect()
            }
            JobKind::Bootstrap(_) => BTreeSet::new(),
        }
    }
}

impl Offchainreporting2 {
    fn read(table: &mut Table, warnings: &mut Vec<Diagnostic>) -> Result<Self, Diagnostic> {
        for (key, remedy) in [
            ("isBootstrapPeer", "write a job of type = \"bootstrap\" for a bootstrap node"),
            ("juelsPerFeeCoinSource", "move it into [pluginConfig]"),
            ("feedID", "remove it; only the mercury plugin has one"),
        ] {
            if table.has(key) {
                return Err(table.error(key, "does not belong here", remedy));
            }
        }
        table.left_over(&["monitoringEndpoint"]);
        for key in ["p2pPeerID", "p2pBootstrapPeers", "p2pv2PeerID"] {
            table.left_over(&[key]);
            if table.has(key) {
                warnings.push(table.error(key, "has no effect any more", "remove it"));
            }
        }
        relay(table)?;
        let plugin = table.required_text("pluginType", "\"median\"")?;
        if plugin != "median" {
            return Err(table.unknown_choice("pluginType", "plugin", &plugin, &["median"], &OTHER_PLUGINS));
        }
        let contract_id = table.required_address("contractID")?;
        let mut relay_config = table.required_table("relayConfig", "chainID = 1")?;
        let relay = RelayConfig::read(&mut relay_config)?;
        relay_config.finish(warnings);
        let transmitter_id = table.address("transmitterID")?;
        if transmitter_id.is_some() && !relay.sending_keys.is_empty() {
            return Err(table.error("transmitterID", "relayConfig.sendingKeys is given too", "keep one of the two"));
        }
        let bootstrappers = table.texts("p2pv2Bootstrappers")?;
        for (bootstrapper, span) in &bootstrappers {
            if !is_bootstrapper(bootstrapper) {
                let problem = format!("`{}` is not a bootstrap node", Excerpt::of(bootstrapper));
                return Err(table.source.diagnostic(
                    span.start,
                    "p2pv2Bootstrappers",
                    problem,
                    "write \"PEERID@host:port\", with a peer id such as 12D3KooW…",
                ));
            }
        }
        let is_bundle = |text: &str| (text.len() == 64 && hex::decode(text).is_ok()).then(|| text.to_ascii_lowercase());
        let ocr_key_bundle_id =
            table.parsed_text("ocrKeyBundleID", "the id of a key bundle, 64 hexadecimal digits", is_bundle)?;
        let onchain_signing_strategy = match table.table("onchainSigningStrategy")? {
            None => None,
            Some(mut strategy) => {
                let read = SigningStrategy::read(&mut strategy)?;
                strategy.finish(warnings);
                Some(read)
            }
        };
        let median = Median::read(table, warnings)?;
        table.boolean("captureAutomationCustomTelemetry")?;
        Ok(Offchainreporting2 {
            contract_id,
            relay_config: relay,
            p2pv2_bootstrappers: bootstrappers.into_iter().map(|(text, _)| text).collect(),
            ocr_key_bundle_id,
            transmitter_id,
            onchain_signing_strategy,
            blockchain_timeout: table.duration("blockchainTimeout")?,
            contract_config_tracker_poll_interval: table.duration("contractConfigTrackerPollInterval")?,
            contract_config_confirmations: table.integer("contractConfigConfirmations")?,
            capture_ea_telemetry: table.boolean("captureEATelemetry")?.unwrap_or(false),
            median,
        })
    }
}

impl Median {
    fn read(table: &mut Table, warnings: &mut Vec<Diagnostic>) -> Result<Self, Diagnostic> {
        let observation = table.graph("observationSource", warnings)?;
        let observation = observation.ok_or_else(|| table.missing("observationSource", "\"\"\" … \"\"\""))?;
        let mut config = table.required_table("pluginConfig", "juelsPerFeeCoinSource = \"\"\" … \"\"\"")?;
        let juels = config.graph("juelsPerFeeCoinSource", warnings)?;
        let juels = juels
            .ok_or_else(|| config.missing("juelsPerFeeCoinSource", "\"\"\" juels [type=memo value=<1>] \"\"\""))?;
        let gas_price_subunits = config.graph("gasPriceSubunitsSource", warnings)?.map(Arc::new);
        let mut cache = JuelsPerFeeCoinCache::default();
        if let Some(mut cache_table) = config.table("juelsPerFeeCoinCache")? {
            cache.disable = cache_table.boolean("disable")?.unwrap_or(cache.disable);
            cache.update_interval = cache_table.duration("updateInterval")?.unwrap_or(cache.update_interval);
            if !(Duration::from_secs(30)..=Duration::from_secs(20 * 60)).contains(&cache.update_interval) {
                return Err(cache_table.error("updateInterval", "is out of range", "write a duration from 30s to 20m"));
            }
            let threshold = cache_table.duration("stalenessAlertThreshold")?;
            cache.staleness_alert_threshold = threshold.unwrap_or(cache.staleness_alert_threshold);
            cache_table.finish(warnings);
        }
        config.finish(warnings);
        Ok(Median {
            observation: Arc::new(observation),
            juels_per_fee_coin: Arc::new(juels),
            juels_per_fee_coin_cache: cache,
            gas_price_subunits,
        })
    }
}

impl RelayConfig {
    fn read(table: &mut Table) -> Result<Self, Diagnostic> {
        let chain_id = match table.value("chainID") {
            Some((DeValue::String(text), _)) => {
                let parsed = text.parse().ok();
                Some(parsed.ok_or_else(|| table.error("chainID", "is not a number", "write chainID = 1"))?)
            }
            _ => table.integer("chainID")?,
        };
        // Kinds of reading and signing that the EVM relay has no use for are accepted as published, and have no meaning.
        table.left_over(&["providerType", "chainReader", "codec", "enableTriggerCapability", "chainWriter"]);
        let mut sending_keys = Vec::new();
        for (text, span) in table.texts("sendingKeys")? {
            let address = parse_address(&text);
            sending_keys.push(address.map_err(|(problem, remedy)| {
                table.source.diagnostic(span.start, "relayConfig.sendingKeys", problem, remedy)
            })?);
        }
        Ok(RelayConfig {
            chain_id: chain_id.ok_or_else(|| table.missing("chainID", "1"))?,
            from_block: table.integer("fromBlock")?,
            effective_transmitter_id: table.address("effectiveTransmitterID")?,
            config_contract_address: table.address("configContractAddress")?,
            sending_keys,
            default_transaction_queue_depth: table.integer("defaultTransactionQueueDepth")?,
            simulate_transactions: table.boolean("simulateTransactions")?.unwrap_or(false),
        })
    }
}

impl SigningStrategy {
    fn read(table: &mut Table) -> Result<Self, Diagnostic> {
        let name = table.required_text("strategyName", "\"single-chain\"")?;
        if !["single-chain", "multi-chain"].contains(&name.as_str()) {
            return Err(table.unknown_choice("strategyName", "strategy", &name, &["single-chain", "multi-chain"], &[]));
        }
        let mut config = BTreeMap::new();
        if let Some(mut entries) = table.table("config")? {
            for key in entries.keys() {
                if let Some(text) = entries.text(&key)? {
                    config.insert(key, text);
                }
            }
        }
        Ok(SigningStrategy { name, config })
    }
}

impl Bootstrap {
    fn read(table: &mut Table, warnings: &mut Vec<Diagnostic>) -> Result<Self, Diagnostic> {
        relay(table)?;
        if table.has("observationSource") {
            return Err(table.error("observationSource", "a bootstrap job has no pipeline", "remove it"));
        }
        table.left_over(&["monitoringEndpoint", "feedID"]);
        let contract_id = table.required_address("contractID")?;
        let mut relay_config = table.required_table("relayConfig", "chainID = 1")?;
        let relay = RelayConfig::read(&mut relay_config)?;
        relay_config.finish(warnings);
        Ok(Bootstrap {
            contract_id,
            relay_config: relay,
            blockchain_timeout: table.duration("blockchainTimeout")?,
            contract_config_tracker_poll_interval: table.duration("contractConfigTrackerPollInterval")?,
            contract_config_confirmations: table.integer("contractConfigConfirmations")?,
        })
    }
}

fn relay(table: &mut Table) -> Result<(), Diagnostic> {
    let relay = table.required_text("relay", "\"evm\"")?;
    if relay == "evm" { Ok(()) } else { Err(table.unknown_choice("relay", "relay", &relay, &["evm"], &OTHER_RELAYS)) }
}

/// One table of the document, whose keys are taken out one by one; what is left at the end is unknown.
struct Table<'a> {
    source: &'a Source<'a>,
    /// `relayConfig.`
    prefix: String,
    span: Range<usize>,
    table: &'a DeTable<'a>,
    taken: BTreeSet<String>,
}

impl<'a> Table<'a> {
    fn value(&mut self, key: &str) -> Option<(&'a DeValue<'a>, Range<usize>)> {
        self.taken.insert(key.to_owned());
        self.table.get(key).map(|value| (value.get_ref(), value.span()))
    }

    fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn keys(&self) -> Vec<String> {
        self.table.keys().map(|key| key.get_ref().to_string()).collect()
    }

    /// Keys that are known and have no meaning here.
    fn left_over(&mut self, keys: &[&str]) {
        self.taken.extend(keys.iter().map(|key| (*key).to_owned()));
    }

    fn error(&self, key: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Diagnostic {
        let at = self.table.get(key).map_or(self.span.start, |value| value.span().start);
        self.source.diagnostic(at, format!("{}{key}", self.prefix), problem, remedy)
    }

    fn missing(&self, key: &str, example: &str) -> Diagnostic {
        self.error(key, "is missing", format!("write {key} = {example}"))
    }

    fn wrong_kind(&self, key: &str, got: &DeValue, wanted: &str, example: &str) -> Diagnostic {
        self.error(key, format!("must be {wanted}, got {}", kind_of(got)), format!("write {key} = {example}"))
    }

    fn unknown_choice(&self, key: &str, noun: &str, got: &str, known: &[&str], absent: &[&str]) -> Diagnostic {
        if absent.contains(&got) {
            return self.error(
                key,
                format!("{noun} `{got}` is not available in this version"),
                format!("use {}", either(known)),
            );
        }
        let remedy = match nearest(got, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use {}", either(known)),
        };
        self.error(key, format!("unknown {noun} `{}`", Excerpt::of(got)), remedy)
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, Diagnostic> {
        match self.value(key) {
            None => Ok(None),
            Some((DeValue::String(text), _)) => Ok(Some(text.to_string())),
            Some((other, _)) => Err(self.wrong_kind(key, other, "a string", "\"…\"")),
        }
    }

    fn required_text(&mut self, key: &str, example: &str) -> Result<String, Diagnostic> {
        self.text(key)?.ok_or_else(|| self.missing(key, example))
    }

    fn parsed_text<T>(
        &mut self,
        key: &str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Diagnostic> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let wrong = || self.error(key, format!("`{}` is not allowed", Excerpt::of(&text)), format!("write {wanted}"));
        parse(&text).map(Some).ok_or_else(wrong)
    }

    fn texts(&mut self, key: &str) -> Result<Vec<(String, Range<usize>)>, Diagnostic> {
        const EXAMPLE: &str = "[\"…\", \"…\"]";
        let items = match self.value(key) {
            None => return Ok(Vec::new()),
            Some((DeValue::Array(items), _)) => items,
            Some((other, _)) => return Err(self.wrong_kind(key, other, "a list of strings", EXAMPLE)),
        };
        let text = |item: &toml::Spanned<DeValue>| match item.get_ref() {
            DeValue::String(text) => Ok((text.to_string(), item.span())),
            other => Err(self.wrong_kind(key, other, "a list of strings", EXAMPLE)),
        };
        items.iter().map(text).collect()
    }

    fn boolean(&mut self, key: &str) -> Result<Option<bool>, Diagnostic> {
        match self.value(key) {
            None => Ok(None),
            Some((DeValue::Boolean(value), _)) => Ok(Some(*value)),
            Some((other, _)) => Err(self.wrong_kind(key, other, "true or false", "true")),
        }
    }

    /// An integer that fits the type; each of ours is unsigned.
    fn integer<T: FromStr + TryFrom<u64>>(&mut self, key: &str) -> Result<Option<T>, Diagnostic> {
        let integer = match self.value(key) {
            None => return Ok(None),
            Some((DeValue::Integer(integer), _)) => integer,
            Some((other, _)) => return Err(self.wrong_kind(key, other, "an integer", "1")),
        };
        let value =
            u64::from_str_radix(integer.as_str(), integer.radix()).ok().and_then(|value| T::try_from(value).ok());
        let bits = 8 * size_of::<T>();
        value
            .map(Some)
            .ok_or_else(|| self.error(key, "is out of range", format!("write an integer of {bits} bits, from 0")))
    }

    fn duration(&mut self, key: &str) -> Result<Option<Duration>, Diagnostic> {
        let text = match self.value(key) {
            None => return Ok(None),
            Some((DeValue::String(text), _)) => text,
            Some((other, _)) => return Err(self.wrong_kind(key, other, "a duration", "\"5s\"")),
        };
        let wrong = |wanted| {
            let problem = format!("`{}` is not a duration", Excerpt::of(text));
            self.error(key, problem, format!("write {wanted}"))
        };
        parse_duration(text).map(Some).map_err(wrong)
    }

    fn address(&mut self, key: &str) -> Result<Option<Address>, Diagnostic> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        parse_address(&text).map(Some).map_err(|(problem, remedy)| self.error(key, problem, remedy))
    }

    fn required_address(&mut self, key: &str) -> Result<Address, Diagnostic> {
        self.address(key)?.ok_or_else(|| self.missing(key, "\"0x…\""))
    }

    fn table(&mut self, key: &str) -> Result<Option<Table<'a>>, Diagnostic> {
        match self.value(key) {
            None => Ok(None),
            Some((DeValue::Table(table), span)) => {
                let prefix = format!("{}{key}.", self.prefix);
                Ok(Some(Table { source: self.source, prefix, span, table, taken: BTreeSet::new() }))
            }
            Some((other, _)) => Err(self.wrong_kind(key, other, "a table", &format!("… under [{}{key}]", self.prefix))),
        }
    }

    fn required_table(&mut self, key: &str, example: &str) -> Result<Table<'a>, Diagnostic> {
        self.table(key)?.ok_or_else(|| {
            self.error(key, "is missing", format!("write [{}{key}] and under it {example}", self.prefix))
        })
    }

    /// A graph with exactly one terminal task.
    fn graph(&mut self, key: &str, warnings: &mut Vec<Diagnostic>) -> Result<Option<Graph>, Diagnostic> {
        let (text, span) = match self.value(key) {
            None => return Ok(None),
            Some((DeValue::String(text), span)) => (text, span),
            Some((other, _)) => return Err(self.wrong_kind(key, other, "a string", "\"\"\" … \"\"\"")),
        };
        let source = Source::toml_string(text, self.source.text, span.start);
        let (graph, new_warnings) = Graph::read(&source)?;
        warnings.extend(new_warnings);
        if let [_, _, ..] = graph.terminals() {
            let names: Vec<&str> = graph.terminals().iter().map(|id| graph.tasks()[id.0].name.as_str()).collect();
            let problem = format!("ends in {} tasks ({}), but gives one value", names.len(), names.join(", "));
            return Err(self.error(key, problem, "let all but one lead to another task"));
        }
        Ok(Some(graph))
    }

    /// The unknown keys, as warnings with the nearest known name.
    fn finish(self, warnings: &mut Vec<Diagnostic>) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if self.taken.contains(name) {
                continue;
            }
            let remedy = match nearest(name, self.taken.iter().map(String::as_str)) {
                Some(known) => format!("did you mean {known}?"),
                None => "remove it".into(),
            };
            let key_name = format!("{}{}", self.prefix, Excerpt::of(name));
            warnings.push(self.source.diagnostic(key.span().start, key_name, "is an unknown key", remedy));
        }
    }
}

fn kind_of(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// `8-4-4-4-12` hexadecimal digits, in lower case; without hyphens is taken too.
fn uuid(text: &str) -> Option<String> {
    let digits: String = match text.len() {
        32 => text.to_ascii_lowercase(),
        36 if [8, 13, 18, 23].iter().all(|at| text.as_bytes()[*at] == b'-') => {
            text.replace('-', "").to_ascii_lowercase()
        }
        _ => return None,
    };
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some([&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-"))
}

/// `PEERID@host:port`; the peer id is an Ed25519 key's: 52 characters of base 58.
fn is_bootstrapper(text: &str) -> bool {
    let is_base58 = |char: char| char.is_ascii_alphanumeric() && !"0OIl".contains(char);
    let Some((peer, address)) = text.split_once('@') else { return false };
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let is_peer = peer.len() == 52 && peer.starts_with("12D3KooW") && peer.chars().all(is_base58);
    is_peer && !host.is_empty() && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok_and(|port| port > 0)
}
