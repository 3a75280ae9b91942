//! One oracle over the life of its contract: a configuration after the other, each with its own endpoint, plugin and
//! records (OCR2 spec 10.1, 10.2).

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};

use crypto::x25519;
use machine::{Claim, Machine, Mono, Tickets, Time};
use ocr::{Address, ConfigDigest, ContractConfig, OracleId, PeerId, PerOracle, evm_simple};

use crate::{
    config::{ConfigError, OracleIdentity, SharedConfig},
    limits::CONFIGS_KEPT,
    message::Message,
    oracle::{LocalConfig, Oracle, Setup, SetupError},
    plugin::{PluginError, PluginFactory, ReportingPluginConfig},
    protocol::{Effects, EndpointSpec, Event, Ocr2, Order, Output},
    record::{Memory, Record, RecordKey},
    refusal::Stale,
};

/// Who we are: what a configuration must say about us, and the key that opens its secret.
#[derive(Clone, Debug)]
pub struct Identity {
    pub identity: OracleIdentity,
    pub config_key: x25519::SecretKey,
}

/// Whose configurations we follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    pub chain_id: u64,
    pub address: Address,
}

/// An oracle that follows its contract from configuration to configuration.
#[derive(Debug)]
pub struct Managed {
    identity: Identity,
    contract: Contract,
    local: LocalConfig,
    factory: Box<dyn PluginFactory>,
    current: Option<Arc<ContractConfig>>,
    /// `None` while there is no configuration, or one that we cannot run.
    running: Option<Oracle>,
    /// Digests of the configurations before, latest first.
    former: Vec<ConfigDigest>,
    /// What is stored of configurations that do not run.
    memories: BTreeMap<ConfigDigest, Memory>,
    tickets: Tickets,
    started: bool,
}

