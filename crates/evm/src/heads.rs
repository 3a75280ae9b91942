//! Watching: each endpoint is asked for its chain id, then for its head again and again. A WebSocket, where there is one,
//! only makes heads come sooner.

use alloy::network::Ethereum;
use alloy::primitives::U64;
use alloy::providers::{Provider, ProviderBuilder, WsConnect};
use alloy::transports::ws::WebSocketConfig;
use evm_proto::chain::Block;
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::endpoint::Endpoint;
use crate::endpoints::Settings;
use crate::error::Failure;
use crate::json_rpc::Header;
use crate::limits::{WRONG_CHAIN_RECHECK, WS_MESSAGE_BYTES_MAX, WS_RETRY};

/// Starts a watcher for each endpoint, and one more for each WebSocket.
pub fn watch(settings: &Settings, all: &[Arc<Endpoint>], publish: watch::Sender<Option<Block>>) -> Vec<AbortHandle> {
    let publish = Arc::new(publish);
    let mut watchers = Vec::new();
    for endpoint in all {
        let watcher = Watcher {
            endpoint: endpoint.clone(),
            readable: all.iter().filter(|endpoint| !endpoint.config.send_only).cloned().collect(),
            chain_id: settings.chain_id,
            poll: settings.head_poll,
            fresh: settings.fresh(),
            publish: publish.clone(),
        };
        if endpoint.config.ws_url.is_some() && !endpoint.config.send_only {
            watchers.push(tokio::spawn(watcher.clone().listen()).abort_handle());
        }
        watchers.push(tokio::spawn(watcher.poll()).abort_handle());
    }
    watchers
}

#[derive(Clone)]
struct Watcher {
    endpoint: Arc<Endpoint>,
    readable: Vec<Arc<Endpoint>>,
    chain_id: u64,
    poll: Duration,
    fresh: Duration,
    publish: Arc<watch::Sender<Option<Block>>>,
}

impl Watcher {
    async fn poll(self) {
        let mut told = None;
        loop {
            if self.endpoint.chain_id() != Some(self.chain_id) && !self.check_chain(&mut told).await {
                continue;
            }
            if self.endpoint.config.send_only {
                return;
            }
            match self.endpoint.call::<Option<Header>>("eth_getBlockByNumber", ("latest", false)).await {
                Ok(Some(header)) => self.heard(header.block()),
                Ok(None) => {
                    let failure = Failure::Malformed("there is no latest block".into());
                    self.endpoint.failed(&self.endpoint.error("eth_getBlockByNumber", failure));
                }
                Err(error) => tracing::debug!(%error, "no head"),
            }
            tokio::time::sleep(self.poll).await;
        }
    }

    /// Whether it serves the right chain; waits before it says no. A failure that was `told` is not logged again.
    async fn check_chain(&self, told: &mut Option<Failure>) -> bool {
        let wanted = self.chain_id;
        match self.endpoint.call::<U64>("eth_chainId", ()).await {
            Ok(got) => {
                let got = got.to();
                let known = self.endpoint.chain_id();
                self.endpoint.set_chain_id(got);
                if got == wanted {
                    return true;
                }
                let error = self.endpoint.error("eth_chainId", Failure::WrongChain { got, wanted });
                if known != Some(got) {
                    tracing::error!(%error, "endpoint not used");
                }
                self.endpoint.failed(&error);
                tokio::time::sleep(WRONG_CHAIN_RECHECK).await;
            }
            Err(error) => {
                if told.as_ref() != Some(&error.failure) {
                    tracing::warn!(%error, "endpoint does not answer");
                    *told = Some(error.failure);
                }
                tokio::time::sleep(self.poll).await;
            }
        }
        false
    }

    async fn listen(self) {
        loop {
            if let Err(error) = self.subscribe().await {
                // Its text may contain the URL; polling tells how the endpoint is doing.
                tracing::debug!(endpoint = self.endpoint.config.name, kind = error, "no heads over WebSocket");
            }
            tokio::time::sleep(WS_RETRY).await;
        }
    }

    async fn subscribe(&self) -> Result<(), &'static str> {
        let url = self.endpoint.config.ws_url.as_ref().expect("only watched if there is one");
        let bounds = WebSocketConfig::default()
            .max_message_size(Some(WS_MESSAGE_BYTES_MAX))
            .max_frame_size(Some(WS_MESSAGE_BYTES_MAX));
        let connect = WsConnect::new(url.as_str()).with_config(bounds).with_max_retries(0);
        let provider =
            ProviderBuilder::<_, _, Ethereum>::default().connect_ws(connect).await.map_err(|_| "cannot connect")?;
        let chain_id: u64 = provider.get_chain_id().await.map_err(|_| "no chain id")?;
        if chain_id != self.chain_id {
            tracing::error!(
                endpoint = self.endpoint.config.name,
                got = chain_id,
                wanted = self.chain_id,
                "the WSURL belongs to another chain and is not used; use one of the configured chain"
            );
            tokio::time::sleep(WRONG_CHAIN_RECHECK).await;
            return Err("another chain");
        }
        let mut heads = provider.subscribe_blocks().await.map_err(|_| "no subscription")?.into_stream();
        while let Some(header) = heads.next().await {
            // Only what the HTTP side has proved to be of the right chain is published.
            if self.endpoint.chain_id() == Some(self.chain_id) {
                self.heard(Block { number: header.number, hash: header.hash });
            }
        }
        Err("the connection ended")
    }

    fn heard(&self, head: Block) {
        self.endpoint.set_head(head);
        let right = self.readable.iter().filter(|endpoint| endpoint.chain_id() == Some(self.chain_id));
        let best = right.filter_map(|endpoint| endpoint.head(self.fresh)).max_by_key(|head| head.number);
        self.publish.send_if_modified(|published| {
            let changed = *published != best;
            *published = best;
            changed
        });
    }
}
