//! Accounts and storage at every height: a journal of what each block changed, never a copy.
//!
//! A cell holds the newest value and, newest last, the values it had before, each with the block that wrote it. So the
//! newest state is a hash-map lookup, an old one a binary search more, and taking a block back touches only what that
//! block changed.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use alloy_primitives::{
    Address, B256, Bytes, KECCAK256_EMPTY, U256,
    map::{AddressMap, U256Map},
};
use revm::{
    Database, DatabaseCommit,
    state::{Account as Change, AccountId, AccountInfo, Bytecode},
};

use crate::{block::Block, trie::StateTrie};

/// A value and what it was before.
#[derive(Clone, Debug)]
struct Cell<T> {
    now: T,
    since: u64,
    before: Vec<(u64, T)>,
}

impl<T: Default + Clone> Cell<T> {
    fn new(since: u64, now: T) -> Self {
        Cell { now, since, before: Vec::new() }
    }

    /// The value at the end of block `height`; before the first write, the default.
    fn at(&self, height: u64) -> T {
        if self.since <= height {
            return self.now.clone();
        }
        match self.before.partition_point(|(since, _)| *since <= height) {
            0 => T::default(),
            newer => self.before[newer - 1].1.clone(),
        }
    }

    /// Writes in block `height`; true if this is the block's first write here.
    fn write(&mut self, height: u64, value: T) -> bool {
        let old = std::mem::replace(&mut self.now, value);
        let first = self.since != height;
        if first {
            self.before.push((self.since, old));
            self.since = height;
        }
        first
    }

    /// Forgets what blocks above `height` wrote.
    fn unwind(&mut self, height: u64) {
        while self.since > height {
            (self.since, self.now) = self.before.pop().unwrap_or_default();
        }
    }
}

/// What the chain knows of an account besides its storage. An account that does not exist is `None` in its cell.
#[derive(Clone, Debug)]
struct Info {
    nonce: u64,
    balance: U256,
    code_hash: B256,
    code: Bytecode,
}

#[derive(Clone, Debug)]
struct Account {
    address: Address,
    info: Cell<Option<Info>>,
    storage: U256Map<Cell<U256>>,
}

/// One cell that a block changed.
#[derive(Clone, Copy, Debug)]
enum Touch {
    Account(usize),
    Slot(usize, U256),
}

/// All accounts at all heights.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    accounts: Vec<Account>,
    index: AddressMap<usize>,
    /// What the block of each height changed. The last one is being written.
    journal: Vec<Vec<Touch>>,
    /// Kept only by a chain whose headers carry state roots.
    trie: Option<StateTrie>,
}

impl World {
    pub(crate) fn new(genesis: impl IntoIterator<Item = (Address, U256)>, state_root: bool) -> Self {
        let mut world =
            World { journal: vec![Vec::new()], trie: state_root.then(StateTrie::default), ..World::default() };
        for (address, balance) in genesis {
            let info = Info { nonce: 0, balance, code_hash: KECCAK256_EMPTY, code: Bytecode::default() };
            world.write_info(address, (!balance.is_zero()).then_some(info));
        }
        world
    }

    /// The block that is being written, or was written last.
    fn height(&self) -> u64 {
        self.journal.len() as u64 - 1
    }

    pub(crate) fn open_block(&mut self) {
        self.journal.push(Vec::new());
    }

    /// The state root after the newest block; zero on a chain that keeps none.
    pub(crate) fn seal_block(&mut self) -> B256 {
        let touched = std::mem::take(self.journal.last_mut().expect("genesis is never popped"));
        self.refresh_trie(&touched);
        *self.journal.last_mut().expect("genesis is never popped") = touched;
        self.trie.as_mut().map_or(B256::ZERO, StateTrie::root)
    }

