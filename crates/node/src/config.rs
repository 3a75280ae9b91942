//! The configuration of a node: one TOML file with the names that operators know (node spec 12.2).
//!
//! An unknown key is an error; a key of other node software that has no effect here is accepted and listed. Durations
//! are in Go notation (`1m30s`), amounts carry a unit (`20 gwei`), sizes too (`5mb`). Relative paths start at the file's
//! folder. Secrets are never here: the password stands in a file of its own (`keystore::Password`).

use crate::bad_input::BadInput;
use crate::toml_file::{Section, TomlFile, whole};
use crypto::PeerId;
use crypto::secp256k1::Address;
use evm::masked;
use p2p::Locator;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What a node pays for a unit of gas at most when nobody says: 10,000 gwei, in wei. The reference has no bound there, and one
/// mistaken endpoint can spend all that the account has.
const PRICE_MAX: u128 = 10_000_000_000_000;
/// A file larger than this is no configuration.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Everything that can be configured. What a key means stands at its field; defaults are those of the node spec.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it was read from; jobs lie in `jobs/` beside it.
    pub file: PathBuf,
    /// `RootDir`: keys and store. The file's folder unless given.
    pub root_dir: PathBuf,
    /// `ShutdownGracePeriod`: how long a stopping node may take to finish what it has begun.
    pub shutdown_grace_period: Duration,
    /// `InsecureFastScrypt`: makes key files cheap to open, and cheap to break. For development chains.
    pub insecure_fast_scrypt: bool,
    /// `Log`.
    pub log: Log,
    /// `WebServer`.
    pub web_server: WebServer,
    /// `P2P`.
    pub p2p: P2p,
    /// `OCR2`.
    pub ocr2: Ocr2,
    /// `EVM`: one entry for each chain, by ascending place in the file.
    pub evm: Vec<Evm>,
    /// `JobPipeline`.
    pub job_pipeline: JobPipeline,
    /// Keys that were accepted without effect, each with its line.
    pub ignored: Vec<String>,
}

/// What is logged and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// `Level`: trace, debug, info, warn or error.
    pub level: Level,
    /// `JSONConsole`: one JSON object a line on stderr in place of text.
    pub json_console: bool,
    /// `File`, if `File.Dir` is given: the same lines to a file as well.
    pub file: Option<LogFile>,
}

impl Default for Log {
    fn default() -> Self {
        Log { level: Level::Info, json_console: false, file: None }
    }
}

/// The least severity that is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    const ALL: [(&'static str, Level); 5] = [
        ("trace", Level::Trace),
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warn", Level::Warn),
        ("error", Level::Error),
    ];

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// A log file that is set aside when it has grown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogFile {
    /// `File.Dir`: the folder; the file is `dodona.log`.
    pub dir: PathBuf,
    /// `File.MaxSize`: bytes after which a new file is begun.
    pub size_max: u64,
    /// `File.MaxBackups`: how many older files are kept.
    pub backups_max: u64,
}

/// Where `/health`, `/readyz` and `/metrics` are served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WebServer {
    /// `ListenIP`.
    pub listen_ip: IpAddr,
    /// `HTTPPort`; 0 takes a free one.
    pub http_port: u16,
}

impl WebServer {
    /// The address to listen on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.listen_ip, self.http_port)
    }
}

/// How the node meets its peers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct P2p {
    /// `IncomingMessageBufferSize`: messages per peer that wait for an oracle before the oldest is dropped.
    pub incoming_message_buffer_size: u32,
    /// `OutgoingMessageBufferSize`: messages per peer that wait for the connection before the oldest is dropped.
    pub outgoing_message_buffer_size: u32,
    /// `PeerID`: which key to use; needed only when the keystore has several.
    pub peer_id: Option<PeerId>,
    /// `Generation`: how received messages are judged (networking spec 19).
    pub generation: Generation,
    /// `V2.ListenAddresses`, at least one.
    pub listen_addresses: Vec<SocketAddr>,
    /// `V2.AnnounceAddresses`: where others can dial; the listen addresses if empty.
    pub announce_addresses: Vec<String>,
    /// `V2.DefaultBootstrappers`: who is asked for the addresses of others when a job names nobody.
    pub default_bootstrappers: Vec<Locator>,
    /// `V2.DeltaDial`: the least time between two dials to one peer.
    pub delta_dial: Duration,
    /// `V2.DeltaReconcile`: the time between two exchanges of announcements.
    pub delta_reconcile: Duration,
}

/// Which of the reference's two networking stacks the receiving side behaves like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Generation {
    /// ragep2p, what a reference node speaks by default.
    #[default]
    Old,
    /// ragep2pnew.
    New,
}

