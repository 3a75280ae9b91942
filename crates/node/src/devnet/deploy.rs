//! Contracts and money: what a development network puts on its chain before the oracles come.

use crate::bad_input::BadInput;
use crate::cli::Failure;
use crate::config::masked;
use crate::config_tool::owner_key;
use crate::devnet_options::{ContractChoice, Deployer as Payer, DevnetOptions};
use crate::identity::Identity;
use alloy::network::{EthereumWallet, TransactionBuilder as _};
use alloy::primitives::aliases::{I192, U24};
use alloy::primitives::{Address, Bytes, TxHash, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolConstructor};
use bindings::{creation, link_token, ocr2_aggregator, simple_write_access_controller};
use crypto::x25519;
use median::{OffchainConfig, OnchainConfig, Value};
use ocr::SharedSecret;
use ocr2::config::{OracleIdentity, Parameters, Proposal, ResourceChecks};
use rand::RngCore;
use std::fs;
use std::time::Duration;
use url::Url;

/// Places of the feed's answer.
pub const DECIMALS: u8 = 8;
/// Juels for one unit of the chain's coin: a plausible constant, as the example job has it.
pub const JUELS_PER_FEE_COIN: &str = "200000000000000000000";
/// A node that says nothing for so long is not there.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long the chain may take to include what is sent to it.
const INCLUDED_WITHIN: Duration = Duration::from_secs(120);
/// An answer beyond these is refused by the contract, in the feed's smallest unit.
const ANSWER_MIN: u64 = 1;
const ANSWER_MAX: u64 = 1_000_000_000_000_000_000;

/// Pays for everything.
#[derive(Debug)]
pub struct Deployer {
    pub provider: DynProvider,
    pub account: Address,
    pub chain_id: u64,
}

/// Where the contracts are.
#[derive(Clone, Copy, Debug)]
pub struct Contracts {
    pub aggregator: Address,
    pub token: Address,
    /// The block that holds the aggregator.
    pub deployed_block: u64,
}

impl Deployer {
    /// Connects to a JSON-RPC node and finds an account that can pay.
    pub async fn connect(url: &Url, payer: &Payer) -> Result<Deployer, Failure> {
        let dead = |why: &str| {
            BadInput::new(format!("{} {why}", masked(url)))
                .at("--chain-url")
                .remedy("start the node there, or leave the option out for the embedded chain")
        };
        let key = match payer {
            Payer::Unlocked => None,
            Payer::File(path) => Some(owner_key(&format!("file:{}", path.display()))?),
            Payer::Environment(name) => Some(owner_key(&format!("env:{name}"))?),
        };
        let (provider, account) = match key {
            Some(key) => {
                let signer = PrivateKeySigner::from_slice(&*key.to_bytes()).map_err(Failure::failed)?;
                let account = signer.address();
                let provider = ProviderBuilder::new().wallet(EthereumWallet::from(signer)).connect_http(url.clone());
                (provider.erased(), Some(account))
            }
            // The node fills in what is missing, and signs.
            None => (ProviderBuilder::default().connect_http(url.clone()).erased(), None),
        };
        provider.client().set_poll_interval(Duration::from_millis(100));
        let asked = tokio::time::timeout(ANSWER_WITHIN, provider.get_chain_id()).await;
        let chain_id = asked
            .map_err(|_| dead("does not answer within 10 s"))?
            .map_err(|error| dead(&format!("does not answer as a JSON-RPC node: {error}")))?;
        let account = match account {
            Some(account) => account,
            None => provider.get_accounts().await.unwrap_or_default().first().copied().ok_or_else(|| {
                BadInput::new(format!("{} has no unlocked account", masked(url)))
                    .at("--chain-url")
                    .remedy("give a funded key with --deployer-key file:PATH or env:NAME")
            })?,
        };
        Ok(Deployer { provider, account, chain_id })
    }

    async fn send(&self, what: &str, to: Option<Address>, input: Vec<u8>, value: U256) -> Result<TxHash, Failure> {
        let mut request = TransactionRequest::default().with_from(self.account).with_input(Bytes::from(input));
        request = match to {
            Some(to) => request.with_to(to).with_value(value),
            None => request.into_create(),
        };
        let sent = self.provider.send_transaction(request).await;
        Ok(*sent.map_err(|error| Failure::failed(format!("{what}: {error}")))?.tx_hash())
    }

