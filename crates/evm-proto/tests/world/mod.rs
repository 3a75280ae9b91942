//! A chain, its pool and a disk round one transaction machine; every effect is checked against what the machine promises.
#![allow(dead_code, reason = "each test file uses its part of the world")]

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use evm_proto::chain::{Block, Receipt};
use evm_proto::transactions::{
    Answer, Ask, Config, Estimate, FeePolicy, Gas, Look, LookAsk, Order, Outcome, Output, Record, Sending, Signed,
    Submission, SubmissionId, Transaction, Transactions, Verdict,
};
use machine::{Effect, Effects, Event, Machine, Mono, Record as _, Ticket, Time, Wall};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub const SECOND: Duration = Duration::from_secs(1);
pub const GWEI: u128 = 1_000_000_000;

pub fn sender(number: u8) -> Address {
    Address::repeat_byte(0xa0 + number)
}

pub fn id(number: u8) -> SubmissionId {
    SubmissionId([number; 32])
}

pub fn config(senders: u8, confirmations: u64) -> Config {
    Config {
        chain_id: 1337,
        senders: (0..senders).map(sender).collect(),
        confirmations,
        poll_interval: SECOND,
        answer_within: SECOND * 5,
        resend_after: SECOND * 10,
        in_flight_max: 4,
        fees: FeePolicy {
            tip_min: GWEI,
            fee_cap_max: 500 * GWEI,
            headroom_percent: 200,
            bump_after_blocks: 3,
            bump_percent: 20,
            bump_min: GWEI,
        },
    }
}

/// A call whose input names it, so that the chain shows whose it is.
pub fn submission(number: u8) -> Submission {
    Submission {
        from: None,
        to: Address::repeat_byte(0xcc),
        value: U256::ZERO,
        input: Bytes::copy_from_slice(&[number; 32]),
        gas: Gas::Limit(100_000),
        expires: None,
    }
}

/// Whose payload a transaction is; `None`: a transfer of nothing, or someone else's.
pub fn payload(transaction: &Transaction) -> Option<SubmissionId> {
    transaction.input.as_ref().try_into().ok().map(SubmissionId)
}

#[derive(Clone, Debug)]
pub struct ChainBlock {
    pub hash: B256,
    pub transactions: Vec<B256>,
}

/// One canonical chain and one pool, with geth's rules for what a pool takes.
#[derive(Debug)]
pub struct Chain {
    pub blocks: Vec<ChainBlock>,
    pub pool: BTreeMap<(Address, u64), B256>,
    pub known: BTreeMap<B256, Transaction>,
    pub base_fee: u128,
    pub balance: U256,
    pub best: u64,
    salt: u64,
}

impl Chain {
    fn new() -> Self {
        let genesis = ChainBlock { hash: keccak256([0]), transactions: Vec::new() };
        Chain {
            blocks: vec![genesis],
            pool: BTreeMap::new(),
            known: BTreeMap::new(),
            base_fee: 10 * GWEI,
            balance: U256::from(1_000_000 * GWEI) * U256::from(GWEI),
            best: 0,
            salt: 0,
        }
    }

