//! The files of each oracle, as an operator would have them: configuration, password, keys, job; and seats for others.

use super::deploy::{Contracts, JUELS_PER_FEE_COIN};
use crate::bad_input::BadInput;
use crate::cli::Failure;
use crate::config::{Config, Generation};
use crate::identity::OracleKeys;
use crate::keys_tool::NodeFiles;
use crate::seat::{PathStep, Seat, SeatChain, SeatNetwork, SeatSource};
use market::{JobFile, Server};
use p2p::Locator;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use url::Url;

/// What every oracle of the network has in common.
#[derive(Debug)]
pub struct Common<'a> {
    pub chain_id: u64,
    pub http_url: &'a Url,
    pub ws_url: Option<&'a Url>,
    pub contracts: &'a Contracts,
    pub bootstrapper: &'a Locator,
    pub sources: &'a Server,
    pub n: u8,
    pub f: u8,
}

/// The folder of a node and where it listens.
#[derive(Clone, Debug)]
pub struct Home {
    pub folder: PathBuf,
    /// Where the node itself listens for its peers.
    pub listen: SocketAddr,
    /// Where its peers find it: there, or at a relay in front of it.
    pub announce: SocketAddr,
}

impl Home {
    /// The files that the node is started with.
    pub fn files(&self) -> NodeFiles {
        NodeFiles { config: self.folder.join("config.toml"), password: None }
    }

    /// Writes the configuration, and makes the keys with their password. There is no job yet, because jobs name contracts.
    pub fn furnish(&self, chain_id: u64, http_url: &Url, ws_url: Option<&Url>) -> Result<OracleKeys, Failure> {
        let jobs = self.folder.join("jobs");
        fs::create_dir_all(&jobs).map_err(|error| BadInput::io(&jobs, "make the folder", &error))?;
        let ws = ws_url.map(|url| format!("WSURL = \"{url}\"\n")).unwrap_or_default();
        // A small network on one machine finds itself quickly.
        let text = format!(
            "# A node of a development network: its keys are cheap to break.\n\
             InsecureFastScrypt = true\n\n\
             [Log]\nLevel = \"info\"\n\n\
             [WebServer]\nListenIP = \"127.0.0.1\"\nHTTPPort = 0\n\n\
             [P2P.V2]\nListenAddresses = [\"{}\"]\nAnnounceAddresses = [\"{}\"]\n\
             DeltaDial = \"1s\"\nDeltaReconcile = \"1s\"\n\n\
             [[EVM]]\nChainID = \"{chain_id}\"\nLogPollInterval = \"1s\"\n\n\
             [[EVM.Nodes]]\nName = \"main\"\nHTTPURL = \"{http_url}\"\n{ws}",
            self.listen, self.announce,
        );
        let files = self.files();
        write(&files.config, &text)?;
        let config = Config::read(&files.config)?;
        let mut keystore = files.open_keystore(&config)?;
        keystore.complete()?;
        Ok(keystore.oracle(None, None, None)?)
    }
}

/// Writes the job of an oracle.
pub fn write_job(home: &Home, index: u8, keys: &OracleKeys, common: &Common) -> Result<(), Failure> {
    let job = JobFile {
        name: "BTC/USD".into(),
        external_job_id: None,
        contract_id: common.contracts.aggregator.to_checksum(None),
        chain_id: common.chain_id,
        bootstrappers: vec![common.bootstrapper.to_string()],
        transmitter_id: Some(keys.transmitter.address().to_string()),
        confirmations: 1,
        poll_interval: "1s".into(),
        juels_per_fee_coin: JUELS_PER_FEE_COIN.into(),
        sources: common.sources.sources(usize::from(index)),
    };
    Ok(write(&home.folder.join("jobs/btc-usd.toml"), &job.to_toml())?)
}

/// Writes the job of the bootstrap node.
pub fn write_bootstrap_job(home: &Home, common: &Common) -> Result<(), Failure> {
    let text = format!(
        "type = \"bootstrap\"\nschemaVersion = 1\nname = \"bootstrap\"\nrelay = \"evm\"\ncontractID = \"{}\"\n\
         contractConfigConfirmations = 1\ncontractConfigTrackerPollInterval = \"1s\"\n\n[relayConfig]\nchainID = {}\n",
        common.contracts.aggregator.to_checksum(None),
        common.chain_id
    );
    Ok(write(&home.folder.join("jobs/bootstrap.toml"), &text)?)
}

/// Writes the seat file of an oracle that somebody else brings. Its plain median over one market for each currency is as
/// close as the job's: two markets of one currency would outvote the others when that currency loses its peg.
pub fn write_seat(path: &Path, index: u8, home: &Home, keys: &OracleKeys, common: &Common) -> Result<(), Failure> {
    let mut currencies = std::collections::BTreeSet::new();
    let mut sources = Vec::new();
    for source in common.sources.sources(usize::from(index)) {
        let currency = source.name.rsplit('_').next().unwrap_or(&source.name).to_owned();
        if !currencies.insert(currency) {
            continue;
        }
        let path = source.form.path(&source.name);
        let step = |step: &str| step.parse().map_or_else(|_| PathStep::Field(step.to_owned()), PathStep::Element);
        sources.push(SeatSource {
            url: source.url.parse().map_err(Failure::failed)?,
            path: path.split(',').map(step).collect(),
            scale_digits: u8::try_from(source.form.scale_digits()).unwrap_or(u8::MAX),
        });
    }
    let seat = Seat {
        seat: index,
        n: common.n,
        f: common.f,
        chain: SeatChain {
            http_url: common.http_url.clone(),
            ws_url: common.ws_url.cloned(),
            chain_id: common.chain_id,
            confirmations: 1,
            aggregator: crypto::secp256k1::Address(common.contracts.aggregator.into_array()),
            deployed_block: common.contracts.deployed_block,
        },
        network: SeatNetwork {
            generation: Generation::Old,
            listen: home.listen,
            announce: home.announce,
            bootstrappers: vec![common.bootstrapper.clone()],
            delta_dial_ms: Some(1000),
            delta_reconcile_ms: Some(1000),
        },
        identity: Some(keys.identity()),
        keys: keys.clone(),
        sources,
        min_sources: None,
        juels_per_fee_coin: JUELS_PER_FEE_COIN.parse().expect("a constant number"),
        observation_timeout_ms: None,
    };
    Ok(seat.write(path)?)
}

fn write(path: &Path, text: &str) -> Result<(), BadInput> {
    fs::write(path, text).map_err(|error| BadInput::io(path, "write", &error))
}
