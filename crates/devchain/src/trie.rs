//! The Merkle Patricia trie behind `stateRoot`: kept between blocks, so a block costs the paths that it changed.

use alloy_primitives::{
    Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256,
    map::{AddressMap, AddressSet},
};
use alloy_rlp::{Encodable, Header, RlpEncodable};

/// The trie of accounts, over a trie of storage for each contract.
#[derive(Clone, Debug, Default)]
pub(crate) struct StateTrie {
    accounts: Trie,
    leaves: AddressMap<(u64, U256, B256)>,
    storage: AddressMap<Trie>,
    /// Accounts whose leaf does not say yet what they hold.
    changed: AddressSet,
}

/// An account as the trie holds it.
#[derive(RlpEncodable)]
struct AccountLeaf {
    nonce: u64,
    balance: U256,
    storage_root: B256,
    code_hash: B256,
}

impl StateTrie {
    /// `leaf` is (nonce, balance, code hash), `None` for an account that does not exist.
    pub(crate) fn set_account(&mut self, address: Address, leaf: Option<(u64, U256, B256)>) {
        match leaf {
            Some(leaf) => self.leaves.insert(address, leaf),
            None => self.leaves.remove(&address),
        };
        self.changed.insert(address);
    }

    pub(crate) fn set_slot(&mut self, address: Address, slot: U256, value: U256) {
        let value = (!value.is_zero()).then(|| alloy_rlp::encode(value));
        self.storage.entry(address).or_default().set(keccak256(slot.to_be_bytes::<32>()), value);
        self.changed.insert(address);
    }

    pub(crate) fn root(&mut self) -> B256 {
        for address in self.changed.drain() {
            let leaf = self.leaves.get(&address).map(|&(nonce, balance, code_hash)| {
                let storage_root = self.storage.get_mut(&address).map_or(EMPTY_ROOT, Trie::root);
                alloy_rlp::encode(AccountLeaf { nonce, balance, storage_root, code_hash })
            });
            self.accounts.set(keccak256(address), leaf);
        }
        self.accounts.root()
    }

    /// The account with its storage root and the nodes on the way to it, then for each slot its value and nodes (EIP-1186).
    pub(crate) fn prove(&mut self, address: Address, slots: &[U256]) -> Proof {
        self.root();
        let (nonce, balance, code_hash) =
            self.leaves.get(&address).copied().unwrap_or((0, U256::ZERO, KECCAK256_EMPTY));
        let mut storage = self.storage.get_mut(&address);
        Proof {
            nonce,
            balance,
            code_hash,
            storage_root: storage.as_mut().map_or(EMPTY_ROOT, |trie| trie.root()),
            account: self.accounts.prove(keccak256(address)),
            storage: slots
                .iter()
                .map(|slot| {
                    storage.as_mut().map_or_else(Vec::new, |trie| trie.prove(keccak256(slot.to_be_bytes::<32>())))
                })
                .collect(),
        }
    }
}

/// An account, and the nodes that lead to it (EIP-1186).
#[derive(Clone, Debug)]
pub struct Proof {
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    pub code_hash: B256,
    pub storage_root: B256,
    /// RLP of the nodes from the state root down to the account, or to where it would be.
    pub account: Vec<Bytes>,
    /// For each slot that was asked for, RLP of the nodes from the storage root down to it.
    pub storage: Vec<Vec<Bytes>>,
}

/// keccak256(rlp("")): the root of a trie without leaves.
const EMPTY_ROOT: B256 = alloy_primitives::b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

#[derive(Clone, Debug, Default)]
struct Trie {
    root: Node,
}

/// A node and, while nothing below changed, how its parent refers to it.
#[derive(Clone, Debug, Default)]
struct Node {
    kind: Kind,
    reference: Option<Reference>,
}

/// Paths hold one nibble a byte. Keys are hashes, all of one length, so no branch holds a value.
#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Empty,
    Leaf(Vec<u8>, Vec<u8>),
    Extension(Vec<u8>, Box<Node>),
    Branch(Box<[Node; 16]>),
}

/// RLP of a node shorter than 32 bytes, or of its hash.
#[derive(Clone, Copy, Debug)]
struct Reference {
    length: u8,
    bytes: [u8; 33],
}

impl Trie {
    fn set(&mut self, key: B256, value: Option<Vec<u8>>) {
        let path = nibbles(key);
        match value {
            Some(value) => self.root.insert(&path, value),
            None => self.root.remove(&path),
        }
    }

