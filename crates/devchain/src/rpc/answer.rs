//! What JSON-RPC answers look like: hexadecimal, in the fields that geth has.

use std::fmt::LowerHex;

use alloy_consensus::{Header, Transaction as _, TxType};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
};
use alloy_primitives::{Address, B256, U256, hex};
use alloy_rlp::Encodable;
use serde_json::{Value, json};

use crate::{
    block::{Block, Receipt, Transaction},
    logs::PlacedLog,
};

/// A number: no leading zeros.
pub(super) fn quantity(value: impl LowerHex) -> Value {
    format!("{value:#x}").into()
}

/// Bytes: two digits each.
pub(super) fn data(bytes: impl AsRef<[u8]>) -> Value {
    hex::encode_prefixed(bytes).into()
}

fn address(address: Option<Address>) -> Value {
    address.map_or(Value::Null, data)
}

pub(super) fn header(hash: Option<B256>, header: &Header) -> Value {
    json!({
        "number": quantity(header.number),
        "hash": hash.map(data),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "mixHash": data(header.mix_hash),
        "sha3Uncles": data(header.ommers_hash),
        "logsBloom": data(header.logs_bloom),
        "stateRoot": data(header.state_root),
        "miner": data(header.beneficiary),
        "difficulty": quantity(header.difficulty),
        "extraData": data(&header.extra_data),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "transactionsRoot": data(header.transactions_root),
        "receiptsRoot": data(header.receipts_root),
        "baseFeePerGas": header.base_fee_per_gas.map(quantity),
        "withdrawalsRoot": header.withdrawals_root.map(data),
        "blobGasUsed": header.blob_gas_used.map(quantity),
        "excessBlobGas": header.excess_blob_gas.map(quantity),
        "parentBeaconBlockRoot": header.parent_beacon_block_root.map(data),
        "requestsHash": header.requests_hash.map(data),
    })
}

pub(super) fn block(block: &Block, full: bool) -> Value {
    let transactions: Vec<Value> = match full {
        true => (0..block.transactions.len()).map(|index| mined(block, index)).collect(),
        false => block.transactions.iter().map(|transaction| data(transaction.hash)).collect(),
    };
    with_body(header(Some(block.hash), &block.header), size(block), transactions)
}

/// The block that would come next. As geth has it, nobody knows its hash.
pub(super) fn pending_block(next: &Header) -> Value {
    with_body(header(None, next), 0, Vec::new())
}

fn with_body(mut header: Value, size: usize, transactions: Vec<Value>) -> Value {
    header["size"] = quantity(size);
    header["transactions"] = transactions.into();
    header["uncles"] = json!([]);
    header["withdrawals"] = json!([]);
    header
}

/// Bytes of the block's RLP.
fn size(block: &Block) -> usize {
    let transactions = block.transactions.iter().map(|transaction| transaction.envelope.length()).sum();
    let list = |payload_length| alloy_rlp::Header { list: true, payload_length }.length() + payload_length;
    // Behind the transactions stand two empty lists: uncles and withdrawals.
    list(block.header.length() + list(transactions) + 2)
}

pub(super) fn mined(block: &Block, index: usize) -> Value {
    let (mined, receipt) = (&block.transactions[index], &block.receipts[index]);
    let mut answer = transaction(mined, receipt.effective_gas_price);
    answer["blockHash"] = data(block.hash);
    answer["blockNumber"] = quantity(block.number());
    answer["transactionIndex"] = quantity(index);
    answer
}

pub(super) fn waiting(waiting: &Transaction) -> Value {
    transaction(waiting, waiting.envelope.max_fee_per_gas())
}

fn transaction(transaction: &Transaction, gas_price: u128) -> Value {
    let (envelope, signature) = (&transaction.envelope, transaction.envelope.signature());
    let odd = u64::from(signature.v());
    let mut answer = json!({
        "blockHash": null,
        "blockNumber": null,
        "transactionIndex": null,
        "hash": data(transaction.hash),
        "from": data(transaction.sender),
        "to": address(envelope.to()),
        "nonce": quantity(envelope.nonce()),
        "gas": quantity(envelope.gas_limit()),
        "gasPrice": quantity(gas_price),
        "value": quantity(envelope.value()),
        "input": data(envelope.input()),
        "type": quantity(transaction.type_number()),
        "r": quantity(signature.r()),
        "s": quantity(signature.s()),
        "v": quantity(odd),
    });
    if let Some(chain_id) = envelope.chain_id() {
        answer["chainId"] = quantity(chain_id);
    }
    match transaction.kind() {
        // EIP-155 puts the chain id into v.
        TxType::Legacy => {
            let base = envelope.chain_id().map_or(U256::from(27), |id| U256::from(id) * U256::from(2) + U256::from(35));
            answer["v"] = quantity(base + U256::from(odd));
        }
        TxType::Eip2930 | TxType::Eip1559 | TxType::Eip4844 | TxType::Eip7702 => {
            answer["yParity"] = quantity(odd);
            answer["accessList"] = access_list(envelope.access_list().unwrap_or(&AccessList::default()));
        }
    }
    if let Some(tip) = envelope.max_priority_fee_per_gas() {
        answer["maxFeePerGas"] = quantity(envelope.max_fee_per_gas());
        answer["maxPriorityFeePerGas"] = quantity(tip);
    }
    answer
}

pub(super) fn access_list(list: &AccessList) -> Value {
    let keys = |item: &AccessListItem| item.storage_keys.iter().map(data).collect::<Vec<_>>();
    list.iter().map(|item| json!({ "address": data(item.address), "storageKeys": keys(item) })).collect()
}

pub(super) fn raw(transaction: &Transaction) -> Value {
    data(transaction.envelope.encoded_2718())
}

pub(super) fn receipt(block: &Block, index: usize) -> Value {
    let (transaction, receipt): (&Transaction, &Receipt) = (&block.transactions[index], &block.receipts[index]);
    let placed = (receipt.first_log_index..).zip(&receipt.logs).map(|(log_index, log)| PlacedLog {
        block,
        transaction,
        transaction_index: index,
        log_index,
        log,
    });
    json!({
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(index),
        "blockHash": data(block.hash),
        "blockNumber": quantity(block.number()),
        "from": data(transaction.sender),
        "to": address(transaction.envelope.to()),
        "contractAddress": address(receipt.contract),
        "type": quantity(transaction.type_number()),
        "status": quantity(u64::from(receipt.success)),
        "gasUsed": quantity(receipt.gas_used),
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
        "effectiveGasPrice": quantity(receipt.effective_gas_price),
        "logs": placed.map(|placed| log(&placed, false)).collect::<Vec<_>>(),
        "logsBloom": data(receipt.bloom),
    })
}

/// `removed`: a reorganisation took the block back.
pub(super) fn log(placed: &PlacedLog<'_>, removed: bool) -> Value {
    json!({
        "address": data(placed.log.address),
        "topics": placed.log.topics().iter().map(data).collect::<Vec<_>>(),
        "data": data(&placed.log.data.data),
        "blockNumber": quantity(placed.block.number()),
        "blockHash": data(placed.block.hash),
        "blockTimestamp": quantity(placed.block.timestamp()),
        "transactionHash": data(placed.transaction.hash),
        "transactionIndex": quantity(placed.transaction_index),
        "logIndex": quantity(placed.log_index),
        "removed": removed,
    })
}