/// Limits of the OCR2 protocol that are the node's own; within the bounds of the OCR2 spec 10.4.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ocr2 {
    /// `ContractConfirmations`: how deep a configuration must lie before it counts.
    pub contract_confirmations: u16,
    /// `BlockchainTimeout`: how long a read of the contract may take.
    pub blockchain_timeout: Duration,
    /// `ContractPollInterval`: how often the contract is asked for a new configuration.
    pub contract_poll_interval: Duration,
    /// `ContractTransmitterTransmitTimeout`: how long handing over a transmission may take.
    pub contract_transmitter_transmit_timeout: Duration,
    /// `KeyBundleID`: which key bundle to use; needed only when the keystore has several.
    pub key_bundle_id: Option<String>,
}

/// One chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evm {
    /// `ChainID`.
    pub chain_id: u64,
    /// `Enabled`.
    pub enabled: bool,
    /// `LogPollInterval`: how often heads and logs are polled.
    pub log_poll_interval: Duration,
    /// `Transactions`.
    pub transactions: Transactions,
    /// `GasEstimator`.
    pub gas_estimator: GasEstimator,
    /// `Nodes`: the endpoints, preferred ones first; at least one.
    pub nodes: Vec<EvmNode>,
}

impl Default for Evm {
    /// The defaults of the node spec, without any endpoint.
    fn default() -> Self {
        Evm {
            chain_id: 0,
            enabled: true,
            log_poll_interval: 15 * SECOND,
            transactions: Transactions { in_flight_max: 16, resend_after: 60 * SECOND },
            gas_estimator: GasEstimator {
                price_max: PRICE_MAX,
                tip_cap_min: 1,
                limit_max: 500_000,
                bump_min: 5_000_000_000,
                bump_percent: 20,
                bump_threshold: 3,
            },
            nodes: Vec::new(),
        }
    }
}

/// How transactions are brought into a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transactions {
    /// `MaxInFlight`: sent and not yet included, for each key.
    pub in_flight_max: u32,
    /// `ResendAfterThreshold`: an attempt is sent again when it was not included for so long.
    pub resend_after: Duration,
}

/// What is paid; amounts in wei for a unit of gas. The tip follows what the endpoints advise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GasEstimator {
    /// `PriceMax`: never more than this, base fee and tip together; 10,000 gwei unless given.
    pub price_max: u128,
    /// `TipCapMin`: the least tip.
    pub tip_cap_min: u128,
    /// `LimitMax`: never more than this much gas for one transaction.
    pub limit_max: u64,
    /// `BumpMin`: a replacement pays at least so much more.
    pub bump_min: u128,
    /// `BumpPercent`: a replacement pays at least so much more, in per cent.
    pub bump_percent: u32,
    /// `BumpThreshold`: blocks without inclusion before a replacement.
    pub bump_threshold: u32,
}

/// One JSON-RPC endpoint. Its URLs may carry credentials, so only their hosts are printed.
#[derive(Clone, PartialEq, Eq)]
pub struct EvmNode {
    /// `Name`, for logs and metrics.
    pub name: String,
    /// `HTTPURL`.
    pub http_url: Url,
    /// `WSURL`.
    pub ws_url: Option<Url>,
    /// `SendOnly`: only transactions go there.
    pub send_only: bool,
    /// `Order`: lower ones are preferred.
    pub order: u32,
}

impl fmt::Debug for EvmNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvmNode")
            .field("name", &self.name)
            .field("http", &masked(&self.http_url))
            .field("ws", &self.ws_url.as_ref().map(masked))
            .field("send_only", &self.send_only)
            .field("order", &self.order)
            .finish()
    }
}

/// How pipelines are run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobPipeline {
    /// `MaxRunDuration`: for a whole run, which has no more time than its observation either.
    pub run_duration_max: Duration,
    /// `HTTPRequest.DefaultTimeout`: for a request whose task has no `timeout`.
    pub http_timeout: Duration,
    /// `HTTPRequest.MaxSize`: bytes of a response.
    pub http_response_bytes_max: u64,
}

impl Config {
    /// Reads and checks a file. All problems are returned, in the order of the file.
    pub fn read(path: &Path) -> Result<Config, Vec<BadInput>> {
        let text = read_text(path, FILE_BYTES_MAX)?;
        Config::parse(path, &text)
    }