    fn root(&mut self) -> B256 {
        match self.root.kind {
            Kind::Empty => EMPTY_ROOT,
            Kind::Leaf(..) | Kind::Extension(..) | Kind::Branch(_) => match self.root.reference() {
                Reference { length: 33, bytes } => B256::from_slice(&bytes[1..]),
                _ => keccak256(self.root.rlp()),
            },
        }
    }

    fn prove(&mut self, key: B256) -> Vec<Bytes> {
        let path = nibbles(key);
        let (mut rest, mut node, mut proof) = (&path[..], &mut self.root, Vec::new());
        loop {
            let rlp = node.rlp();
            // A node shorter than a hash stands inside its parent.
            if proof.is_empty() || rlp.len() >= 32 {
                proof.push(rlp.into());
            }
            node = match &mut node.kind {
                Kind::Empty => {
                    proof.pop();
                    return proof;
                }
                Kind::Leaf(..) => return proof,
                Kind::Extension(prefix, child) => match rest.strip_prefix(&prefix[..]) {
                    Some(below) => {
                        rest = below;
                        child
                    }
                    None => return proof,
                },
                Kind::Branch(children) => {
                    let child = &mut children[usize::from(rest[0])];
                    if matches!(child.kind, Kind::Empty) {
                        return proof;
                    }
                    rest = &rest[1..];
                    child
                }
            };
        }
    }
}

fn nibbles(key: B256) -> [u8; 64] {
    std::array::from_fn(|at| if at % 2 == 0 { key[at / 2] >> 4 } else { key[at / 2] & 15 })
}

impl From<Kind> for Node {
    fn from(kind: Kind) -> Self {
        Node { kind, reference: None }
    }
}

impl Node {
    fn insert(&mut self, path: &[u8], value: Vec<u8>) {
        self.reference = None;
        self.kind = match std::mem::take(&mut self.kind) {
            Kind::Empty => Kind::Leaf(path.to_vec(), value),
            Kind::Leaf(old, _) if old == path => Kind::Leaf(old, value),
            Kind::Leaf(old, old_value) => {
                let shared = shared_prefix(&old, path);
                let stay = Kind::Leaf(old[shared + 1..].to_vec(), old_value);
                fork(&path[..shared], old[shared], stay.into(), path[shared], &path[shared + 1..], value)
            }
            Kind::Extension(prefix, mut child) => {
                let shared = shared_prefix(&prefix, path);
                if shared == prefix.len() {
                    child.insert(&path[shared..], value);
                    Kind::Extension(prefix, child)
                } else {
                    let stay = match &prefix[shared + 1..] {
                        [] => *child,
                        below => Kind::Extension(below.to_vec(), child).into(),
                    };
                    fork(&path[..shared], prefix[shared], stay, path[shared], &path[shared + 1..], value)
                }
            }
            Kind::Branch(mut children) => {
                children[usize::from(path[0])].insert(&path[1..], value);
                Kind::Branch(children)
            }
        };
    }

    fn remove(&mut self, path: &[u8]) {
        self.reference = None;
        self.kind = match std::mem::take(&mut self.kind) {
            Kind::Empty => Kind::Empty,
            Kind::Leaf(old, _) if old == path => Kind::Empty,
            Kind::Leaf(old, value) => Kind::Leaf(old, value),
            Kind::Extension(prefix, mut child) => {
                if let Some(below) = path.strip_prefix(&prefix[..]) {
                    child.remove(below);
                }
                under(prefix, *child)
            }
            Kind::Branch(mut children) => {
                children[usize::from(path[0])].remove(&path[1..]);
                let mut left = (0u8..).zip(children.iter()).filter(|(_, child)| !matches!(child.kind, Kind::Empty));
                match (left.next(), left.next()) {
                    (Some((nibble, _)), None) => {
                        under(vec![nibble], std::mem::take(&mut children[usize::from(nibble)]))
                    }
                    _ => Kind::Branch(children),
                }
            }
        };
    }

    fn reference(&mut self) -> Reference {
        if let Some(reference) = self.reference {
            return reference;
        }
        let rlp = self.rlp();
        let mut bytes = [0; 33];
        let length = if rlp.len() < 32 {
            bytes[..rlp.len()].copy_from_slice(&rlp);
            rlp.len() as u8
        } else {
            bytes[0] = 0xa0;
            bytes[1..].copy_from_slice(keccak256(rlp).as_slice());
            33
        };
        *self.reference.insert(Reference { length, bytes })
    }

