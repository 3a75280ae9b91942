//! Reading a configuration from its contract, and giving it one.

use crate::bad_input::BadInput;
use crate::cli::Failure;
use crate::inspect::ConfigDocument;
use alloy::primitives::U256;
use alloy::sol_types::SolCall;
use bindings::ocr2_aggregator::{ownerCall, setConfigCall};
use crypto::secp256k1::{Address, SecretKey};
use evm::{Account, Aggregator, Endpoints, Sender, TrackerAsks};
use evm_proto::tracker;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How often the chain is asked for its head.
const HEAD_POLL: Duration = Duration::from_millis(500);

/// Runs one piece of work to its end.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    Ok(runtime.block_on(work))
}

/// The call data of `setConfig`.
pub fn set_config_call(document: &ConfigDocument) -> Result<Vec<u8>, BadInput> {
    let address = |field: String, bytes: &[u8]| {
        let bytes =
            <[u8; 20]>::try_from(bytes).map_err(|_| BadInput::new("wanted an address of 20 bytes").at(field))?;
        Ok(alloy::primitives::Address::from(bytes))
    };
    let signers =
        document.signers.iter().enumerate().map(|(index, signer)| address(format!("signers[{index}]"), &signer.0));
    let transmitters = document.transmitters.iter().enumerate().map(|(index, transmitter)| {
        let field = format!("transmitters[{index}]");
        let parsed: Address =
            transmitter.parse().map_err(|error| BadInput::new(format!("{error}")).at(field.clone()))?;
        address(field, &parsed.0)
    });
    let call = setConfigCall {
        signers: signers.collect::<Result<_, _>>()?,
        transmitters: transmitters.collect::<Result<_, _>>()?,
        f: document.f,
        onchainConfig: document.onchain_config.0.clone().into(),
        offchainConfigVersion: document.offchain_config_version.0,
        offchainConfig: document.offchain_config.0.clone().into(),
    };
    Ok(call.abi_encode())
}

/// Where a contract is, and how to get there.
pub struct Chain(Arc<Endpoints>);

impl Chain {
    /// The chain that is served at `url`.
    pub async fn dial(url: &Url) -> Result<Chain, Failure> {
        let endpoints = Endpoints::dial(url.clone(), HEAD_POLL).await.map_err(|error| {
            let url = evm::masked(url);
            BadInput::new(format!("{url} does not answer as a JSON-RPC node: {error}")).at("--rpc-url")
        })?;
        Ok(Chain(endpoints))
    }

    /// The configuration that the contract has now.
    pub async fn latest_config(&self, contract: Address) -> Result<ConfigDocument, Failure> {
        let (chain_id, to) = (self.0.chain_id(), alloy::primitives::Address::from(contract.0));
        let asks = TrackerAsks::new(self.0.clone(), to);
        let look = asks.look().await.map_err(|error| {
            Failure::failed(format!("{contract} on chain {chain_id} is no OCR2 aggregator: {error}"))
        })?;
        if look.config_count == 0 {
            return Err(Failure::failed(format!("{contract} has no configuration yet")));
        }
        let logs = asks.logs(look.changed_in).await.map_err(Failure::failed)?;
        let config = tracker::load(chain_id, to, &look, &logs).map_err(|refusal| {
            let pruned = matches!(refusal, tracker::Refusal::NoEvent { .. });
            let remedy = if pruned { "; the node may have pruned it, use another" } else { "" };
            Failure::failed(format!("{contract}: {refusal}{remedy}"))
        })?;
        Ok(ConfigDocument::new(chain_id, contract, &config))
    }

    /// Sends `setConfig` and waits until it is in the chain: `{"tx", "block", "gas_used", "digest"}`.
    pub async fn set_config(
        &self,
        contract: Address,
        key: SecretKey,
        document: &ConfigDocument,
    ) -> Result<Value, Failure> {
        let to = alloy::primitives::Address::from(contract.0);
        let sender = Sender::new(self.0.clone(), Account::Key(key));
        let from = sender.address();
        let owner = Aggregator::new(self.0.clone(), to).read(ownerCall {}).await;
        if let Some((owner, _)) = owner.ok().filter(|(owner, _)| *owner != from) {
            let problem =
                BadInput::new(format!("the key is that of {from}, but the contract's owner is {owner}")).at("--key");
            return Err(problem.remedy("give the owner's key").into());
        }
        let call = set_config_call(document)?;
        let receipt = sender.call("setConfig", to, call, U256::ZERO).await.map_err(Failure::failed)?;
        let latest = self.latest_config(contract).await?;
        let digest = latest.to_contract_config()?.config_digest;
        Ok(json!({
            "tx": receipt.transaction.to_string(),
            "block": receipt.block.number,
            "gas_used": receipt.gas_used,
            "config_count": latest.config_count,
            "digest": digest.to_string(),
        }))
    }
}