    pub fn head(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    pub fn block(&self, number: u64) -> Block {
        Block { number, hash: self.blocks[number as usize].hash }
    }

    pub fn nonce_at(&self, sender: Address, height: u64) -> u64 {
        let upto = &self.blocks[..=height as usize];
        upto.iter().flat_map(|block| &block.transactions).filter(|hash| self.known[*hash].sender == sender).count()
            as u64
    }

    pub fn nonce(&self, sender: Address) -> u64 {
        self.nonce_at(sender, self.head())
    }

    fn nonce_pending(&self, sender: Address, nonce: u64) -> u64 {
        (nonce..).find(|nonce| !self.pool.contains_key(&(sender, *nonce))).expect("pools end")
    }

    /// The block of a transaction, if it has one up to this height.
    pub fn found(&self, hash: &B256, height: u64) -> Option<u64> {
        (0..=height).find(|number| self.blocks[*number as usize].transactions.contains(hash))
    }

    /// The transaction that used this nonce, and its block.
    pub fn user(&self, sender: Address, nonce: u64) -> Option<(B256, u64)> {
        let mut seen = 0;
        for (number, block) in self.blocks.iter().enumerate() {
            for hash in block.transactions.iter().filter(|hash| self.known[*hash].sender == sender) {
                if seen == nonce {
                    return Some((*hash, number as u64));
                }
                seen += 1;
            }
        }
        None
    }

    pub fn mine(&mut self, from_pool: bool) {
        let mut transactions = Vec::new();
        if from_pool {
            let senders: BTreeSet<Address> = self.pool.keys().map(|(sender, _)| *sender).collect();
            for sender in senders {
                let mut nonce = self.nonce(sender);
                while let Some(hash) = self.pool.get(&(sender, nonce)).copied() {
                    if self.known[&hash].fee_cap < self.base_fee {
                        break;
                    }
                    self.pool.remove(&(sender, nonce));
                    transactions.push(hash);
                    nonce += 1;
                }
            }
        }
        self.salt += 1;
        let hash = keccak256(format!("{:?}{:?}{}", self.blocks.last(), transactions, self.salt));
        self.blocks.push(ChainBlock { hash, transactions });
        self.best = self.best.max(self.head());
        let known = &self.known;
        let nonces: BTreeMap<Address, u64> =
            known.values().map(|t| t.sender).map(|sender| (sender, self.nonce(sender))).collect();
        self.pool.retain(|(sender, nonce), _| *nonce >= nonces[sender]);
    }

    /// Removes so many blocks; their transactions return to the pool, or are lost.
    pub fn roll_back(&mut self, depth: u64, lost: bool) {
        for _ in 0..depth.min(self.head()) {
            for hash in self.blocks.pop().expect("not the genesis").transactions {
                let transaction = &self.known[&hash];
                if !lost {
                    self.pool.insert((transaction.sender, transaction.nonce), hash);
                }
            }
        }
    }

    pub fn take(&mut self, transaction: &Transaction, hash: B256) -> Verdict {
        self.known.insert(hash, transaction.clone());
        let Transaction { sender, nonce, tip, fee_cap, .. } = *transaction;
        if nonce < self.nonce(sender) {
            return Verdict::NonceTooLow;
        }
        if let Some(old) = self.pool.get(&(sender, nonce)) {
            let old_bid = &self.known[old];
            if *old == hash {
                return Verdict::AlreadyKnown;
            }
            if tip * 10 < old_bid.tip * 11 || fee_cap * 10 < old_bid.fee_cap * 11 {
                return Verdict::ReplacementUnderpriced;
            }
        }
        self.pool.insert((sender, nonce), hash);
        Verdict::Accepted
    }

    /// Another user of the key sends something under the next nonce of the chain, straight into a block.
    pub fn foreign(&mut self, sender: Address) {
        let nonce = self.nonce(sender);
        self.salt += 1;
        let hash = keccak256(format!("foreign {}", self.salt));
        let transaction = Transaction {
            chain_id: 1337,
            sender,
            nonce,
            tip: GWEI,
            fee_cap: 100 * GWEI,
            gas_limit: 21_000,
            to: sender,
            value: U256::from(1),
            input: Bytes::from_static(b"foreign"),
        };
        self.known.insert(hash, transaction);
        self.pool.insert((sender, nonce), hash);
    }

    pub fn look(&self, ask: &LookAsk, behind: u64) -> Look {
        let height = self.head().saturating_sub(behind);
        let nonce = self.nonce_at(ask.sender, height);
        let receipts = ask.attempts.iter().filter_map(|(_, hash)| {
            let block = self.block(self.found(hash, height)?);
            Some(Receipt { transaction: *hash, block, gas_used: 21_000, gas_price: self.base_fee, success: true })
        });
        let nonce_confirmed = match (height + 1).checked_sub(ask.confirmations) {
            Some(depth) => self.nonce_at(ask.sender, depth),
            None => 0,
        };
        Look {
            head: self.block(height),
            nonce,
            nonce_pending: self.nonce_pending(ask.sender, nonce),
            nonce_confirmed,
            balance: self.balance,
            base_fee: self.base_fee,
            tip: GWEI,
            receipts: receipts.collect(),
        }
    }
}

/// The machine in its world.
pub struct World {
    pub config: Config,
    pub machine: Transactions,
    pub chain: Chain,
    pub disk: BTreeMap<Vec<u8>, Vec<u8>>,
    pub asks: BTreeMap<Ticket, Ask>,
    pub outputs: Vec<Output>,
    /// Effects since the last call of [`World::log`], one line each.
    lines: Vec<String>,
    pub logging: bool,
    pub mono: u64,
    /// Signatures are drawn anew each time, as some HSMs do.
    pub random_signatures: bool,
    signatures: u64,
    nonce_owner: BTreeMap<(Address, u64), SubmissionId>,
    nonces_of: BTreeMap<SubmissionId, BTreeSet<(Address, u64)>>,
    pub submitted: BTreeMap<SubmissionId, Submission>,
    pub outcomes: BTreeMap<SubmissionId, Outcome>,
    /// Outcomes told since the id was last submitted.
    told: BTreeMap<SubmissionId, u32>,
    /// Looks without receipts in a row.
    lagging: BTreeMap<Address, u32>,
    out: Effects<Sending>,
}

impl World {
    pub fn new(config: Config) -> Self {
        World {
            machine: Transactions::recover(config.clone(), []).unwrap(),
            config,
            chain: Chain::new(),
            disk: BTreeMap::new(),
            asks: BTreeMap::new(),
            outputs: Vec::new(),
            lines: Vec::new(),
            logging: true,
            mono: 0,
            random_signatures: false,
            signatures: 0,
            nonce_owner: BTreeMap::new(),
            nonces_of: BTreeMap::new(),
            submitted: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            told: BTreeMap::new(),
            lagging: BTreeMap::new(),
            out: Effects::default(),
        }
    }