    /// Checks a text that was (or will be) the contents of `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Config, Vec<BadInput>> {
        let file = TomlFile::new(path, text);
        let mut root = file.root()?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut config = Config {
            file: path.to_owned(),
            root_dir: root
                .parsed("RootDir", "\"/var/lib/dodona\"", |text| Ok(folder.join(text)))
                .unwrap_or(folder.into()),
            shutdown_grace_period: root.duration("ShutdownGracePeriod", 5 * SECOND, (Duration::ZERO, DAY)),
            insecure_fast_scrypt: root.flag("InsecureFastScrypt", false),
            log: log(root.section("Log"), folder),
            web_server: web_server(root.section("WebServer")),
            p2p: p2p(root.section("P2P")),
            ocr2: ocr2(root.section("OCR2")),
            evm: root.sections("EVM").into_iter().filter_map(evm).collect(),
            job_pipeline: job_pipeline(root.section("JobPipeline")),
            ignored: Vec::new(),
        };
        let chain_ids: Vec<u64> = config.evm.iter().map(|chain| chain.chain_id).collect();
        if let Some(twice) = chain_ids.iter().enumerate().find(|(i, id)| chain_ids[..*i].contains(id)) {
            root.problem_here("EVM", format!("chain {} is there twice", twice.1), "keep one [[EVM]] for each ChainID");
        }
        root.ignore(&IGNORED_SECTIONS);
        root.finish();
        config.ignored = file.finish()?;
        Ok(config)
    }

    /// The enabled chain with this id.
    pub fn chain(&self, chain_id: u64) -> Option<&Evm> {
        self.evm.iter().find(|chain| chain.chain_id == chain_id && chain.enabled)
    }

    /// Where the keys lie.
    pub fn keys_folder(&self) -> PathBuf {
        self.root_dir.join("keys")
    }

    /// Where the store lies.
    pub fn store_folder(&self) -> PathBuf {
        self.root_dir.join("store")
    }

    /// Where the jobs lie.
    pub fn jobs_folder(&self) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join("jobs")
    }
}

/// Sections of other node software that have no counterpart here (yet).
const IGNORED_SECTIONS: [&str; 27] = [
    "Feature",
    "Database",
    "TelemetryIngress",
    "AuditLogger",
    "FluxMonitor",
    "OCR",
    "Keeper",
    "AutoPprof",
    "Pyroscope",
    "Sentry",
    "Tracing",
    "Telemetry",
    "Insecure",
    "Mercury",
    "Capabilities",
    "Workflows",
    "CRE",
    "Billing",
    "Sharding",
    "LOOPP",
    "JobDistributor",
    "BridgeStatusReporter",
    "JobSpecReporter",
    "Cosmos",
    "Solana",
    "Starknet",
    "Aptos",
];

fn log(mut section: Section<'_>, folder: &Path) -> Log {
    let level = section
        .parsed("Level", "\"info\"", |text| {
            let known = Level::ALL.iter().find(|(name, _)| *name == text);
            known.map(|(_, level)| *level).ok_or_else(|| format!("{text:?} is not trace, debug, info, warn or error"))
        })
        .unwrap_or(Level::Info);
    let json_console = section.flag("JSONConsole", false);
    let mut file = section.section("File");
    let dir = file.parsed("Dir", "\"log\"", |text| Ok(folder.join(text)));
    let size_max = file.parsed("MaxSize", "\"100mb\"", bytes).unwrap_or(5120 << 20);
    let backups_max = file.number("MaxBackups", 1, (0, 10_000));
    file.ignore(&["MaxAgeDays"]);
    file.finish();
    section.ignore(&["UnixTS"]);
    section.finish();
    Log { level, json_console, file: dir.map(|dir| LogFile { dir, size_max, backups_max }) }
}

fn web_server(mut section: Section<'_>) -> WebServer {
    let listen_ip = section
        .parsed("ListenIP", "\"127.0.0.1\"", |text| text.parse().map_err(|_| format!("{text:?} is no IP address")))
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let http_port = u16_of(section.number("HTTPPort", 6688, (0, 65_535)));
    section.ignore(&[
        "AuthenticationMethod",
        "AllowOrigins",
        "BridgeCacheTTL",
        "BridgeResponseURL",
        "HTTPWriteTimeout",
        "HTTPMaxSize",
        "SecureCookies",
        "SessionTimeout",
        "SessionReaperExpiration",
        "StartTimeout",
        "TLS",
        "RateLimit",
        "MFA",
        "LDAP",
        "OIDC",
    ]);
    section.finish();
    WebServer { listen_ip, http_port }
}

