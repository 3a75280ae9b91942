//! The simulated chain: the real EVM with the real contract bytecode, one feed on it, and what its readers see.

use alloy_consensus::{Transaction as _, TxEip1559, TypedTransaction};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, aliases::I192};
use alloy_sol_types::{SolCall, SolEvent};
use bindings::{creation, link_token, ocr2_aggregator};
use devchain::{At, Call, Chain, Config, Headers, Outcome, Recover};
use ocr::ConfigDigest;
use ocr2::round_id::RoundId;
use std::sync::Arc;

/// The chain's id; it enters the config digest.
pub const CHAIN_ID: u64 = 1337;

/// Simulated worlds begin on 2023-03-11 at 07:00 UTC.
pub const GENESIS: u64 = 1_678_518_000;

/// The block that holds the aggregator: the one before holds the token.
pub const DEPLOYED: u64 = 2;

const OWNER: Address = Address::repeat_byte(0xad);

/// A chain with one feed on it.
#[derive(Debug)]
pub struct FeedChain {
    pub chain: Chain,
    pub aggregator: Address,
    /// What the contract said at each block, read once per block however many ask: (block hash, view).
    views: Vec<(B256, Arc<ContractView>)>,
}

/// What oracles read from the contract.
#[derive(Clone, Debug)]
pub struct ContractView {
    pub digest: [u8; 32],
    pub epoch: u32,
    pub round: u8,
    pub answer: I192,
    pub timestamp: u64,
    pub config: ocr2_aggregator::latestConfigDetailsReturn,
}

impl ContractView {
    /// The latest round that the contract has a report of.
    pub fn at(&self) -> RoundId {
        RoundId::new(self.epoch, self.round)
    }
}

/// What became of a transmission.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Landed {
    pub digest: ConfigDigest,
    pub at: RoundId,
    pub transmitter: Address,
    /// The contract's answer since then; `None`: it refused the report.
    pub answer: Option<I192>,
}

/// How many views are kept: as far back as the slowest endpoint lags.
const VIEWS_KEPT: usize = 32;

impl FeedChain {
    /// A chain with funded transmitters and a feed without configuration.
    pub fn new(transmitters: &[Address], recover: Recover) -> Self {
        let ether = U256::from(10).pow(U256::from(18));
        let mut balances: Vec<_> = transmitters.iter().map(|account| (*account, ether * U256::from(1000))).collect();
        balances.push((OWNER, ether * U256::from(1_000_000)));
        let mut feed = FeedChain {
            chain: Chain::new(Config {
                chain_id: CHAIN_ID,
                genesis_timestamp: GENESIS,
                balances,
                recover,
                // Nobody in here proves state to anybody, and it costs more than all else.
                headers: Headers::Bare,
                ..Config::default()
            }),
            aggregator: Address::ZERO,
            views: Vec::new(),
        };
        feed.as_owner(TxKind::Create, creation(&link_token::BYTECODE, &link_token::constructorCall {}));
        let link = feed.created();
        let constructor = ocr2_aggregator::constructorCall {
            link,
            minAnswer_: I192::ZERO,
            maxAnswer_: I192::try_from(i64::MAX).expect("fits"),
            billingAccessController: Address::ZERO,
            requesterAccessController: Address::ZERO,
            decimals_: 8,
            description_: "BTC / USD".into(),
        };
        feed.as_owner(TxKind::Create, creation(&ocr2_aggregator::BYTECODE, &constructor));
        feed.aggregator = feed.created();
        feed
    }

    fn created(&mut self) -> Address {
        let head = self.chain.head().timestamp();
        let block = self.chain.mine(head + 1).expect("a second later");
        block.receipts[0].contract.expect("a deployment makes a contract")
    }

