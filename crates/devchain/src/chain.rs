//! The chain: what it takes, what it makes of it, what it remembers, and how it changes its mind.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{
    EMPTY_ROOT_HASH, Header, Transaction as _, TxEnvelope, TypedTransaction, proofs::ordered_trie_root_with_encoder,
};
use alloy_eips::{
    eip1559::{BaseFeeParams, calc_next_block_base_fee},
    eip2718::{Decodable2718, Encodable2718},
    eip7685::EMPTY_REQUESTS_HASH,
};
use alloy_primitives::{Address, B256, Bloom, Bytes, Signature, U256, keccak256, logs_bloom, map::B256Map};
use revm::{
    ExecuteCommitEvm,
    context::{
        CfgEnv,
        result::{EVMError, ExecutionResult},
    },
};

use crate::{
    block::{Block, Receipt, Transaction},
    config::{Config, Headers},
    execute::{self, block_env, tx_env},
    limits::{INIT_CODE_BYTES_MAX, TRANSACTION_BYTES_MAX},
    pool::{Pool, Rejected},
    recover::{Recover, recover_ecdsa, recover_keyed},
    trie::Proof,
    world::{Override, View, World, Writer},
};

/// An EVM chain (Prague rules) as a value: no clock, no entropy, no I/O. The same calls make the same block hashes.
///
/// Heights are block numbers; 0 is the genesis block. Where a height is asked for, one above the head means the head.
#[derive(Clone, Debug)]
pub struct Chain {
    pub(crate) config: Config,
    pub(crate) rules: CfgEnv,
    pub(crate) world: World,
    pub(crate) blocks: Vec<Arc<Block>>,
    numbers: B256Map<u64>,
    places: B256Map<(u64, usize)>,
    pub(crate) pool: Pool,
    arrivals: u64,
    /// How often the chain changed its mind. It stands in every header, so that no block comes back with its old hash.
    branch: u64,
    events: Option<Vec<Event>>,
}

/// What happened to the chain, for those who watch it.
#[derive(Clone, Debug)]
pub enum Event {
    /// The pool took a transaction.
    Pooled(Arc<Transaction>),
    /// A block was mined on the head.
    Mined(Arc<Block>),
    /// A reorganisation took this block back.
    Dropped(Arc<Block>),
    /// The pool gave up a transaction that could not be executed.
    Refused { transaction: Arc<Transaction>, reason: String },
}

/// A moment of a chain: its head and its pool.
#[derive(Clone, Debug)]
pub struct Snapshot {
    head: B256,
    pool: Pool,
}

/// A block may not be older than its parent. It may be as old, as on chains with several blocks a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timestamp {got} is before the parent's {parent}")]
pub struct TimestampTooOld {
    pub got: u64,
    pub parent: u64,
}

/// The genesis block stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot take back {depth} blocks of a chain of height {height}")]
pub struct TooDeep {
    pub depth: u64,
    pub height: u64,
}