fn p2p(mut section: Section<'_>) -> P2p {
    let incoming_message_buffer_size = u32_of(section.number("IncomingMessageBufferSize", 10, (1, 10_000)));
    let outgoing_message_buffer_size = u32_of(section.number("OutgoingMessageBufferSize", 10, (1, 10_000)));
    let peer_id = section.parsed("PeerID", "\"12D3KooW…\"", |text| {
        if text.is_empty() {
            return Ok(None);
        }
        let text = text.strip_prefix("p2p_").unwrap_or(text);
        text.parse().map(Some).map_err(|error| format!("no peer id: {error}"))
    });
    let generation = section
        .parsed("Generation", "\"old\"", |text| match text {
            "old" => Ok(Generation::Old),
            "new" => Ok(Generation::New),
            _ => Err(format!("{text:?} is neither old nor new")),
        })
        .unwrap_or_default();
    section.ignore(&["TraceLogging", "EnableExperimentalRageP2P"]);
    let mut v2 = section.section("V2");
    let address = |text: &str| text.parse::<SocketAddr>().map_err(|_| format!("{text:?} is no IP:port"));
    let read = P2p {
        incoming_message_buffer_size,
        outgoing_message_buffer_size,
        peer_id: peer_id.flatten(),
        generation,
        listen_addresses: v2.parsed_list("ListenAddresses", "[\"0.0.0.0:6690\"]", address).unwrap_or_default(),
        announce_addresses: v2
            .parsed_list("AnnounceAddresses", "[\"203.0.113.7:6690\"]", |text| address(text).map(|_| text.to_owned()))
            .unwrap_or_default(),
        default_bootstrappers: v2
            .parsed_list("DefaultBootstrappers", "[\"12D3KooW…@boot.example.org:6690\"]", |text| {
                text.parse().map_err(|error: p2p::LocatorError| error.to_string())
            })
            .unwrap_or_default(),
        delta_dial: v2.duration("DeltaDial", 15 * SECOND, (Duration::from_millis(10), DAY)),
        delta_reconcile: v2.duration("DeltaReconcile", 60 * SECOND, (Duration::from_millis(10), DAY)),
    };
    if !v2.flag("Enabled", true) {
        v2.problem_here("Enabled", "there is no other networking than V2", "leave this key out");
    }
    v2.finish();
    section.finish();
    read
}

fn ocr2(mut section: Section<'_>) -> Ocr2 {
    let read = Ocr2 {
        contract_confirmations: u16_of(section.number("ContractConfirmations", 3, (1, 100))),
        blockchain_timeout: section.duration("BlockchainTimeout", 20 * SECOND, (SECOND, 20 * SECOND)),
        contract_poll_interval: section.duration("ContractPollInterval", 60 * SECOND, (SECOND, 120 * SECOND)),
        contract_transmitter_transmit_timeout: section.duration(
            "ContractTransmitterTransmitTimeout",
            10 * SECOND,
            (SECOND, 60 * SECOND),
        ),
        key_bundle_id: section
            .parsed("KeyBundleID", "\"…64 hex digits…\"", |text| {
                let is_id = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let is_none = text.is_empty() || text.bytes().all(|byte| byte == b'0');
                if is_none {
                    Ok(None)
                } else if is_id {
                    Ok(Some(text.to_lowercase()))
                } else {
                    Err("a key bundle id has 64 hex digits".into())
                }
            })
            .flatten(),
    };
    section.ignore(&[
        "Enabled",
        "ContractSubscribeInterval",
        "DatabaseTimeout",
        "CaptureEATelemetry",
        "CaptureAutomationCustomTelemetry",
        "AllowNoBootstrappers",
        "DefaultTransactionQueueDepth",
        "SimulateTransactions",
        "TraceLogging",
        "SampleTelemetry",
        "KeyValueStoreRootDir",
    ]);
    section.finish();
    read
}