    /// Sends a transaction of the owner to the pool.
    fn as_owner(&mut self, to: TxKind, input: Vec<u8>) {
        let transaction = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: self.chain.pending_nonce(&OWNER),
            gas_limit: 10_000_000,
            max_fee_per_gas: 100_000_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to,
            value: U256::ZERO,
            access_list: Default::default(),
            input: input.into(),
        };
        self.chain
            .submit_from(OWNER, TypedTransaction::Eip1559(transaction))
            .expect("the owner knows the pool's rules");
    }

    /// The owner sends a new configuration; it counts from the block that includes it.
    pub fn set_config(&mut self, call: ocr2_aggregator::setConfigCall) {
        self.as_owner(TxKind::Call(self.aggregator), call.abi_encode());
    }

    /// What the contract says at a block.
    pub fn view(&mut self, number: u64) -> Arc<ContractView> {
        let number = number.min(self.chain.height());
        let block = self.chain.block(number).expect("not above the head").clone();
        let known = |hash: B256| self.views.iter().rev().find(|(at, _)| *at == hash).map(|(_, view)| view);
        if let Some(view) = known(block.hash) {
            return view.clone();
        }
        // Only the owner changes the configuration, so it is read again only where he did something.
        let is_owners = |transaction: &Arc<devchain::Transaction>| transaction.sender == OWNER;
        let before = known(block.header.parent_hash).filter(|_| !block.transactions.iter().any(is_owners));
        let before = before.map(|view| view.config.clone());
        let read = |call: Vec<u8>| {
            let call = Call::read(self.aggregator, Bytes::from(call));
            match self.chain.call(&call, At::Block(number)) {
                Ok(Outcome::Returned { output, .. }) => output,
                other => unreachable!("the aggregator answers its readers: {other:?}"),
            }
        };
        let details = read(ocr2_aggregator::latestTransmissionDetailsCall {}.abi_encode());
        let details =
            ocr2_aggregator::latestTransmissionDetailsCall::abi_decode_returns(&details).expect("its own ABI");
        let config = before.unwrap_or_else(|| {
            let config = read(ocr2_aggregator::latestConfigDetailsCall {}.abi_encode());
            ocr2_aggregator::latestConfigDetailsCall::abi_decode_returns(&config).expect("its own ABI")
        });
        let view = Arc::new(ContractView {
            digest: details.configDigest.0,
            epoch: details.epoch,
            round: details.round,
            answer: details.latestAnswer_,
            timestamp: details.latestTimestamp_,
            config,
        });
        if self.views.len() == VIEWS_KEPT {
            self.views.remove(0);
        }
        self.views.push((block.hash, view.clone()));
        view
    }

    /// The owner thinks better of a configuration that is in no block.
    pub fn withdraw_config(&mut self) {
        let waiting: Vec<B256> =
            self.chain.pool().filter(|waits| waits.sender == OWNER).map(|waits| waits.hash).collect();
        waiting.iter().for_each(|hash| drop(self.chain.forget(hash)));
    }

    /// The transmissions in a block, in their order.
    pub fn landed(&self, block: &devchain::Block) -> Vec<Landed> {
        let mut landed = Vec::new();
        for (transaction, receipt) in block.transactions.iter().zip(&block.receipts) {
            if transaction.envelope.to() != Some(self.aggregator) || transaction.sender == OWNER {
                continue;
            }
            let input = transaction.envelope.input();
            let (Some(digest), Some(round)) = (input.get(4..36), input.get(63..68)) else { continue };
            let epoch = u32::from_be_bytes([round[0], round[1], round[2], round[3]]);
            landed.push(Landed {
                digest: ConfigDigest(digest.try_into().expect("32 bytes")),
                at: RoundId::new(epoch, round[4]),
                transmitter: transaction.sender,
                answer: receipt.success.then(|| answer(receipt)),
            });
        }
        landed
    }
}

/// What a successful transmission says about itself.
fn answer(receipt: &devchain::Receipt) -> I192 {
    let event = receipt.logs.iter().find_map(|log| ocr2_aggregator::NewTransmission::decode_log(log).ok());
    event.expect("a transmission that succeeds has its event").answer
}