    /// Takes back every block above `height`.
    pub(crate) fn unwind(&mut self, height: u64) {
        let mut undone = Vec::new();
        while self.height() > height {
            undone.append(&mut self.journal.pop().expect("its length was just looked at"));
        }
        for touch in &undone {
            match *touch {
                Touch::Account(id) => self.accounts[id].info.unwind(height),
                Touch::Slot(id, slot) => {
                    if let Some(cell) = self.accounts[id].storage.get_mut(&slot) {
                        cell.unwind(height);
                    }
                }
            }
        }
        self.refresh_trie(&undone);
    }

    fn refresh_trie(&mut self, touched: &[Touch]) {
        let Some(trie) = &mut self.trie else { return };
        for touch in touched {
            match *touch {
                Touch::Account(id) => {
                    let account = &self.accounts[id];
                    let leaf = account.info.now.as_ref().map(|info| (info.nonce, info.balance, info.code_hash));
                    trie.set_account(account.address, leaf);
                }
                Touch::Slot(id, slot) => {
                    let account = &self.accounts[id];
                    let value = account.storage.get(&slot).map_or(U256::ZERO, |cell| cell.now);
                    trie.set_slot(account.address, slot, value);
                }
            }
        }
    }

    pub(crate) fn trie(&mut self) -> Option<&mut StateTrie> {
        self.trie.as_mut()
    }

    fn info(&self, address: &Address, height: u64) -> Option<(usize, Info)> {
        let id = *self.index.get(address)?;
        Some((id, self.accounts[id].info.at(height)?))
    }

    pub(crate) fn balance(&self, address: &Address, height: u64) -> U256 {
        self.info(address, height).map_or(U256::ZERO, |(_, info)| info.balance)
    }

    pub(crate) fn nonce(&self, address: &Address, height: u64) -> u64 {
        self.info(address, height).map_or(0, |(_, info)| info.nonce)
    }

    pub(crate) fn code(&self, address: &Address, height: u64) -> Bytecode {
        self.info(address, height).map_or_else(Bytecode::default, |(_, info)| info.code)
    }

    pub(crate) fn storage(&self, address: &Address, slot: U256, height: u64) -> U256 {
        self.index.get(address).map_or(U256::ZERO, |id| self.slot(*id, slot, height))
    }

    fn slot(&self, id: usize, slot: U256, height: u64) -> U256 {
        self.accounts[id].storage.get(&slot).map_or(U256::ZERO, |cell| cell.at(height))
    }

    fn account(&mut self, address: Address) -> usize {
        *self.index.entry(address).or_insert_with(|| {
            self.accounts.push(Account { address, info: Cell::new(0, None), storage: U256Map::default() });
            self.accounts.len() - 1
        })
    }

    fn write_info(&mut self, address: Address, info: Option<Info>) -> usize {
        let height = self.height();
        let id = self.account(address);
        // Block 0 writes each account once, into a cell that counts as written by block 0 already.
        if self.accounts[id].info.write(height, info) || height == 0 {
            self.journal[height as usize].push(Touch::Account(id));
        }
        id
    }

    fn write_slot(&mut self, id: usize, slot: U256, value: U256) {
        let height = self.height();
        let mut first = true;
        self.accounts[id]
            .storage
            .entry(slot)
            .and_modify(|cell| first = cell.write(height, value))
            .or_insert_with(|| Cell::new(height, value));
        if first {
            self.journal[height as usize].push(Touch::Slot(id, slot));
        }
    }

    fn commit_account(&mut self, address: Address, change: Change) {
        if !change.is_touched() {
            return;
        }
        // EIP-6780: only an account of this same transaction can vanish, so its storage was never written here.
        // EIP-161: a touched account that is empty does not exist.
        if change.is_selfdestructed() || change.is_empty() {
            if self.index.contains_key(&address) {
                self.write_info(address, None);
            }
            return;
        }
        let AccountInfo { balance, nonce, code_hash, code, .. } = change.info;
        let known = self.info(&address, u64::MAX);
        let id = match &known {
            Some((id, info)) if info.balance == balance && info.nonce == nonce && info.code_hash == code_hash => *id,
            _ => {
                let code = code.or_else(|| known.map(|(_, info)| info.code)).unwrap_or_default();
                self.write_info(address, Some(Info { nonce, balance, code_hash, code }))
            }
        };
        for (slot, value) in change.storage {
            if value.is_changed() {
                self.write_slot(id, slot, value.present_value);
            }
        }
    }