    pub fn now(&self) -> Time {
        Time { mono: Mono(self.mono), wall: Wall(self.mono) }
    }

    /// Hands an event in and does what comes out; only the first so many effects if the machine is to die there.
    pub fn hand(&mut self, event: Event<Sending>, die_after: Option<usize>) {
        let mut out = std::mem::take(&mut self.out);
        self.machine.handle(self.now(), event, &mut out);
        for effect in out.drain().take(die_after.unwrap_or(usize::MAX)) {
            self.perform(effect);
        }
        self.out = out;
        if die_after.is_some() {
            self.crash();
        }
    }

    fn perform(&mut self, effect: Effect<Sending>) {
        if self.logging {
            self.lines.push(show(&effect));
        }
        match effect {
            Effect::Persist(record) => {
                let (mut key, mut bytes) = (Vec::new(), Vec::new());
                Record::encode_key(&record.key(), &mut key);
                record.encode(&mut bytes);
                let read = Record::decode(&bytes).expect("our own record");
                let mut again = Vec::new();
                read.encode(&mut again);
                assert_eq!((again == bytes, read.key()), (true, record.key()), "{record:?} reads back as {read:?}");
                match record.erases() {
                    true => self.disk.remove(&key),
                    false => self.disk.insert(key, bytes),
                };
            }
            Effect::Send { to, .. } => match to {},
            Effect::Ask { ticket, ask } => {
                if let Ask::Broadcast { transaction, signed } = &ask {
                    self.check_spoken(transaction, signed);
                    self.note_spoken(&transaction.clone());
                }
                self.asks.insert(ticket, ask);
            }
            Effect::Forget(ticket) => {
                self.asks.remove(&ticket).expect("only what was asked is forgotten");
            }
            Effect::Emit(output) => {
                if let Output::Outcome { id, outcome } = &output {
                    let told = self.told.entry(*id).or_default();
                    *told += 1;
                    assert_eq!(*told, 1, "{id} has two outcomes");
                    let first = self.outcomes.entry(*id).or_insert_with(|| outcome.clone());
                    assert_eq!(first, outcome, "{id} ends in another way than before");
                }
                self.outputs.push(output);
            }
        }
    }

