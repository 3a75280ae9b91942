//! Reading a configuration from its contract, and giving it one.

use crate::bad_input::BadInput;
use crate::cli::Failure;
use crate::inspect::ConfigDocument;
use crate::private_file;
use alloy::network::{EthereumWallet, ReceiptResponse as _, TransactionBuilder as _};
use alloy::primitives::Bytes;
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::{Filter, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent};
use bindings::ocr2_aggregator::{ConfigSet, latestConfigDetailsCall, ownerCall, setConfigCall};
use crypto::Zeroizing;
use crypto::secp256k1::{Address, SecretKey};
use ocr::{ConfigDigest, ContractConfig};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use url::Url;

/// How long the node may take to answer, and the chain to include the transaction.
const INCLUDED_WITHIN: Duration = Duration::from_secs(120);

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

/// The private key behind `file:PATH` (mode 0600) or `env:NAME`; a caller adds which option gave it.
pub fn owner_key(given: &str) -> Result<SecretKey, BadInput> {
    let text = match given.split_once(':') {
        Some(("file", path)) => private_file::read(Path::new(path))?,
        Some(("env", name)) => Zeroizing::new(std::env::var(name).map_err(|_| {
            BadInput::new(format!("the environment variable {name} is not set")).remedy("set it to the key in hex")
        })?),
        // Not repeated: it may be the key itself.
        _ => {
            let problem = "wanted file:PATH or env:NAME; a raw key would stand in the process list";
            return Err(BadInput::new(problem));
        }
    };
    let digits = text.trim();
    let mut bytes = Zeroizing::new([0; 32]);
    let read = hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), &mut *bytes);
    read.map_err(|_| BadInput::new(format!("{given}: wanted a private key of 32 bytes in hex")))?;
    SecretKey::from_bytes(&bytes).map_err(|error| BadInput::new(format!("{given}: {error}")))
}

/// The configuration that the contract has now.
pub async fn latest_config(url: &Url, contract: Address) -> Result<ConfigDocument, Failure> {
    let provider = ProviderBuilder::new().connect_http(url.clone());
    let chain_id = provider.get_chain_id().await.map_err(|error| unreachable_node(url, error))?;
    let to = alloy::primitives::Address::from(contract.0);
    let request = TransactionRequest::default().with_to(to).with_input(latestConfigDetailsCall {}.abi_encode());
    let answer = provider.call(request).await.map_err(|error| Failure::failed(format!("{contract}: {error}")))?;
    let details = latestConfigDetailsCall::abi_decode_returns(&answer)
        .map_err(|_| Failure::failed(format!("{contract} on chain {chain_id} is no OCR2 aggregator")))?;
    if details.configCount == 0 {
        return Err(Failure::failed(format!("{contract} has no configuration yet")));
    }
    let block = u64::from(details.blockNumber);
    let filter = Filter::new().address(to).event_signature(ConfigSet::SIGNATURE_HASH).from_block(block).to_block(block);
    let logs = provider.get_logs(&filter).await.map_err(|error| Failure::failed(format!("{contract}: {error}")))?;
    // A block may hold several; the last one counts.
    let log = logs.last().ok_or_else(|| {
        Failure::failed(format!(
            "this node has no ConfigSet event in block {block}: it may have been pruned, use another"
        ))
    })?;
    let event =
        ConfigSet::decode_log_data(log.data()).map_err(|error| Failure::failed(format!("ConfigSet: {error}")))?;
    let config = ContractConfig {
        config_digest: ConfigDigest(event.configDigest.0),
        config_count: event.configCount,
        signers: event.signers.iter().map(|signer| signer.to_vec()).collect(),
        transmitters: event.transmitters.iter().map(|transmitter| Address(transmitter.0.0).to_string()).collect(),
        f: event.f,
        onchain_config: event.onchainConfig.to_vec(),
        offchain_config_version: event.offchainConfigVersion,
        offchain_config: event.offchainConfig.to_vec(),
    };
    let document = ConfigDocument::new(chain_id, contract, &config);
    let computed = document.to_contract_config()?.config_digest;
    if computed != config.config_digest {
        let said = config.config_digest;
        return Err(Failure::failed(format!("{contract} says that the digest is {said}, but it is {computed}")));
    }
    Ok(document)
}

/// Sends `setConfig` and waits until it is in the chain: `{"tx", "block", "gas_used", "digest"}`.
pub async fn set_config(
    url: &Url,
    contract: Address,
    key: &SecretKey,
    document: &ConfigDocument,
) -> Result<Value, Failure> {
    let bytes = key.to_bytes();
    let signer = PrivateKeySigner::from_slice(&*bytes).map_err(Failure::failed)?;
    let from = signer.address();
    let provider = ProviderBuilder::new().wallet(EthereumWallet::from(signer)).connect_http(url.clone());
    provider.get_block_number().await.map_err(|error| unreachable_node(url, error))?;
    let to = alloy::primitives::Address::from(contract.0);
    let asked = provider.call(TransactionRequest::default().with_to(to).with_input(ownerCall {}.abi_encode())).await;
    let owner = asked.ok().and_then(|answer| ownerCall::abi_decode_returns(&answer).ok());
    if let Some(owner) = owner.filter(|owner| *owner != from) {
        let problem =
            BadInput::new(format!("the key is that of {from}, but the contract's owner is {owner}")).at("--key");
        return Err(problem.remedy("give the owner's key").into());
    }
    let request = TransactionRequest::default().with_to(to).with_input(Bytes::from(set_config_call(document)?));
    let refused = |error: &dyn std::fmt::Display| Failure::failed(format!("setConfig is refused: {error}"));
    let pending = provider.send_transaction(request).await.map_err(|error| refused(&error))?;
    let hash = *pending.tx_hash();
    let receipt = pending.with_timeout(Some(INCLUDED_WITHIN)).get_receipt().await.map_err(|error| refused(&error))?;
    if !receipt.status() {
        return Err(Failure::failed(format!("setConfig was reverted in transaction {hash}")));
    }
    let latest = latest_config(url, contract).await?;
    let digest = latest.to_contract_config()?.config_digest;
    Ok(json!({
        "tx": hash.to_string(),
        "block": receipt.block_number(),
        "gas_used": receipt.gas_used(),
        "config_count": latest.config_count,
        "digest": digest.to_string(),
    }))
}

fn unreachable_node(url: &Url, error: impl std::fmt::Display) -> Failure {
    let url = crate::config::masked(url);
    BadInput::new(format!("{url} does not answer as a JSON-RPC node: {error}")).at("--rpc-url").into()
}