fn evm(mut section: Section<'_>) -> Option<Evm> {
    let says_chain = section.has("ChainID");
    let chain_id = section.value("ChainID", |value| match value.as_str() {
        Some(text) => text.parse().map_err(|_| (format!("{text:?} is no chain id"), "\"1\"")),
        None => whole(value, (0, u64::MAX)),
    });
    let given = chain_id.is_some();
    let sections = section.sections("Nodes");
    let described = sections.len();
    let mut nodes: Vec<EvmNode> = sections.into_iter().enumerate().filter_map(|(i, node)| evm_node(i, node)).collect();
    nodes.sort_by_key(|node| node.order);
    let enabled = section.flag("Enabled", true);
    if !says_chain {
        section.problem_here("ChainID", "is missing", "say which chain this is, for example ChainID = \"1\"");
    }
    // An endpoint with a mistake has been told, and would be one.
    if enabled && nodes.len() == described && nodes.iter().all(|node| node.send_only) {
        let remedy = "add [[EVM.Nodes]] with Name = \"main\" and HTTPURL = \"http://127.0.0.1:8545\"";
        section.problem_here("Nodes", "no endpoint to read from", remedy);
    }
    let default = Evm::default();
    let mut fees = section.section("GasEstimator");
    let gas_estimator = GasEstimator {
        price_max: fees.parsed("PriceMax", "\"500 gwei\"", wei).unwrap_or(default.gas_estimator.price_max),
        tip_cap_min: fees.parsed("TipCapMin", "\"1 wei\"", wei).unwrap_or(default.gas_estimator.tip_cap_min),
        limit_max: fees.number("LimitMax", default.gas_estimator.limit_max, (21_000, 1 << 40)),
        bump_min: fees.parsed("BumpMin", "\"5 gwei\"", wei).unwrap_or(default.gas_estimator.bump_min),
        bump_percent: u32_of(fees.number("BumpPercent", default.gas_estimator.bump_percent.into(), (10, 1_000))),
        bump_threshold: u32_of(fees.number("BumpThreshold", default.gas_estimator.bump_threshold.into(), (1, 10_000))),
    };
    if gas_estimator.tip_cap_min > gas_estimator.price_max {
        fees.problem_here("TipCapMin", "is above PriceMax", "lower it, or raise PriceMax");
    }
    fees.ignore(&[
        "Mode",
        "PriceDefault",
        "PriceMin",
        "TipCapDefault",
        "LimitDefault",
        "LimitMultiplier",
        "LimitTransfer",
        "LimitJobType",
        "EstimateLimit",
        "EIP1559DynamicFees",
        "FeeCapDefault",
        "BumpTxDepth",
        "BlockHistory",
        "FeeHistory",
        "DAOracle",
    ]);
    fees.finish();
    let mut sending = section.section("Transactions");
    let transactions = Transactions {
        in_flight_max: u32_of(sending.number("MaxInFlight", default.transactions.in_flight_max.into(), (1, 16))),
        resend_after: sending.duration("ResendAfterThreshold", default.transactions.resend_after, (SECOND, DAY)),
    };
    sending.ignore(&[
        "Enabled",
        "ForwardersEnabled",
        "MaxQueued",
        "ReaperInterval",
        "ReaperThreshold",
        "ConfirmationTimeout",
        "AutoPurge",
        "TransactionManagerV2",
    ]);
    sending.finish();
    let read = Evm {
        chain_id: chain_id.unwrap_or_default(),
        enabled,
        log_poll_interval: section.duration(
            "LogPollInterval",
            default.log_poll_interval,
            (Duration::from_millis(10), DAY),
        ),
        transactions,
        gas_estimator,
        nodes,
    };
    section.ignore(&[
        "AutoCreateKey",
        "BlockBackfillDepth",
        "BlockBackfillSkip",
        "ChainType",
        "FinalityDepth",
        "FinalityTagEnabled",
        "SafeDepth",
        "FinalizedBlockOffset",
        "FlagsContractAddress",
        "LinkContractAddress",
        "LogBackfillBatchSize",
        "LogKeepBlocksDepth",
        "LogPrunePageSize",
        "BackupLogPollerBlockDelay",
        "LogBroadcasterEnabled",
        "MinContractPayment",
        "MinIncomingConfirmations",
        "NonceAutoSync",
        "NoNewHeadsThreshold",
        "NoNewFinalizedHeadsThreshold",
        "OperatorFactoryAddress",
        "RPCDefaultBatchSize",
        "RPCBlockQueryDelay",
        "BalanceMonitor",
        "HeadTracker",
        "KeySpecific",
        "NodePool",
        "OCR",
        "OCR2",
        "Workflow",
    ]);
    section.finish();
    given.then_some(read)
}

fn evm_node(index: usize, mut section: Section<'_>) -> Option<EvmNode> {
    let name =
        section.parsed("Name", "\"main\"", |text| Ok(text.to_owned())).unwrap_or_else(|| format!("node-{index}"));
    let says_http = section.has("HTTPURL");
    let http_url = section.parsed("HTTPURL", "\"http://127.0.0.1:8545\"", |text| url_of(text, &["http", "https"]));
    let ws_url = section.parsed("WSURL", "\"ws://127.0.0.1:8545\"", |text| url_of(text, &["ws", "wss"]));
    let send_only = section.flag("SendOnly", false);
    let order = u32_of(section.number("Order", 100, (1, 100)));
    if !says_http {
        section.problem_here("HTTPURL", "is missing", "every endpoint needs one, WSURL is an addition to it");
    }
    section.ignore(&["HTTPURLExtraWrite", "IsLoadBalancedRPC"]);
    section.finish();
    Some(EvmNode { name, http_url: http_url?, ws_url, send_only, order })
}

fn job_pipeline(mut section: Section<'_>) -> JobPipeline {
    let run_duration_max = section.duration("MaxRunDuration", 600 * SECOND, (SECOND, DAY));
    let mut http = section.section("HTTPRequest");
    let http_timeout = http.duration("DefaultTimeout", 15 * SECOND, (Duration::from_millis(1), DAY));
    let http_response_bytes_max = http
        .value("MaxSize", |value| match value.as_str() {
            Some(text) => bytes(text).map_err(|problem| (problem, "\"32kb\"")),
            None => whole(value, (1, 1 << 30)),
        })
        .unwrap_or(32_768);
    http.finish();
    section.ignore(&[
        "ExternalInitiatorsEnabled",
        "MaxSuccessfulRuns",
        "ReaperInterval",
        "ReaperThreshold",
        "ResultWriteQueueDepth",
        "VerboseLogging",
    ]);
    section.finish();
    JobPipeline { run_duration_max, http_timeout, http_response_bytes_max }
}

