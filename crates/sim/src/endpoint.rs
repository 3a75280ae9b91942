//! What one oracle's chain endpoint answers: the chain as it is, as it was some blocks ago, nothing, or lies.

use crate::chain::{CHAIN_ID, FeedChain};
use alloy_consensus::{TxEip1559, TxEnvelope, TypedTransaction};
use alloy_primitives::{B256, Signature, TxKind, U256};
use alloy_sol_types::SolEvent;
use bindings::ocr2_aggregator;
use devchain::Rejected;
use evm_proto::chain::{Block, Log, Receipt};
use evm_proto::{tracker, transactions};
use ocr::ConfigDigest;

/// How an endpoint behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Health {
    #[default]
    Well,
    /// It shows the chain as it was so many blocks ago, and what waits in no pool but its own, which is empty.
    Lags(u64),
    /// It answers nothing.
    Fails,
    /// It bends the configuration that it shows.
    Lies,
}

/// What the contract says about its configuration at block `height`.
pub fn look_for_config(feed: &mut FeedChain, height: u64) -> tracker::Look {
    let head = block_at(feed, height);
    let details = feed.view(height).config.clone();
    tracker::Look {
        head,
        config_count: details.configCount,
        changed_in: details.blockNumber.into(),
        digest: ConfigDigest(details.configDigest.0),
    }
}

/// The configurations that were set in a block.
pub fn config_logs(feed: &FeedChain, number: u64) -> Vec<Log> {
    let Some(block) = feed.chain.block(number) else { return Vec::new() };
    let place = Block { number, hash: block.hash };
    let logs = block.logs().filter(|placed| {
        placed.log.address == feed.aggregator
            && placed.log.data.topics().first() == Some(&ocr2_aggregator::ConfigSet::SIGNATURE_HASH)
    });
    logs.map(|placed| Log {
        block: place,
        index: placed.log_index,
        topics: placed.log.data.topics().to_vec(),
        data: placed.log.data.data.clone(),
    })
    .collect()
}

/// The same, bent: every event is well formed, and none says what the owner said.
pub fn bent_config_logs(feed: &FeedChain, number: u64) -> Vec<Log> {
    let bend = |mut log: Log| {
        let event = ocr2_aggregator::ConfigSet::decode_raw_log(log.topics.iter().copied(), &log.data);
        let mut event = event.expect("a log of its own ABI");
        let mut config = event.offchainConfig.to_vec();
        config.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1);
        event.offchainConfig = config.into();
        log.data = event.encode_data().into();
        log
    };
    config_logs(feed, number).into_iter().map(bend).collect()
}

/// How a sender stands at block `height`. Whether the endpoint sees what waits to be mined: `sees_pool`.
pub fn look_at_sender(
    feed: &FeedChain,
    height: u64,
    sees_pool: bool,
    ask: &transactions::LookAsk,
) -> transactions::Look {
    let chain = &feed.chain;
    let nonce = chain.nonce(&ask.sender, height);
    let nonce_pending = if sees_pool { chain.pending_nonce(&ask.sender).max(nonce) } else { nonce };
    let deep = (height + 1).saturating_sub(ask.confirmations);
    let wanted = ask.attempts.iter().filter(|(of, _)| *of < nonce);
    let receipts = wanted.filter_map(|(_, hash)| receipt(feed, height, hash)).collect();
    transactions::Look {
        head: block_at(feed, height),
        nonce,
        nonce_pending,
        nonce_confirmed: chain.nonce(&ask.sender, deep),
        balance: chain.balance(&ask.sender, height),
        base_fee: chain.next_base_fee().into(),
        tip: 1_000_000_000,
        receipts,
    }
}

fn receipt(feed: &FeedChain, height: u64, transaction: &B256) -> Option<Receipt> {
    let (block, _) = feed.chain.find(transaction).filter(|(block, _)| block.number() <= height)?;
    let receipt = feed.chain.receipt(transaction)?;
    Some(Receipt {
        transaction: *transaction,
        block: Block { number: block.number(), hash: block.hash },
        gas_used: receipt.gas_used,
        gas_price: receipt.effective_gas_price,
        success: receipt.success,
    })
}

fn block_at(feed: &FeedChain, height: u64) -> Block {
    let number = height.min(feed.chain.height());
    Block { number, hash: feed.chain.block(number).expect("not above the head").hash }
}

/// The transaction in the chain's words. Its sender is vouched for, so nothing is signed.
pub fn typed(transaction: &transactions::Transaction) -> TypedTransaction {
    TypedTransaction::Eip1559(TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: transaction.nonce,
        gas_limit: transaction.gas_limit,
        max_fee_per_gas: transaction.fee_cap,
        max_priority_fee_per_gas: transaction.tip,
        to: TxKind::Call(transaction.to),
        value: transaction.value,
        access_list: Default::default(),
        input: transaction.input.clone(),
    })
}

/// What the endpoint says to a transaction.
pub fn verdict(outcome: Result<B256, Rejected>) -> transactions::Verdict {
    use transactions::Verdict;
    match outcome {
        Ok(_) => Verdict::Accepted,
        Err(rejected) => match rejected {
            Rejected::AlreadyKnown => Verdict::AlreadyKnown,
            Rejected::NonceTooLow { .. } => Verdict::NonceTooLow,
            Rejected::ReplacementUnderpriced => Verdict::ReplacementUnderpriced,
            Rejected::Underpriced { .. } => Verdict::Underpriced,
            Rejected::InsufficientFunds { .. } | Rejected::InsufficientFundsWithQueue { .. } => {
                Verdict::InsufficientFunds
            }
            Rejected::ExceedsBlockGasLimit { .. } | Rejected::IntrinsicGas { .. } | Rejected::FloorDataGas { .. } => {
                Verdict::GasLimitOutOfRange
            }
            Rejected::Undecodable(_)
            | Rejected::Oversized { .. }
            | Rejected::TypeNotSupported(_)
            | Rejected::InitCodeTooLarge { .. }
            | Rejected::TipAboveFee { .. }
            | Rejected::WrongChainId { .. }
            | Rejected::InvalidSignature
            | Rejected::NonceMax(_)
            | Rejected::SenderHasCode(_)
            | Rejected::SenderFull(_)
            | Rejected::PoolFull => Verdict::Refused,
        },
    }
}

/// The hash under which the chain will know the transaction; it vouches for the sender in place of a signature.
pub fn hash(transaction: &transactions::Transaction) -> B256 {
    let vouched = Signature::new(transaction.sender.into_word().into(), U256::ONE, false);
    *TxEnvelope::new_unhashed(typed(transaction), vouched).tx_hash()
}