    fn read(&self, address: &Address, height: u64) -> Option<AccountInfo> {
        let (id, Info { nonce, balance, code_hash, code }) = self.info(address, height)?;
        Some(AccountInfo { balance, nonce, code_hash, account_id: AccountId::new(id), code: Some(code) })
    }
}

/// The hash of block `number`, which BLOCKHASH asks for; zero for one that is not there.
fn block_hash(blocks: &[Arc<Block>], number: u64) -> B256 {
    usize::try_from(number).ok().and_then(|number| blocks.get(number)).map_or(B256::ZERO, |block| block.hash)
}

/// What a call pretends of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    pub balance: Option<U256>,
    pub nonce: Option<u64>,
    pub code: Option<Bytes>,
    /// Slots with other values.
    pub slots: BTreeMap<U256, U256>,
    /// Whether all other slots are zero, and not what they are.
    pub replaces_storage: bool,
}

/// The world as it was at the end of a block, with what a call pretends.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) overrides: &'a BTreeMap<Address, Override>,
    pub(crate) world: &'a World,
    pub(crate) blocks: &'a [Arc<Block>],
    pub(crate) height: u64,
}

/// The newest world, for the block that is being made.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) blocks: &'a [Arc<Block>],
}

impl Database for View<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        let real = self.world.read(&address, self.height);
        let Some(pretended) = self.overrides.get(&address) else { return Ok(real) };
        let mut info = real.unwrap_or_default();
        info.balance = pretended.balance.unwrap_or(info.balance);
        info.nonce = pretended.nonce.unwrap_or(info.nonce);
        if let Some(code) = &pretended.code {
            let code = Bytecode::new_legacy(code.clone());
            (info.code_hash, info.code) = (code.hash_slow(), Some(code));
        }
        // Its storage is asked for by address, below.
        info.account_id = None;
        Ok(Some(info))
    }

    fn code_by_hash(&mut self, _: B256) -> Result<Bytecode, Infallible> {
        // Accounts carry their code, so revm has none to look up.
        Ok(Bytecode::default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(
            match self.overrides.get(&address).map(|pretended| (pretended.slots.get(&slot), pretended.replaces_storage))
            {
                Some((Some(value), _)) => *value,
                Some((None, true)) => U256::ZERO,
                Some((None, false)) | None => self.world.storage(&address, slot, self.height),
            },
        )
    }

    fn storage_by_account_id(&mut self, _: Address, id: AccountId, slot: U256) -> Result<U256, Infallible> {
        Ok(self.world.slot(id.get(), slot, self.height))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(block_hash(self.blocks, number))
    }
}

impl Database for Writer<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.world.read(&address, u64::MAX))
    }

    fn code_by_hash(&mut self, _: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.world.storage(&address, slot, u64::MAX))
    }

    fn storage_by_account_id(&mut self, _: Address, id: AccountId, slot: U256) -> Result<U256, Infallible> {
        Ok(self.world.slot(id.get(), slot, u64::MAX))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(block_hash(self.blocks, number))
    }
}

impl DatabaseCommit for Writer<'_> {
    fn commit(&mut self, changes: AddressMap<Change>) {
        for (address, change) in changes {
            self.world.commit_account(address, change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_answers_for_every_height() {
        let mut cell = Cell::new(3, 30);
        assert!(cell.write(5, 50));
        assert!(!cell.write(5, 51));
        assert!(cell.write(9, 90));
        let seen: Vec<i32> = (0..11).map(|height| cell.at(height)).collect();
        assert_eq!(seen, [0, 0, 0, 30, 30, 51, 51, 51, 51, 90, 90]);
        cell.unwind(8);
        assert_eq!((cell.at(100), cell.at(4)), (51, 30));
        cell.unwind(2);
        assert_eq!(cell.at(100), 0);
    }
}