impl Chain {
    pub fn new(config: Config) -> Self {
        let mut world = World::new(config.balances.iter().copied(), config.headers == Headers::Complete);
        let header = Header {
            state_root: world.seal_block(),
            timestamp: config.genesis_timestamp,
            gas_limit: config.gas_limit,
            base_fee_per_gas: Some(config.base_fee),
            beneficiary: config.beneficiary,
            extra_data: extra_data(0),
            ..prague_header()
        };
        let genesis = Block { hash: header.hash_slow(), header, transactions: Vec::new(), receipts: Vec::new() };
        Chain {
            rules: execute::rules(&config),
            world,
            numbers: [(genesis.hash, 0)].into_iter().collect(),
            blocks: vec![Arc::new(genesis)],
            places: B256Map::default(),
            pool: Pool::default(),
            arrivals: 0,
            branch: 0,
            events: None,
            config,
        }
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    // What the chain holds.

    /// The number of the newest block.
    pub fn height(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    pub fn head(&self) -> &Arc<Block> {
        self.blocks.last().expect("the genesis block stays")
    }

    pub fn block(&self, number: u64) -> Option<&Arc<Block>> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// Blocks that a reorganisation took back are not found.
    pub fn block_by_hash(&self, hash: &B256) -> Option<&Arc<Block>> {
        self.block(*self.numbers.get(hash)?)
    }

    /// The block that holds a transaction, and its index there.
    pub fn find(&self, transaction: &B256) -> Option<(&Arc<Block>, usize)> {
        let (number, index) = self.places.get(transaction)?;
        Some((self.block(*number)?, *index))
    }

    pub fn receipt(&self, transaction: &B256) -> Option<&Receipt> {
        let (block, index) = self.find(transaction)?;
        block.receipts.get(index)
    }

    /// Wei.
    pub fn balance(&self, address: &Address, height: u64) -> U256 {
        self.world.balance(address, height)
    }

    /// Transactions that the account has sent, or contracts that it has made.
    pub fn nonce(&self, address: &Address, height: u64) -> u64 {
        self.world.nonce(address, height)
    }

    pub fn code(&self, address: &Address, height: u64) -> Bytes {
        self.world.code(address, height).original_bytes()
    }

    pub fn storage(&self, address: &Address, slot: U256, height: u64) -> U256 {
        self.world.storage(address, slot, height)
    }

    /// EIP-1186, at the head; `None` on a chain without state roots.
    pub fn prove(&mut self, address: Address, slots: &[U256]) -> Option<Proof> {
        self.world.trie().map(|trie| trie.prove(address, slots))
    }

    pub(crate) fn view<'a>(&'a self, height: u64, overrides: &'a BTreeMap<Address, Override>) -> View<'a> {
        View { overrides, world: &self.world, blocks: &self.blocks, height }
    }

    // What waits.

    /// A waiting transaction.
    pub fn waiting(&self, hash: &B256) -> Option<&Arc<Transaction>> {
        self.pool.get(hash)
    }

    /// All waiting transactions, by sender and nonce.
    pub fn pool(&self) -> impl Iterator<Item = &Arc<Transaction>> {
        self.pool.iter()
    }

    pub fn pool_len(&self) -> usize {
        self.pool.len()
    }

    /// The nonce that the account's next transaction needs, if those that wait are mined.
    pub fn pending_nonce(&self, address: &Address) -> u64 {
        self.pool.next_nonce(address, self.nonce(address, u64::MAX))
    }

    /// Takes a signed transaction (EIP-2718 bytes) into the pool and returns its hash.
    pub fn submit_raw(&mut self, raw: &[u8]) -> Result<B256, Rejected> {
        if raw.len() > TRANSACTION_BYTES_MAX {
            return Err(Rejected::Oversized { got: raw.len(), limit: TRANSACTION_BYTES_MAX });
        }
        // The typed forms that follow are known, but this chain has neither blobs nor delegations.
        if let Some(kind @ 3..=0x7f) = raw.first() {
            return Err(Rejected::TypeNotSupported(*kind));
        }
        let mut rest = raw;
        let envelope = TxEnvelope::decode_2718(&mut rest).map_err(|error| Rejected::Undecodable(error.to_string()))?;
        if !rest.is_empty() {
            return Err(Rejected::Undecodable(format!("{} bytes after the transaction", rest.len())));
        }
        // Before the signature: a wrong chain id makes a wrong digest, and that would be the less helpful answer.
        self.check_chain_id(&envelope)?;
        let sender = self.recover(&envelope).ok_or(Rejected::InvalidSignature)?;
        self.submit(sender, envelope)
    }

    /// Takes a transaction whose sender the caller vouches for; for simulations, where nothing is signed. In place of a
    /// signature it carries r = the sender, s = 1.
    pub fn submit_from(&mut self, sender: Address, transaction: TypedTransaction) -> Result<B256, Rejected> {
        let signature = Signature::new(sender.into_word().into(), U256::ONE, false);
        let envelope = TxEnvelope::new_unhashed(transaction, signature);
        self.check_chain_id(&envelope)?;
        self.submit(sender, envelope)
    }

    fn check_chain_id(&self, envelope: &TxEnvelope) -> Result<(), Rejected> {
        match envelope.chain_id() {
            Some(got) if got != self.config.chain_id => {
                Err(Rejected::WrongChainId { got, wanted: self.config.chain_id })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn recover(&self, envelope: &TxEnvelope) -> Option<Address> {
        let signature = envelope.signature();
        let digest = envelope.signature_hash();
        let (r, s) = (signature.r().into(), signature.s().into());
        let keyed = match self.config.recover {
            Recover::Secp256k1 => None,
            Recover::KeyedHash => recover_keyed(digest, r, s),
        };
        // EIP-2: of the two s that verify, only the low one counts.
        keyed.or_else(|| recover_ecdsa(digest, r, s, signature.v()).filter(|_| signature.normalize_s().is_none()))
    }

    /// The checks of geth's pool, in its order.
    fn submit(&mut self, sender: Address, envelope: TxEnvelope) -> Result<B256, Rejected> {
        if let kind @ 3.. = alloy_consensus::Typed2718::ty(&envelope) {
            return Err(Rejected::TypeNotSupported(kind));
        }
        let input = envelope.input();
        if envelope.is_create() && input.len() > INIT_CODE_BYTES_MAX {
            return Err(Rejected::InitCodeTooLarge { got: input.len(), limit: INIT_CODE_BYTES_MAX });
        }
        let gas = envelope.gas_limit();
        if gas > self.config.gas_limit {
            return Err(Rejected::ExceedsBlockGasLimit { got: gas, limit: self.config.gas_limit });
        }
        let (fee, tip) = (envelope.max_fee_per_gas(), envelope.priority_fee_or_price());
        if tip > fee {
            return Err(Rejected::TipAboveFee { tip, fee });
        }
        // EIP-2681.
        if envelope.nonce() == u64::MAX {
            return Err(Rejected::NonceMax(envelope.nonce()));
        }
        let list = envelope.access_list().map_or(&[][..], |list| &list.0);
        let keys: usize = list.iter().map(|item| item.storage_keys.len()).sum();
        let needed =
            self.rules.gas_params.initial_tx_gas(input, envelope.is_create(), list.len() as u64, keys as u64, 0, None);
        if gas < needed.initial_total_gas() {
            return Err(Rejected::IntrinsicGas { got: gas, wanted: needed.initial_total_gas() });
        }
        if gas < needed.floor_gas() {
            return Err(Rejected::FloorDataGas { got: gas, wanted: needed.floor_gas() });
        }
        if tip < self.config.tip_min {
            return Err(Rejected::Underpriced { got: tip, wanted: self.config.tip_min });
        }
        // EIP-3607.
        if !self.world.code(&sender, u64::MAX).is_empty() {
            return Err(Rejected::SenderHasCode(sender));
        }
        let hash = *envelope.tx_hash();
        let transaction = Arc::new(Transaction { hash, sender, envelope, arrival: self.arrivals });
        let (nonce, balance) = (self.nonce(&sender, u64::MAX), self.balance(&sender, u64::MAX));
        self.pool.admit(transaction.clone(), nonce, balance)?;
        self.arrivals += 1;
        self.tell(Event::Pooled(transaction));
        Ok(hash)
    }

    /// Takes a transaction out of the pool, as if this node had never seen it.
    pub fn forget(&mut self, transaction: &B256) -> Option<Arc<Transaction>> {
        self.pool.remove(transaction)
    }

    // How the chain grows and shrinks.

    /// Makes a block of what waits. `timestamp` is in seconds.
    pub fn mine(&mut self, timestamp: u64) -> Result<Arc<Block>, TimestampTooOld> {
        self.mine_where(timestamp, |_| true)
    }

    /// Makes a block of those waiting transactions that `include` lets in. One that stays out holds back its sender's later ones.
    pub fn mine_where(
        &mut self,
        timestamp: u64,
        mut include: impl FnMut(&Transaction) -> bool,
    ) -> Result<Arc<Block>, TimestampTooOld> {
        let parent = self.head();
        if timestamp < parent.timestamp() {
            return Err(TimestampTooOld { got: timestamp, parent: parent.timestamp() });
        }
        let mut header = self.next_header(timestamp);
        let (mut transactions, mut receipts, mut refused) = (Vec::new(), Vec::new(), Vec::new());

        self.world.open_block();
        let base_fee = header.base_fee_per_gas.unwrap_or_default();
        let mut queue = self.pool.queue(base_fee, |sender| self.world.nonce(sender, u64::MAX));
        if !queue.is_empty() {
            let database = Writer { world: &mut self.world, blocks: &self.blocks };
            let mut evm = execute::evm(database, self.rules.clone(), block_env(&header), &self.config);
            let mut logs = 0;
            while let Some(transaction) = queue.pop() {
                if transaction.envelope.gas_limit() > header.gas_limit - header.gas_used || !include(&transaction) {
                    continue;
                }
                match evm.transact_commit(tx_env(&transaction)) {
                    Ok(result) => {
                        header.gas_used += result.tx_gas_used();
                        let receipt = receipt(&transaction, result, base_fee, header.gas_used, logs);
                        logs += receipt.logs.len() as u64;
                        receipts.push(receipt);
                        if let Some(next) = self.pool.after(&transaction) {
                            queue.push(next);
                        }
                        transactions.push(transaction);
                    }
                    Err(EVMError::Transaction(reason)) => refused.push((transaction, reason.to_string())),
                    // The database cannot fail and the header is our own.
                    Err(error) => unreachable!("{error}"),
                }
            }
        }
        header.state_root = self.world.seal_block();
        match self.config.headers {
            Headers::Complete | Headers::NoStateRoot => {
                header.transactions_root =
                    ordered_root(&transactions, |transaction, out| transaction.envelope.encode_2718(out));
                for receipt in &mut receipts {
                    receipt.bloom = logs_bloom(&receipt.logs);
                    header.logs_bloom.accrue_bloom(&receipt.bloom);
                }
                let pairs: Vec<_> = transactions.iter().zip(&receipts).collect();
                header.receipts_root = ordered_root(&pairs, |(transaction, receipt), out| {
                    receipt.envelope(transaction.kind(), receipt.logs.clone()).encode_2718(out);
                });
            }
            Headers::Bare => {
                let hashes: Vec<u8> = transactions.iter().flat_map(|transaction| transaction.hash).collect();
                header.transactions_root = keccak256(hashes);
                header.receipts_root = B256::ZERO;
                header.logs_bloom = Bloom::repeat_byte(0xff);
            }
        }

        let block = Arc::new(Block { hash: header.hash_slow(), header, transactions, receipts });
        self.numbers.insert(block.hash, block.number());
        for (index, transaction) in block.transactions.iter().enumerate() {
            self.places.insert(transaction.hash, (block.number(), index));
            self.pool.settle(transaction.sender, transaction.nonce() + 1);
        }
        self.blocks.push(block.clone());
        self.tell(Event::Mined(block.clone()));
        for (transaction, reason) in refused {
            self.pool.remove(&transaction.hash);
            self.tell(Event::Refused { transaction, reason });
        }
        Ok(block)
    }

    /// Takes back the newest `depth` blocks and returns them, oldest first. Their transactions wait again, at their old
    /// places in the queue; the caller mines another branch.
    pub fn reorg(&mut self, depth: u64) -> Result<Vec<Arc<Block>>, TooDeep> {
        let height = self.height();
        if depth > height {
            return Err(TooDeep { depth, height });
        }
        if depth == 0 {
            return Ok(Vec::new());
        }
        let dropped = self.blocks.split_off((height - depth) as usize + 1);
        self.world.unwind(height - depth);
        self.branch += 1;
        for block in &dropped {
            self.numbers.remove(&block.hash);
            for transaction in &block.transactions {
                self.places.remove(&transaction.hash);
                self.pool.restore(transaction.clone());
            }
        }
        for block in dropped.iter().rev() {
            self.tell(Event::Dropped(block.clone()));
        }
        Ok(dropped)
    }

    /// What [`Chain::restore`] needs to come back to this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { head: self.head().hash, pool: self.pool.clone() }
    }

    /// Takes back every block since the snapshot, and the pool; `None` if a reorganisation took the snapshot's own head away.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Option<Vec<Arc<Block>>> {
        let number = *self.numbers.get(&snapshot.head)?;
        let dropped = self.reorg(self.height() - number).ok()?;
        self.pool = snapshot.pool.clone();
        Some(dropped)
    }

    /// Wei per gas that the next block burns.
    pub fn next_base_fee(&self) -> u64 {
        let Header { gas_used, gas_limit, .. } = self.head().header;
        calc_next_block_base_fee(gas_used, gas_limit, self.head().base_fee(), BaseFeeParams::ethereum())
    }

    /// The header of the next block, without what execution makes of it.
    pub(crate) fn next_header(&self, timestamp: u64) -> Header {
        let parent = self.head();
        Header {
            parent_hash: parent.hash,
            beneficiary: self.config.beneficiary,
            number: parent.number() + 1,
            gas_limit: self.config.gas_limit,
            timestamp,
            extra_data: extra_data(self.branch),
            // PREVRANDAO: nobody here could gain from foreseeing it.
            mix_hash: keccak256(parent.hash),
            base_fee_per_gas: Some(self.next_base_fee()),
            ..prague_header()
        }
    }

    /// Starts to keep events. Whoever asks for that takes them regularly.
    pub fn watch(&mut self) {
        self.events.get_or_insert_default();
    }

    /// What happened since the last time.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn tell(&mut self, event: Event) {
        if let Some(events) = &mut self.events {
            events.push(event);
        }
    }
}

fn receipt(
    transaction: &Transaction,
    result: ExecutionResult,
    base_fee: u64,
    cumulative_gas_used: u64,
    first_log_index: u64,
) -> Receipt {
    let envelope = &transaction.envelope;
    let (success, gas_used) = (result.is_success(), result.tx_gas_used());
    let logs = if success { result.into_logs() } else { Vec::new() };
    Receipt {
        success,
        gas_used,
        cumulative_gas_used,
        effective_gas_price: envelope.effective_gas_price(Some(base_fee)),
        contract: envelope.is_create().then(|| transaction.sender.create(envelope.nonce())),
        bloom: Bloom::repeat_byte(0xff),
        logs,
        first_log_index,
    }
}

fn ordered_root<T>(items: &[T], encode: impl FnMut(&T, &mut Vec<u8>)) -> B256 {
    if items.is_empty() { EMPTY_ROOT_HASH } else { ordered_trie_root_with_encoder(items, encode) }
}

fn extra_data(branch: u64) -> Bytes {
    format!("dodona/{branch}").into_bytes().into()
}

/// What every header of the fork carries though there is no consensus layer here: no withdrawals, blobs, requests.
fn prague_header() -> Header {
    Header {
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        logs_bloom: Bloom::ZERO,
        ..Header::default()
    }
}