/// Why a configuration does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigRefusal {
    /// It is ignored, and what ran goes on: a node of the chain lies, or the contract is of another kind.
    #[error("its digest is not what the contract computes: {got} instead of {wanted}")]
    Digest { got: ConfigDigest, wanted: ConfigDigest },
    /// It is ignored, as above.
    #[error("it has no digest: {0}")]
    NoDigest(#[from] evm_simple::NoAddress),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the peer id of oracle {oracle} is none")]
    PeerId { oracle: OracleId },
    #[error("the plugin cannot run with it: {0}")]
    Plugin(#[from] PluginError),
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl Managed {
    /// An oracle as it was when these records were stored, of which it wants the newest of each key; none at first. Its
    /// first event starts it, at once if a configuration is stored.
    pub fn recover(
        identity: Identity,
        contract: Contract,
        local: LocalConfig,
        factory: Box<dyn PluginFactory>,
        records: impl IntoIterator<Item = Record>,
    ) -> Self {
        let mut current = None;
        let mut former = Vec::new();
        let mut memories: BTreeMap<ConfigDigest, Memory> = BTreeMap::new();
        for record in records {
            match record {
                Record::Config { current: config, former: digests } => (current, former) = (Some(config), digests),
                Record::Epoch { config_digest, epoch, highest_sent } => {
                    let memory = memories.entry(config_digest).or_default();
                    (memory.epoch, memory.highest_sent) = (epoch, highest_sent);
                }
                Record::Entered { config_digest, at } => memories.entry(config_digest).or_default().entered = at,
                Record::Pending { config_digest, transmission } => {
                    let pending = &mut memories.entry(config_digest).or_default().pending;
                    pending.insert(transmission.report.at, transmission);
                }
                Record::Erased(_) => {}
            }
        }
        Self {
            identity,
            contract,
            local,
            factory,
            current,
            running: None,
            former,
            memories,
            tickets: Tickets::default(),
            started: false,
        }
    }

    /// The oracle that runs, if one does.
    pub fn running(&self) -> Option<&Oracle> {
        self.running.as_ref()
    }

    /// The contract's configuration, whether it runs or not.
    pub fn current(&self) -> Option<&Arc<ContractConfig>> {
        self.current.as_ref()
    }

    fn start(&mut self, now: Time, out: &mut Effects) {
        self.started = true;
        // A crash between two records may leave some of a configuration that is no longer kept.
        let current = self.current.as_ref().map(|config| config.config_digest);
        let is_kept = |digest: &ConfigDigest| Some(*digest) == current || self.former.contains(digest);
        let lost: Vec<_> = self.memories.keys().copied().filter(|digest| !is_kept(digest)).collect();
        for digest in lost {
            self.erase(digest, out);
        }
        // A stored configuration was checked when it came, but the job may follow another contract by now.
        match self.current.as_ref().map(|config| self.check_digest(config)) {
            Some(Ok(())) => self.run(now, out),
            Some(Err(reason)) => self.refuse(reason, out),
            None => {}
        }
    }

    fn configure(&mut self, now: Time, config: Arc<ContractConfig>, out: &mut Effects) {
        let config_digest = config.config_digest;
        if self.current.as_ref().is_some_and(|current| current.config_digest == config_digest) {
            return;
        }
        if let Err(reason) = self.check_digest(&config) {
            out.emit(Output::ConfigRefused { config_digest, reason: Box::new(reason) });
            return;
        }
        if let Some(mut oracle) = self.running.take() {
            self.tickets = oracle.stop(out);
            let closed = oracle.config_digest();
            self.memories.insert(closed, oracle.memory());
            out.emit(Output::Close(closed));
        }
        self.former.retain(|digest| *digest != config_digest);
        if let Some(last) = self.current.replace(config.clone()) {
            self.former.insert(0, last.config_digest);
        }
        let dropped = self.former.split_off(self.former.len().min(CONFIGS_KEPT));
        out.persist(Record::Config { current: config, former: self.former.clone() });
        for digest in dropped {
            self.erase(digest, out);
        }
        self.run(now, out);
    }

    /// The digest must be what the contract computes (OCR2 spec 2.3).
    fn check_digest(&self, config: &ContractConfig) -> Result<(), ConfigRefusal> {
        let wanted = evm_simple::config_digest(self.contract.chain_id, self.contract.address, config)?;
        let got = config.config_digest;
        if got == wanted { Ok(()) } else { Err(ConfigRefusal::Digest { got, wanted }) }
    }

    /// Runs the current configuration, or stays idle until the next.
    fn run(&mut self, now: Time, out: &mut Effects) {
        match self.prepare() {
            Ok((spec, mut oracle)) => {
                out.emit(Output::Open(Arc::new(spec)));
                oracle.handle(now, Event::Woke, out);
                self.running = Some(oracle);
            }
            Err(reason) => self.refuse(reason, out),
        }
    }

    fn prepare(&self) -> Result<(EndpointSpec, Oracle), ConfigRefusal> {
        let Some(config) = &self.current else { unreachable!("only a current configuration is run") };
        let shared = SharedConfig::from_contract(
            config,
            self.local.resource_checks,
            &self.identity.identity,
            &self.identity.config_key,
        )?;
        let mut peer_ids = Vec::new();
        for (oracle, identity) in shared.public.oracles.iter() {
            let peer_id: PeerId = identity.peer_id.parse().map_err(|_| ConfigRefusal::PeerId { oracle })?;
            peer_ids.push(peer_id);
        }
        let plugin_config = ReportingPluginConfig::new(&shared.public, shared.me);
        let plugin = self.factory.make(&plugin_config)?;
        let memory = self.memories.get(&config.config_digest).cloned().unwrap_or_default();
        let setup = Setup::from(shared);
        let public = setup.config.clone();
        let oracle = Oracle::new(setup, plugin, self.local, memory, self.tickets.clone())?;
        let spec = EndpointSpec {
            config_digest: config.config_digest,
            me: plugin_config.me,
            f: plugin_config.f,
            peer_ids: PerOracle::from_list(public.committee, peer_ids).expect("one for each oracle"),
            limits: oracle.transport_limits(),
            plugin_limits: oracle.plugin_info().limits,
            plugin: plugin_config,
            report_req_length: oracle.report_req_length(),
            config: public,
        };
        Ok((spec, oracle))
    }

    fn refuse(&self, reason: ConfigRefusal, out: &mut Effects) {
        let config_digest = self.current.as_ref().map_or(ConfigDigest::ZERO, |config| config.config_digest);
        out.emit(Output::ConfigRefused { config_digest, reason: Box::new(reason) });
    }

    fn erase(&mut self, config_digest: ConfigDigest, out: &mut Effects) {
        if let Some(memory) = self.memories.remove(&config_digest) {
            memory.keys(config_digest).for_each(|key: RecordKey| out.persist(Record::Erased(key)));
        }
    }
}

impl Machine for Managed {
    type Protocol = Ocr2;

    fn claims(&self, from: OracleId, message: &Message, claims: &mut Vec<Claim>) {
        if let Some(oracle) = self.running.as_ref().filter(|oracle| oracle.has(from)) {
            oracle.claims(from, message, claims);
        }
    }

    fn handle(&mut self, now: Time, event: Event, out: &mut Effects) {
        if !self.started {
            self.start(now, out);
        }
        match (event, &mut self.running) {
            (Event::Told(Order::Configure(config)), _) => self.configure(now, config, out),
            // In range of its own committee, which was a larger one.
            (Event::Received { from, message, .. }, Some(oracle)) if !oracle.has(from) => {
                out.emit(Output::Refused { from, message, refusal: Stale::FormerConfig.into() });
            }
            (event @ (Event::Woke | Event::Received { .. } | Event::Answered { .. }), Some(oracle)) => {
                oracle.handle(now, event, out);
            }
            (Event::Received { from, message, .. }, None) => {
                out.emit(Output::Refused { from, message, refusal: Stale::NotRunning.into() });
            }
            (Event::Woke | Event::Answered { .. }, None) => {}
        }
    }

    fn deadline(&self) -> Option<Mono> {
        self.running.as_ref().and_then(Oracle::deadline)
    }
}