    /// What the machine promises of every transaction that leaves it.
    fn check_spoken(&self, transaction: &Transaction, signed: &Signed) {
        let recorded = self.disk.values().any(|bytes| bytes.windows(32).any(|window| window == signed.hash.as_slice()));
        assert!(recorded, "{} leaves before it is recorded", signed.hash);
        let Some(id) = payload(transaction) else {
            assert!(transaction.input.is_empty() && transaction.to == transaction.sender);
            return;
        };
        assert!(self.submitted.contains_key(&id));
        let place = (transaction.sender, transaction.nonce);
        if let Some(owner) = self.nonce_owner.get(&place) {
            assert_eq!(*owner, id, "nonce {place:?} is given to two payloads");
        }
        for (sender, nonce) in self.nonces_of.get(&id).into_iter().flatten().filter(|old| **old != place) {
            let (user, block) = self.chain.user(*sender, *nonce).expect("a second nonce while the first is free");
            assert_ne!(payload(&self.chain.known[&user]), Some(id), "{id} is in the chain and sent again");
            let depth = self.chain.best + 1 - block;
            assert!(depth >= self.config.confirmations, "{id} has a second nonce, the first is lost {depth} deep only");
        }
    }

    fn note_spoken(&mut self, transaction: &Transaction) {
        if let Some(id) = payload(transaction) {
            let place = (transaction.sender, transaction.nonce);
            self.nonce_owner.insert(place, id);
            self.nonces_of.entry(id).or_default().insert(place);
        }
    }

    pub fn submit(&mut self, number: u8, die_after: Option<usize>) {
        self.submit_as(number, submission(number), die_after);
    }

    pub fn submit_as(&mut self, number: u8, submission: Submission, die_after: Option<usize>) {
        let id = id(number);
        // Submitting again after an outcome asks for it again.
        self.told.remove(&id);
        self.submitted.insert(id, submission.clone());
        self.hand(Event::Told(Order::Submit { id, submission }), die_after);
    }

    pub fn abandon(&mut self, number: u8, die_after: Option<usize>) {
        self.hand(Event::Told(Order::Abandon { id: id(number) }), die_after);
    }

    /// The honest answer to an ask of which the endpoint is so many blocks behind.
    pub fn honest(&mut self, ask: &Ask, behind: u64) -> Answer {
        match ask {
            Ask::Look(look) => Answer::Looked(self.chain.look(look, behind)),
            Ask::Estimate { .. } => Answer::Estimated(Estimate::Gas(50_000)),
            Ask::Sign(transaction) => {
                if self.random_signatures {
                    self.signatures += 1;
                }
                let hash = keccak256(format!("{transaction:?}{}", self.signatures));
                Answer::Signed(Signed { hash, raw: Bytes::from_static(b"raw") })
            }
            Ask::Broadcast { transaction, signed } => Answer::Broadcast(self.chain.take(transaction, signed.hash)),
        }
    }

    pub fn ticket(&self, which: usize) -> Option<Ticket> {
        (!self.asks.is_empty()).then(|| *self.asks.keys().nth(which % self.asks.len()).unwrap())
    }

    /// Answers one of the asks.
    pub fn answer(&mut self, ticket: Ticket, behind: u64, die_after: Option<usize>) {
        let ask = self.asks.remove(&ticket).expect("a ticket in hand is asked");
        if let Ask::Look(look) = &ask {
            self.lagging.remove(&look.sender);
        }
        let answer = self.honest(&ask, behind);
        self.hand(Event::Answered { ticket, answer: Some(answer) }, die_after);
    }

