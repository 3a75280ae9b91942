//! A committee that holds a threshold key and signs with it, some of its oracles dishonestly.

use alloy_primitives::B256;
use crypto::{
    ed25519,
    threshold::{
        Index, dealer,
        dkg::{Generation, Output, Terms},
        key::{GroupKey, KeyShare, Signature},
        session::{self, Session},
        signer::Signer,
    },
};
use rand::{SeedableRng as _, rngs::StdRng};
use std::collections::{BTreeMap, BTreeSet};

/// What a liar does when it is asked to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    Silence,
    WrongShare,
    Garbage,
}

pub struct Quorum {
    signers: BTreeMap<Index, Signer>,
    threshold: u16,
    rng: StdRng,
}

impl Quorum {
    /// The key is drawn by the oracles themselves, message by message.
    pub fn drawn(n: u16, threshold: u16, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let identities: Vec<_> = (1..=n).map(|i| ed25519::SecretKey::from_seed(&[i as u8; 32])).collect();
        let oracles = (1..=n).map(index).zip(identities.iter().map(|identity| identity.public_key())).collect();
        let terms = Terms::new([seed as u8; 32], threshold, oracles).expect("a threshold below n");
        let (mut generations, mut mails, mut shares) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        let mut done = BTreeSet::new();
        let mut take = |me: Index, out: Vec<Output>, mails: &mut Vec<(Index, Vec<u8>)>| {
            for output in out {
                match output {
                    Output::Broadcast(message) => {
                        mails.extend((1..=n).map(index).filter(|to| *to != me).map(|to| (to, message.clone())));
                    }
                    Output::Private { to, message } => mails.push((to, message.as_bytes().to_vec())),
                    Output::Persist(share) => drop(shares.insert(me, share.to_bytes())),
                    Output::Done(_) => drop(done.insert(me)),
                    Output::Fault(fault) => panic!("{fault:?}"),
                    Output::Redraw(refused) => panic!("{refused}"),
                }
            }
        };
        for (me, identity) in (1..=n).map(index).zip(identities) {
            let (generation, out) = Generation::start(terms.clone(), me, identity, &mut rng).expect("in the terms");
            generations.insert(me, generation);
            take(me, out, &mut mails);
        }
        while let Some((to, message)) = mails.pop() {
            let out = generations.get_mut(&to).expect("an oracle").on_message(&message).expect("an honest message");
            take(to, out, &mut mails);
        }
        assert_eq!(done.len(), usize::from(n));
        // As after a restart: what signs is what was persisted.
        let shares = shares.values().map(|bytes| KeyShare::from_bytes(bytes).expect("what was persisted"));
        Self::new(shares, threshold, rng)
    }

    /// A dealer hands out the key.
    pub fn dealt(n: u16, threshold: u16, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let shares = dealer::deal((1..=n).map(index), threshold, &mut rng).expect("a threshold below n");
        Self::new(shares, threshold, rng)
    }

    fn new(shares: impl IntoIterator<Item = KeyShare>, threshold: u16, rng: StdRng) -> Self {
        let signers = shares.into_iter().map(|share| (share.index(), Signer::new(share))).collect();
        Self { signers, threshold, rng }
    }

    pub fn n(&self) -> u16 {
        self.signers.len() as u16
    }

    pub fn threshold(&self) -> u16 {
        self.threshold
    }

    pub fn key(&self) -> GroupKey {
        *self.signers[&index(1)].key().public().group()
    }

    pub fn x(&self) -> B256 {
        self.key().px().into()
    }

    /// The key itself, where one oracle has all of it: it stands in what that oracle persists, after version and index.
    pub fn whole_secret(&self) -> [u8; 32] {
        let lone = self.signers[&index(1)].key();
        assert_eq!(lone.public().threshold(), 1);
        lone.to_bytes()[3..35].try_into().expect("32 bytes")
    }

    /// The signature of the first t oracles.
    pub fn sign(&mut self, message: B256) -> Signature {
        self.sign_among(message, &[]).0
    }

    /// The signature in spite of liars, who are oracles 1, 2, …; who was named, and how many attempts it took.
    pub fn sign_among(&mut self, message: B256, lies: &[Lie]) -> (Signature, BTreeSet<Index>, u32) {
        let coordinator = index(self.n());
        let public = self.signers[&coordinator].key().public().clone();
        let mut session = Session::new(public.clone(), message.0);
        let mut named = BTreeSet::new();
        // The worst order: one liar and t − 1 honest oracles, then liar after liar, each of whom spoils an attempt of the
        // same honest ones; and at last another honest one.
        let liars = lies.len() as u16;
        let honest = liars + 1..=self.n();
        let order = (1..=liars.min(1)).chain(honest.clone().take(self.threshold as usize - 1)).chain(2..=liars);
        for i in order.chain(honest.skip(self.threshold as usize - 1)).map(index) {
            let commitment = self.signers.get_mut(&i).expect("a signer").commit(coordinator, &mut self.rng);
            let mut todo = match session.on_commitment(i, &commitment.to_bytes()) {
                Ok(out) => out,
                Err(refusal) => {
                    assert_eq!(refusal, session::Refusal::Signed);
                    break;
                }
            };
            while let Some(output) = todo.pop() {
                let (to, request) = match output {
                    session::Output::Ask { to, request } => (to, request),
                    session::Output::Fault(fault) => {
                        named.insert(fault.culprit);
                        continue;
                    }
                    session::Output::Signed(signature) => {
                        assert!(public.group().verify(&message.0, &signature));
                        continue;
                    }
                };
                for to in to {
                    let signer = self.signers.get_mut(&to).expect("a signer");
                    let reply = signer.sign(coordinator, &message.0, &request, &mut self.rng);
                    let mut reply = reply.expect("a request for what is to be signed").to_bytes();
                    match lies.get(usize::from(to.get()) - 1) {
                        Some(Lie::Silence) => continue,
                        Some(Lie::WrongShare) => reply[35] ^= 1,
                        Some(Lie::Garbage) => reply[36] = 9,
                        None => {}
                    }
                    todo.extend(session.on_reply(to, &reply).expect("a reply that was asked for"));
                }
            }
        }
        (*session.signature().expect("t honest signers"), named, session.started())
    }
}

fn index(i: u16) -> Index {
    Index::new(i).expect("1 to 256")
}