    fn rlp(&mut self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(17 * 33);
        match &mut self.kind {
            Kind::Empty => return vec![alloy_rlp::EMPTY_STRING_CODE],
            Kind::Leaf(path, value) => {
                hex_prefix(path, 2).as_slice().encode(&mut payload);
                value.as_slice().encode(&mut payload);
            }
            Kind::Extension(path, child) => {
                hex_prefix(path, 0).as_slice().encode(&mut payload);
                payload.extend_from_slice(child.reference().as_slice());
            }
            Kind::Branch(children) => {
                for child in children.iter_mut() {
                    payload.extend_from_slice(child.reference().as_slice());
                }
                payload.push(alloy_rlp::EMPTY_STRING_CODE);
            }
        }
        let mut rlp = Vec::with_capacity(payload.len() + 3);
        Header { list: true, payload_length: payload.len() }.encode(&mut rlp);
        rlp.extend_from_slice(&payload);
        rlp
    }
}

impl Reference {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Two nodes that part at one nibble, below a shared prefix.
fn fork(prefix: &[u8], stay_at: u8, stay: Node, new_at: u8, below: &[u8], value: Vec<u8>) -> Kind {
    let mut children: Box<[Node; 16]> = Box::default();
    children[usize::from(stay_at)] = stay;
    children[usize::from(new_at)] = Kind::Leaf(below.to_vec(), value).into();
    let branch = Kind::Branch(children);
    if prefix.is_empty() { branch } else { Kind::Extension(prefix.to_vec(), Box::new(branch.into())) }
}

/// A prefix and what is left below it, as one node.
fn under(mut prefix: Vec<u8>, child: Node) -> Kind {
    match child.kind {
        Kind::Empty => Kind::Empty,
        Kind::Leaf(path, value) => {
            prefix.extend(path);
            Kind::Leaf(prefix, value)
        }
        Kind::Extension(path, below) => {
            prefix.extend(path);
            Kind::Extension(prefix, below)
        }
        Kind::Branch(_) => Kind::Extension(prefix, Box::new(child)),
    }
}

fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The path in bytes, behind a nibble that says leaf (2) or extension (0) and odd (1) or even (0).
fn hex_prefix(path: &[u8], kind: u8) -> Vec<u8> {
    let odd = path.len() % 2;
    let first = if odd == 1 { (kind | 1) << 4 | path[0] } else { kind << 4 };
    let mut bytes = vec![first];
    bytes.extend(path[odd..].chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy_consensus::TrieAccount;
    use alloy_consensus::proofs::{state_root_unhashed, storage_root_unhashed};

    use super::*;

    #[test]
    fn the_root_is_the_one_that_a_trie_built_from_nothing_has() {
        // A small generator; what matters is that keys are set, changed and removed in a mixed order.
        let mut state = 7u64;
        let mut next = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state >> 33
        };
        let (mut trie, mut slots, mut nonces) = (StateTrie::default(), BTreeMap::new(), BTreeMap::new());
        let contract = Address::with_last_byte(0xc0);
        for step in 0..600u64 {
            let (slot, value) = (U256::from(next() % 97), U256::from(if next() % 3 == 0 { 0 } else { next() }));
            trie.set_slot(contract, slot, value);
            if value.is_zero() {
                slots.remove(&slot)
            } else {
                slots.insert(slot, value)
            };
            let (address, gone) = (Address::left_padding_from(&(next() % 61).to_be_bytes()), next() % 3 == 0);
            trie.set_account(address, (!gone).then_some((step, U256::ONE, KECCAK256_EMPTY)));
            if gone {
                nonces.remove(&address)
            } else {
                nonces.insert(address, step)
            };
            trie.set_account(contract, Some((step, U256::ZERO, KECCAK256_EMPTY)));
            if step % 7 != 0 {
                continue;
            }
            let storage_root = storage_root_unhashed(slots.iter().map(|(slot, value)| (B256::from(*slot), *value)));
            let leaf =
                |nonce, balance, storage_root| TrieAccount { nonce, balance, storage_root, code_hash: KECCAK256_EMPTY };
            let accounts = nonces.iter().map(|(address, nonce)| (*address, leaf(*nonce, U256::ONE, EMPTY_ROOT)));
            let accounts = accounts.chain([(contract, leaf(step, U256::ZERO, storage_root))]);
            assert_eq!(trie.root(), state_root_unhashed(accounts), "step {step}");
        }
    }
}