/// A URL with a host and one of these schemes. The text is not repeated in the error: it may carry credentials.
pub fn url_of(text: &str, schemes: &[&str]) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("no URL: {error}"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("a URL with scheme {:?}, wanted {}", url.scheme(), schemes.join(" or ")));
    }
    match url.host_str() {
        Some(host) if !host.is_empty() => Ok(url),
        _ => Err("a URL without host".into()),
    }
}

/// An address of one case, or with the checksum of EIP-55.
pub fn address_of(text: &str) -> Result<Address, String> {
    pipeline::parse_address(text).map_err(|(problem, remedy)| format!("{problem}; {remedy}"))
}

/// An amount with a unit, in wei.
fn wei(text: &str) -> Result<u128, String> {
    let wrong = || format!("{text:?} is no amount such as \"20 gwei\", \"1.5 ether\" or \"100 wei\"");
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let digits = match unit.trim() {
        "wei" => 0,
        "kwei" => 3,
        "mwei" => 6,
        "gwei" => 9,
        "micro" => 12,
        "milli" => 15,
        "eth" | "ether" => 18,
        _ => return Err(wrong()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > digits || (whole.is_empty() && fraction.is_empty()) {
        return Err(wrong());
    }
    let padded = format!("{whole}{fraction}{}", "0".repeat(digits - fraction.len()));
    padded.parse().map_err(|_| wrong())
}

/// A size with an optional unit, in bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size such as \"32768b\", \"512kb\" or \"5mb\"");
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1 << 10,
        "mb" => 1 << 20,
        "gb" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).filter(|size| *size > 0).ok_or_else(wrong)
}

/// The text of a file that a person wrote, which is never large.
pub fn read_text(path: &Path, bytes_max: u64) -> Result<String, BadInput> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes))
        .map_err(|error| BadInput::io(path, "read", &error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(BadInput::new(format!("larger than {bytes_max} bytes")).in_file(path));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        BadInput::new("not UTF-8 text").in_file(path).on_line(line)
    })
}

