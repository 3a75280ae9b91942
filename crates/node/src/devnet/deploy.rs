//! Contracts and money: what a development network puts on its chain before the oracles come.

use crate::bad_input::BadInput;
use crate::cli::Failure;
use crate::config_tool::seal;
use crate::devnet_options::{ContractChoice, DevnetOptions};
use crate::identity::Identity;
use crate::key_source::KeySource;
use alloy::primitives::aliases::{I192, U24};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::{SolCall, SolConstructor};
use bindings::ocr2_aggregator::latestConfigDetailsCall;
use bindings::{creation, link_token, ocr2_aggregator, simple_write_access_controller};
use evm::{Account, Aggregator, Endpoints, SendError, Sender, masked};
use median::{OffchainConfig, OnchainConfig, Value};
use ocr2::config::{Parameters, Proposal, ResourceChecks};
use std::fs;
use std::time::Duration;
use url::Url;

/// Places of the feed's answer.
pub const DECIMALS: u8 = 8;
/// Juels for one unit of the chain's coin: a plausible constant, as the example job has it.
pub const JUELS_PER_FEE_COIN: &str = "200000000000000000000";
/// How often the chain is asked for its head.
const HEAD_POLL: Duration = Duration::from_millis(200);
/// An answer beyond these is refused by the contract, in the feed's smallest unit.
const ANSWER_MIN: u64 = 1;
const ANSWER_MAX: u64 = 1_000_000_000_000_000_000;

/// Pays for everything.
#[derive(Debug)]
pub struct Deployer(Sender);

/// Where the contracts are.
#[derive(Clone, Copy, Debug)]
pub struct Contracts {
    pub aggregator: Address,
    pub token: Address,
    /// The block that holds the aggregator.
    pub deployed_block: u64,
}

impl Deployer {
    /// Connects to a JSON-RPC node. Without a key, an account pays that the node has unlocked.
    pub async fn connect(url: &Url, key: Option<&KeySource>) -> Result<Deployer, Failure> {
        let key = key.map(KeySource::read).transpose().map_err(|problem| problem.at("--deployer-key"))?;
        let endpoints = Endpoints::dial(url.clone(), HEAD_POLL).await.map_err(|error| {
            BadInput::new(format!("{} does not answer as a JSON-RPC node: {error}", masked(url)))
                .at("--chain-url")
                .remedy("start the node there, or leave the option out for the embedded chain")
        })?;
        let sender = match key {
            Some(key) => Sender::new(endpoints, Account::Key(key)),
            None => Sender::unlocked(endpoints).await.map_err(|error| match error {
                SendError::NoUnlockedAccount => BadInput::new(format!("{} has no unlocked account", masked(url)))
                    .at("--chain-url")
                    .remedy("give a funded key with --deployer-key file:PATH or env:NAME")
                    .into(),
                error => Failure::failed(error),
            })?,
        };
        Ok(Deployer(sender))
    }

    /// The chain that it pays on.
    pub fn chain_id(&self) -> u64 {
        self.0.endpoints().chain_id()
    }

    /// The feed, to be read.
    pub fn aggregator(&self, contracts: &Contracts) -> Aggregator {
        Aggregator::new(self.0.endpoints().clone(), contracts.aggregator)
    }

    async fn deploy(&self, what: &str, creation: Vec<u8>) -> Result<(Address, u64), Failure> {
        let (address, receipt) = self.0.deploy(what, creation).await.map_err(refused)?;
        Ok((address, receipt.block.number))
    }

    /// Token, access controllers, aggregator.
    pub async fn deploy_contracts(&self, choice: &ContractChoice) -> Result<Contracts, Failure> {
        let bytecode = aggregator_bytecode(choice)?;
        let token = creation(&link_token::BYTECODE, &link_token::constructorCall {});
        let controller = simple_write_access_controller::BYTECODE.to_vec();
        let token = self.deploy("the deployment of the token", token).await?.0;
        let billing = self.deploy("the deployment of the billing access controller", controller.clone()).await?.0;
        let requester = self.deploy("the deployment of the requester access controller", controller).await?.0;
        let constructor = ocr2_aggregator::constructorCall {
            link: token,
            minAnswer_: I192::unchecked_from(ANSWER_MIN),
            maxAnswer_: I192::unchecked_from(ANSWER_MAX),
            billingAccessController: billing,
            requesterAccessController: requester,
            decimals_: DECIMALS,
            description_: "BTC / USD".into(),
        };
        let mut input = bytecode.to_vec();
        input.extend(constructor.abi_encode());
        let (aggregator, deployed_block) = self.deploy("the deployment of the aggregator", input).await?;
        Ok(Contracts { aggregator, token, deployed_block })
    }