    /// Answers a look as an endpoint does whose receipts lag behind its state, at most twice in a row.
    pub fn answer_without_receipts(&mut self, ticket: Ticket) {
        let Ask::Look(ask) = &self.asks[&ticket] else { return self.answer(ticket, 0, None) };
        let lagging = self.lagging.entry(ask.sender).or_default();
        *lagging += 1;
        if *lagging > 2 {
            return self.answer(ticket, 0, None);
        }
        let look = Look { receipts: Vec::new(), ..self.chain.look(ask, 0) };
        self.asks.remove(&ticket);
        self.hand(Event::Answered { ticket, answer: Some(Answer::Looked(look)) }, None);
    }

    /// One of the asks fails; what it was to do may have happened all the same.
    pub fn fail(&mut self, ticket: Ticket, happened: bool) {
        let ask = self.asks.remove(&ticket).expect("a ticket in hand is asked");
        if happened {
            self.honest(&ask, 0);
        }
        self.hand(Event::Answered { ticket, answer: None }, None);
    }

    /// Answers everything until nothing is asked.
    pub fn settle(&mut self) {
        for _ in 0..1_000 {
            match self.ticket(0) {
                Some(ticket) => self.answer(ticket, 0, None),
                None => return,
            }
        }
        panic!("the machine asks without end");
    }

    pub fn pass(&mut self, time: Duration) {
        self.mono += time.as_nanos() as u64;
        self.hand(Event::Woke, None);
    }

    pub fn crash(&mut self) {
        self.asks.clear();
        let records = self.disk.values().map(|bytes| Record::decode(bytes).expect("our own record"));
        self.machine = Transactions::recover(self.config.clone(), records.collect::<Vec<_>>()).unwrap();
        self.hand(Event::Woke, None);
    }

    /// What happened since the last call.
    pub fn log(&mut self) -> String {
        self.lines.drain(..).map(|line| line + "\n").collect()
    }
}

fn short(hash: &B256) -> String {
    hash.to_string()[2..8].to_string()
}

fn what(transaction: &Transaction) -> String {
    let Transaction { sender, nonce, tip, fee_cap, gas_limit, .. } = transaction;
    let what = match payload(transaction) {
        Some(id) => format!("payload {:02x}", id.0[0]),
        None => "nothing".into(),
    };
    let gwei = |wei: &u128| *wei as f64 / GWEI as f64;
    format!(
        "{what}: nonce {nonce} of {}, tip {} cap {}, gas {gas_limit}",
        sender_name(sender),
        gwei(tip),
        gwei(fee_cap)
    )
}

fn sender_name(sender: &Address) -> String {
    format!("{:02x}", sender.0[0])
}

fn show(effect: &Effect<Sending>) -> String {
    match effect {
        Effect::Persist(record) => {
            let what = if record.erases() { "erase" } else { "persist" };
            shorten(&format!("  {what} {:?}", record.key()))
        }
        Effect::Send { to, .. } => match *to {},
        Effect::Ask { ticket, ask } => match ask {
            Ask::Look(look) => {
                let attempts: Vec<String> =
                    look.attempts.iter().map(|(nonce, hash)| format!("{nonce}:{}", short(hash))).collect();
                format!("  ask {} look {}", ticket.0, attempts.join(" "))
            }
            Ask::Estimate { .. } => format!("  ask {} estimate", ticket.0),
            Ask::Sign(transaction) => format!("  ask {} sign {}", ticket.0, what(transaction)),
            Ask::Broadcast { transaction, signed } => {
                format!("  ask {} broadcast {} {}", ticket.0, short(&signed.hash), what(transaction))
            }
        },
        Effect::Forget(ticket) => format!("  forget {}", ticket.0),
        Effect::Emit(output) => shorten(&format!("  emit {output:?}")),
    }
}

/// Long hex words by their first digits: two of an id or address, six of a hash.
fn shorten(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        short += match word.len() {
            40 | 64 if word.as_bytes().chunks(2).all(|byte| byte == &word.as_bytes()[..2]) => &word[..2],
            64 => &word[..6],
            _ => word,
        };
        let next = after.find(|c: char| c.is_ascii_hexdigit()).unwrap_or(after.len());
        short += &after[..next];
        rest = &after[next..];
    }
    short
}