// The ranges that `Section::number` has checked lie within these types.
fn u32_of(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn u16_of(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Vec<String>> {
        Config::parse(Path::new("/etc/dodona/config.toml"), text)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_empty_file_gives_the_defaults_of_the_spec() {
        let config = parse("").unwrap();
        assert_eq!(config.root_dir, Path::new("/etc/dodona"));
        assert_eq!(config.jobs_folder(), Path::new("/etc/dodona/jobs"));
        assert_eq!(config.web_server.address(), "0.0.0.0:6688".parse().unwrap());
        assert_eq!(config.log, Log::default());
        assert_eq!(config.p2p.delta_dial, 15 * SECOND);
        assert_eq!(config.p2p.delta_reconcile, 60 * SECOND);
        assert_eq!(config.p2p.incoming_message_buffer_size, 10);
        assert_eq!(config.ocr2.contract_confirmations, 3);
        assert_eq!(config.job_pipeline.http_response_bytes_max, 32_768);
        assert_eq!(config.shutdown_grace_period, 5 * SECOND);
    }

    #[test]
    fn every_key_is_read() {
        let config = parse(
            r#"
            RootDir = "state"
            ShutdownGracePeriod = "7s"
            InsecureFastScrypt = true
            [Log]
            Level = "debug"
            JSONConsole = true
            [Log.File]
            Dir = "log"
            MaxSize = "2mb"
            MaxBackups = 4
            [WebServer]
            HTTPPort = 0
            ListenIP = "127.0.0.1"
            [P2P]
            IncomingMessageBufferSize = 20
            OutgoingMessageBufferSize = 30
            Generation = "new"
            [P2P.V2]
            Enabled = true
            ListenAddresses = ["127.0.0.1:6690", "[::1]:6690"]
            AnnounceAddresses = ["203.0.113.7:6690"]
            DefaultBootstrappers = ["12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN@boot.example.org:6690/10.0.0.1:1"]
            DeltaDial = "500ms"
            DeltaReconcile = "1s"
            [OCR2]
            ContractConfirmations = 1
            ContractPollInterval = "1s"
            [[EVM]]
            ChainID = "1337"
            Transactions.MaxInFlight = 8
            GasEstimator.PriceMax = "0.5 gwei"
            [[EVM.Nodes]]
            Name = "second"
            HTTPURL = "https://user:secret@rpc.example.org/key"
            [[EVM.Nodes]]
            Name = "first"
            HTTPURL = "http://127.0.0.1:8545"
            WSURL = "ws://127.0.0.1:8545"
            Order = 1
            [JobPipeline]
            MaxRunDuration = "9s"
            [JobPipeline.HTTPRequest]
            DefaultTimeout = "2s"
            MaxSize = "64kb"
            "#,
        )
        .unwrap();
        assert_eq!(config.root_dir, Path::new("/etc/dodona/state"));
        assert!(config.insecure_fast_scrypt);
        assert_eq!(config.log.level, Level::Debug);
        assert_eq!(config.log.file, Some(LogFile { dir: "/etc/dodona/log".into(), size_max: 2 << 20, backups_max: 4 }));
        assert_eq!(config.p2p.generation, Generation::New);
        assert_eq!(config.p2p.listen_addresses.len(), 2);
        assert_eq!(config.p2p.default_bootstrappers[0].addresses, ["boot.example.org:6690", "10.0.0.1:1"]);
        let chain = config.chain(1337).unwrap();
        assert_eq!(chain.transactions.in_flight_max, 8);
        assert_eq!(chain.gas_estimator.price_max, 500_000_000);
        assert_eq!(chain.nodes[0].name, "first");
        assert_eq!(config.job_pipeline.run_duration_max, 9 * SECOND);
        assert_eq!(config.job_pipeline.http_timeout, 2 * SECOND);
        assert_eq!(config.job_pipeline.http_response_bytes_max, 65_536);
        assert!(config.ignored.is_empty(), "{:?}", config.ignored);
        let printed = format!("{config:?}");
        assert!(printed.contains("https://rpc.example.org") && !printed.contains("secret"), "{printed}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_nearest_name() {
        let problems = parse("[WebServer]\nHTTPPort = 1\n\n[P2P.V2]\nListenAdresses = []\n").unwrap_err();
        assert_eq!(
            problems,
            ["/etc/dodona/config.toml:5: P2P.V2.ListenAdresses: unknown key; did you mean ListenAddresses?"]
        );
    }

    #[test]
    fn all_problems_are_told_in_the_order_of_the_file() {
        let text = "Log.Level = \"loud\"\nShutdownGracePeriod = 5\nOCR2.BlockchainTimeout = \"1h\"\n[WebServer]\nHTTPPort = 70000\n\
                    [[EVM]]\nChainID = 5\n[[EVM.Nodes]]\nHTTPURL = \"ftp://x\"\n";
        let problems = parse(text).unwrap_err();
        let file = "/etc/dodona/config.toml";
        assert_eq!(
            problems[..4],
            [
                format!(
                    "{file}:1: Log.Level: \"loud\" is not trace, debug, info, warn or error; for example Level = \"info\""
                ),
                format!(
                    "{file}:2: ShutdownGracePeriod: wanted a string, got integer; for example ShutdownGracePeriod = \"10s\""
                ),
                format!(
                    "{file}:3: OCR2.BlockchainTimeout: 1h is outside of 1s to 20s; for example BlockchainTimeout = \"10s\""
                ),
                format!(
                    "{file}:5: WebServer.HTTPPort: wanted a whole number from 0 to 65535, got 70000; for example HTTPPort = 10"
                ),
            ]
        );
        assert!(problems.iter().any(|problem| problem.contains("EVM[0].Nodes[0].HTTPURL: a URL with scheme \"ftp\"")));
    }

    #[test]
    fn a_mistake_in_an_endpoint_is_told_once() {
        let problems = parse("[[EVM]]\nChainID = \"one\"\n[[EVM.Nodes]]\nHTTPURL = \"ftp://x\"\n").unwrap_err();
        let [chain, url] = &problems[..] else { panic!("{problems:?}") };
        assert!(chain.contains("config.toml:2: EVM[0].ChainID: \"one\" is no chain id"), "{chain}");
        assert!(url.contains("config.toml:4: EVM[0].Nodes[0].HTTPURL: a URL with scheme"), "{url}");
        let problems = parse("[[EVM]]\nChainID = 1\n[[EVM.Nodes]]\nName = \"a\"\n").unwrap_err();
        let [missing] = &problems[..] else { panic!("{problems:?}") };
        assert!(missing.contains("config.toml:3: EVM[0].Nodes[0].HTTPURL: is missing; every endpoint"), "{missing}");
    }

    #[test]
    fn bad_grammar_is_refused_with_its_line() {
        let problems = parse("RootDir = \"x\"\n[Log\n").unwrap_err();
        assert!(problems[0].starts_with("/etc/dodona/config.toml:2: "), "{problems:?}");
    }

    #[test]
    fn keys_of_other_node_software_are_accepted_and_listed() {
        let config = parse("[Feature]\nLogPoller = true\n[OCR2]\nEnabled = true\n").unwrap();
        assert_eq!(config.ignored, ["OCR2.Enabled (line 4)", "Feature (line 1)"]);
    }

    #[test]
    fn a_key_that_would_change_what_a_reference_node_does_and_changes_nothing_here_is_listed() {
        let config = parse(
            "[OCR2]\nSimulateTransactions = true\nDefaultTransactionQueueDepth = 5\n\
             [JobPipeline]\nMaxSuccessfulRuns = 0\nResultWriteQueueDepth = 7\n\
             [[EVM]]\nChainID = 1\nFinalityDepth = 2\nLogBackfillBatchSize = 10\n\
             [[EVM.Nodes]]\nHTTPURL = \"http://a\"\n",
        );
        assert_eq!(
            config.unwrap().ignored,
            [
                "OCR2.DefaultTransactionQueueDepth (line 3)",
                "OCR2.SimulateTransactions (line 2)",
                "EVM[0].FinalityDepth (line 9)",
                "EVM[0].LogBackfillBatchSize (line 10)",
                "JobPipeline.MaxSuccessfulRuns (line 5)",
                "JobPipeline.ResultWriteQueueDepth (line 6)",
            ]
        );
    }

    #[test]
    fn a_chain_without_endpoint_or_twice_is_refused() {
        let problems = parse("[[EVM]]\nChainID = 1\n").unwrap_err();
        assert!(
            problems[0].contains("config.toml:1: EVM[0].Nodes: no endpoint to read from; add [[EVM.Nodes]]"),
            "{problems:?}"
        );
        let chain = "[[EVM]]\nChainID = 1\n[[EVM.Nodes]]\nHTTPURL = \"http://a\"\n";
        let problems = parse(&chain.repeat(2)).unwrap_err();
        assert!(problems[0].contains("chain 1 is there twice"), "{problems:?}");
    }

    #[test]
    fn a_price_that_is_configured_holds_and_is_not_below_the_least_tip() {
        let with = |fees: &str| {
            let node = "[[EVM]]\nChainID = 1\n[[EVM.Nodes]]\nHTTPURL = \"http://a\"\n";
            parse(&format!("{node}[EVM.GasEstimator]\n{fees}"))
        };
        let price_max = |fees: &str| with(fees).unwrap().evm[0].gas_estimator.price_max;
        assert_eq!(price_max(""), 10_000 * 1_000_000_000);
        assert_eq!(price_max("PriceMax = \"50000 gwei\"\n"), 50_000 * 1_000_000_000);
        let problems = with("PriceMax = \"1 gwei\"\nTipCapMin = \"2 gwei\"\n").unwrap_err();
        assert_eq!(
            problems,
            [
                "/etc/dodona/config.toml:5: EVM[0].GasEstimator.TipCapMin: is above PriceMax; lower it, or raise PriceMax"
            ]
        );
    }

    #[test]
    fn amounts_and_sizes_carry_units() {
        assert_eq!(wei("20 gwei"), Ok(20_000_000_000));
        assert_eq!(wei("1.5ether"), Ok(1_500_000_000_000_000_000));
        assert_eq!(wei("1 wei"), Ok(1));
        for bad in ["20", "gwei", "1.5 wei", "-1 gwei", ". gwei", "1 btc", "9".repeat(40).as_str()] {
            assert!(wei(bad).is_err(), "{bad}");
        }
        assert_eq!(bytes("5120mb"), Ok(5120 << 20));
        assert_eq!(bytes("32768b"), Ok(32_768));
        for bad in ["", "mb", "0", "1tb", "99999999999gb"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bootstrapper_is_a_peer_and_where_it_may_be() {
        let id = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
        let text = format!("{id}@localhost:1234/[::1]:7");
        assert_eq!(text.parse::<Locator>().unwrap().to_string(), text);
        assert_eq!(format!("{id}@").parse::<Locator>().unwrap().addresses, [""; 0]);
        for bad in [id.to_owned(), format!("{id}@host"), format!("{id}@:1"), format!("{id}@h:70000"), "x@h:1".into()] {
            assert!(bad.parse::<Locator>().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_with_a_line(text in "[a-zA-Z0-9\\[\\]=.\"'\n {},#-]{0,200}") {
            if let Err(problems) = Config::parse(Path::new("c.toml"), &text) {
                proptest::prop_assert!(!problems.is_empty());
                proptest::prop_assert!(problems.iter().all(|problem| problem.line.is_some()), "{problems:?}");
            }
        }

        #[test]
        fn any_text_is_an_amount_a_size_a_bootstrapper_or_not(text in "\\PC{0,40}") {
            let _ = (wei(&text), bytes(&text), text.parse::<Locator>(), url_of(&text, &["http"]));
        }
    }
}