    /// One ether for each transmitter, tokens for the aggregator, prices, and who is paid.
    pub async fn fund(&self, contracts: &Contracts, oracles: &[Identity]) -> Result<(), Failure> {
        let ether = U256::from(10).pow(U256::from(18));
        let transmitters = transmitters(oracles);
        let mut sent = Vec::new();
        for transmitter in &transmitters {
            let what = "the funding of a transmitter";
            sent.push((what, self.0.send(what, Some(*transmitter), Bytes::new(), ether).await.map_err(refused)?));
        }
        let tokens = link_token::transferCall { to: contracts.aggregator, value: ether * U256::from(1_000_000) };
        let billing = ocr2_aggregator::setBillingCall {
            maximumGasPriceGwei: 1_000,
            reasonableGasPriceGwei: 100,
            observationPaymentGjuels: 1_000_000,
            transmissionPaymentGjuels: 2_000_000,
            accountingGas: U24::from(13_500),
        };
        // Each oracle is its own payee.
        let payees = ocr2_aggregator::setPayeesCall { transmitters: transmitters.clone(), payees: transmitters };
        for (what, to, input) in [
            ("the funding of the aggregator", contracts.token, tokens.abi_encode()),
            ("setBilling", contracts.aggregator, billing.abi_encode()),
            ("setPayees", contracts.aggregator, payees.abi_encode()),
        ] {
            sent.push((what, self.0.send(what, Some(to), input.into(), U256::ZERO).await.map_err(refused)?));
        }
        for (what, transaction) in sent {
            self.0.wait(what, transaction).await.map_err(refused)?;
        }
        Ok(())
    }

    /// Computes a configuration from public identities and sets it; the digest that the contract gives it.
    pub async fn configure(
        &self,
        contracts: &Contracts,
        oracles: &[Identity],
        options: &DevnetOptions,
    ) -> Result<[u8; 32], Failure> {
        let config = seal(&proposal(oracles, options), ResourceChecks::On)
            .map_err(|error| Failure::failed(format!("these options make no valid configuration: {error}")))?;
        let call = ocr2_aggregator::setConfigCall {
            signers: oracles.iter().map(|oracle| Address::from(oracle.onchain_address.0)).collect(),
            transmitters: transmitters(oracles),
            f: config.f,
            onchainConfig: config.onchain_config.into(),
            offchainConfigVersion: config.offchain_config_version,
            offchainConfig: config.offchain_config.into(),
        };
        self.0.call("setConfig", contracts.aggregator, call.abi_encode(), U256::ZERO).await.map_err(refused)?;
        let (details, _) =
            self.aggregator(contracts).read(latestConfigDetailsCall {}).await.map_err(Failure::failed)?;
        Ok(details.configDigest.0)
    }
}

/// What to do about it stands beside it where a person can do something.
fn refused(error: SendError) -> Failure {
    match error {
        SendError::InsufficientFunds { .. } => BadInput::new(error.to_string())
            .at("--deployer-key")
            .remedy("fund the account, or give the key of another")
            .into(),
        error => Failure::failed(error),
    }
}

fn transmitters(oracles: &[Identity]) -> Vec<Address> {
    oracles.iter().map(|oracle| Address::from(oracle.transmitter.0)).collect()
}

fn proposal(oracles: &[Identity], options: &DevnetOptions) -> Proposal {
    let timers = &options.timers;
    let number = |number: u64| Value::try_from(number).expect("a u64 fits 192 bits");
    // The three parts of a round must fit DeltaProgress together.
    let share = |percent: u32| timers.delta_progress * percent / 100;
    Proposal {
        oracles: oracles.iter().map(Identity::member).collect(),
        f: options.f,
        onchain_config: OnchainConfig { min: number(ANSWER_MIN), max: number(ANSWER_MAX) }.encode(),
        parameters: Parameters {
            delta_progress: timers.delta_progress,
            delta_resend: timers.delta_resend,
            delta_round: timers.delta_round,
            delta_grace: timers.delta_grace,
            delta_stage: timers.delta_stage,
            r_max: timers.r_max,
            s: vec![1; oracles.len()],
            reporting_plugin_config: OffchainConfig { delta_c: Duration::from_secs(10), ..OffchainConfig::default() }
                .encode(),
            max_duration_initialization: None,
            max_duration_query: share(5),
            max_duration_observation: share(45),
            max_duration_report: share(35),
            max_duration_should_accept: share(50),
            max_duration_should_transmit: share(50),
        },
    }
}

/// The creation bytecode of the aggregator that was chosen.
fn aggregator_bytecode(choice: &ContractChoice) -> Result<Bytes, BadInput> {
    let path = match choice {
        ContractChoice::Own => return Ok(ocr2_aggregator::BYTECODE.clone()),
        ContractChoice::File(path) => path,
    };
    let bad = |problem: String| {
        let remedy = "give a Foundry-style JSON file: {\"abi\": [...], \"bytecode\": {\"object\": \"0x...\"}}";
        BadInput::new(problem).in_file(path).at("--contract").remedy(remedy)
    };
    let text = fs::read_to_string(path).map_err(|error| BadInput::io(path, "read the contract", &error))?;
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    let constructor = json["abi"].as_array().and_then(|abi| abi.iter().find(|item| item["type"] == "constructor"));
    let takes: Vec<&str> = constructor
        .and_then(|constructor| constructor["inputs"].as_array())
        .map(|inputs| inputs.iter().filter_map(|input| input["type"].as_str()).collect())
        .unwrap_or_default();
    let wanted = ["address", "int192", "int192", "address", "address", "uint8", "string"];
    if takes != wanted {
        return Err(bad(format!("the constructor takes ({}), wanted ({})", takes.join(", "), wanted.join(", "))));
    }
    let object = json["bytecode"]["object"].as_str().ok_or_else(|| bad("there is no bytecode.object".into()))?;
    object.parse().map_err(|error| bad(format!("bytecode.object is not hex: {error}")))
}