    /// Waits until a transaction is in the chain and succeeded.
    async fn included(&self, what: &str, hash: TxHash) -> Result<TransactionReceipt, Failure> {
        let found = async {
            loop {
                match self.provider.get_transaction_receipt(hash).await {
                    Ok(Some(receipt)) => return Ok(receipt),
                    Ok(None) => tokio::time::sleep(Duration::from_millis(50)).await,
                    Err(error) => return Err(Failure::failed(format!("{what}: {error}"))),
                }
            }
        };
        let late = |_| Failure::failed(format!("{what}: {hash} is in no block after {} s", INCLUDED_WITHIN.as_secs()));
        let receipt = tokio::time::timeout(INCLUDED_WITHIN, found).await.map_err(late)??;
        if receipt.status() { Ok(receipt) } else { Err(Failure::failed(format!("{what}: {hash} was reverted"))) }
    }

    async fn deploy(&self, what: &str, input: Vec<u8>) -> Result<(Address, u64), Failure> {
        let hash = self.send(what, None, input, U256::ZERO).await?;
        let receipt = self.included(what, hash).await?;
        let address =
            receipt.contract_address.ok_or_else(|| Failure::failed(format!("{what}: no contract was made")))?;
        Ok((address, receipt.block_number.unwrap_or_default()))
    }

    /// Token, access controllers, aggregator.
    pub async fn deploy_contracts(&self, choice: &ContractChoice) -> Result<Contracts, Failure> {
        let bytecode = aggregator_bytecode(choice)?;
        let token = creation(&link_token::BYTECODE, &link_token::constructorCall {});
        let controller = simple_write_access_controller::BYTECODE.to_vec();
        let token = self.deploy("deploy the token", token).await?.0;
        let billing = self.deploy("deploy the billing access controller", controller.clone()).await?.0;
        let requester = self.deploy("deploy the requester access controller", controller).await?.0;
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
        let (aggregator, deployed_block) = self.deploy("deploy the aggregator", input).await?;
        Ok(Contracts { aggregator, token, deployed_block })
    }

    /// One ether for each transmitter, tokens for the aggregator, prices, and who is paid.
    pub async fn fund(&self, contracts: &Contracts, oracles: &[Identity]) -> Result<(), Failure> {
        let ether = U256::from(10).pow(U256::from(18));
        let transmitters = transmitters(oracles);
        let mut sent = Vec::new();
        for transmitter in &transmitters {
            sent.push((
                "fund a transmitter",
                self.send("fund a transmitter", Some(*transmitter), Vec::new(), ether).await?,
            ));
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
            ("fund the aggregator", contracts.token, tokens.abi_encode()),
            ("set the billing", contracts.aggregator, billing.abi_encode()),
            ("set the payees", contracts.aggregator, payees.abi_encode()),
        ] {
            sent.push((what, self.send(what, Some(to), input, U256::ZERO).await?));
        }
        for (what, hash) in sent {
            self.included(what, hash).await?;
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
        let random = |bytes: &mut [u8]| rand::rngs::OsRng.fill_bytes(bytes);
        let (mut secret, mut ephemeral) = ([0; 16], [0; 32]);
        random(&mut secret);
        random(&mut ephemeral);
        let config = proposal(oracles, options)
            .seal(&SharedSecret::new(secret), &x25519::SecretKey::from_bytes(&ephemeral), ResourceChecks::On)
            .map_err(|error| Failure::failed(format!("these options make no valid configuration: {error}")))?;
        let call = ocr2_aggregator::setConfigCall {
            signers: oracles.iter().map(|oracle| Address::from(oracle.onchain_address.0)).collect(),
            transmitters: transmitters(oracles),
            f: config.f,
            onchainConfig: config.onchain_config.into(),
            offchainConfigVersion: config.offchain_config_version,
            offchainConfig: config.offchain_config.into(),
        };
        let what = "set the configuration";
        let hash = self.send(what, Some(contracts.aggregator), call.abi_encode(), U256::ZERO).await?;
        self.included(what, hash).await?;
        let read = TransactionRequest::default()
            .with_to(contracts.aggregator)
            .with_input(ocr2_aggregator::latestConfigDetailsCall {}.abi_encode());
        let output = self.provider.call(read).await.map_err(|error| Failure::failed(format!("{what}: {error}")))?;
        let details = ocr2_aggregator::latestConfigDetailsCall::abi_decode_returns(&output).map_err(Failure::failed)?;
        Ok(details.configDigest.0)
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
        oracles: oracles
            .iter()
            .map(|oracle| {
                let identity = OracleIdentity {
                    offchain_key: crypto::ed25519::PublicKey(oracle.offchain_public_key.0),
                    signer: oracle.onchain_address.0.to_vec(),
                    peer_id: oracle.peer_id.to_string(),
                    transmitter: oracle.transmitter.to_string(),
                };
                (identity, x25519::PublicKey(oracle.config_public_key.0))
            })
            .collect(),
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
