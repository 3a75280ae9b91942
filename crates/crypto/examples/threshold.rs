//! What threshold keys and signatures cost, per oracle: `cargo run --release -p dodona-crypto --example threshold`.
//!
//! One thread; the least of several runs, because other work on the machine only adds; t = f + 1 with n ≥ 3f + 1.
//! With an argument, only committees of that many oracles.
#![allow(clippy::print_stdout)]

use crypto::{
    ed25519,
    threshold::{
        Index,
        dkg::{Generation, Output, Terms},
        key::KeyShare,
        session::{self, Session},
        signer::Signer,
    },
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

fn main() {
    println!(
        "| n | t | deal | deals read, shares made | shares read, key and vote made | bytes to all, to each | commit | sign | judge a share | judge all, aggregate | verify |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let wanted = std::env::args().nth(1);
    for (n, threshold) in [(4, 2), (31, 11), (256, 86)] {
        if wanted.as_ref().is_none_or(|wanted| *wanted == n.to_string()) {
            row(n, threshold);
        }
    }
}

fn row(n: u16, threshold: u16) {
    let drawn = draw(n, threshold);
    let signing = (0..5).map(|seed| sign(&drawn.shares, seed)).reduce(Signing::least).expect("five runs");
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    println!(
        "| {n} | {threshold} | {} | {} | {} | {}, {} B | {} | {} | {} | {} | {} |",
        ms(drawn.deal),
        ms(drawn.deals),
        ms(drawn.key),
        drawn.broadcast_bytes,
        drawn.share_bytes,
        ms(signing.commit),
        ms(signing.sign),
        ms(signing.judge),
        ms(signing.aggregate),
        ms(signing.verify),
    );
}

struct Drawn {
    /// Making the deal.
    deal: Duration,
    /// Reading and checking all others' deals, and making the shares.
    deals: Duration,
    /// Reading all shares, checking their sum, making the key and the public halves.
    key: Duration,
    broadcast_bytes: usize,
    share_bytes: usize,
    shares: Vec<KeyShare>,
}

/// All deal and share, and the first t finish: they will sign.
fn draw(n: u16, threshold: u16) -> Drawn {
    let mut rng = StdRng::seed_from_u64(1);
    let index = |i: u16| Index::new(i).expect("a small number");
    let identities: BTreeMap<Index, ed25519::SecretKey> =
        (1..=n).map(|i| (index(i), ed25519::SecretKey::from_seed(&rng.r#gen()))).collect();
    let oracles = identities.iter().map(|(i, identity)| (*i, identity.public_key())).collect();
    let terms = Terms::new([1; 32], threshold, oracles).expect("a threshold below n");
    let (mut deal, mut deals, mut key) = (Vec::new(), Vec::new(), Vec::new());
    let (mut broadcast, mut generations) = (Vec::new(), BTreeMap::new());
    for (me, identity) in &identities {
        let start = Instant::now();
        let (generation, out) =
            Generation::start(terms.clone(), *me, identity.clone(), &mut rng).expect("the terms name it");
        deal.push(start.elapsed());
        generations.insert(*me, generation);
        broadcast.extend(out.into_iter().map(|output| match output {
            Output::Broadcast(message) => (*me, message),
            other => panic!("{other:?} at the start"),
        }));
    }
    // Whoever signs has to finish; what each does is the same.
    let finishing = threshold;
    let (mut mails, mut votes) = (Vec::new(), broadcast[0].1.len());
    for (me, generation) in &mut generations {
        let start = Instant::now();
        for (from, message) in broadcast.iter().filter(|(from, _)| from != me) {
            for output in generation.on_message(message).unwrap_or_else(|refusal| panic!("{from}: {refusal}")) {
                if let Output::Private { to, message } = output {
                    mails.push((to, message));
                }
            }
        }
        deals.push(start.elapsed());
    }
    let mut shares = Vec::new();
    for me in (1..=finishing).map(index) {
        let generation = generations.get_mut(&me).expect("all deal");
        let start = Instant::now();
        for (_, message) in mails.iter().filter(|(to, _)| *to == me) {
            for output in generation.on_message(message.as_bytes()).expect("a right share") {
                match output {
                    Output::Persist(share) => shares.push(share),
                    Output::Broadcast(vote) => votes = broadcast[0].1.len() + vote.len(),
                    other => panic!("{other:?} for a right share"),
                }
            }
        }
        key.push(start.elapsed());
    }
    Drawn {
        deal: least(deal),
        deals: least(deals),
        key: least(key),
        broadcast_bytes: votes,
        share_bytes: mails[0].1.as_bytes().len(),
        shares,
    }
}

struct Signing {
    commit: Duration,
    sign: Duration,
    judge: Duration,
    /// All replies at the coordinator, of which the last gives the signature.
    aggregate: Duration,
    verify: Duration,
}

impl Signing {
    fn least(self, other: Self) -> Self {
        Self {
            commit: self.commit.min(other.commit),
            sign: self.sign.min(other.sign),
            judge: self.judge.min(other.judge),
            aggregate: self.aggregate.min(other.aggregate),
            verify: self.verify.min(other.verify),
        }
    }
}

fn sign(shares: &[KeyShare], seed: u64) -> Signing {
    let mut rng = StdRng::seed_from_u64(seed);
    let public = shares[0].public().clone();
    let (message, leader) = ([7; 32], shares[0].index());
    let mut signers: BTreeMap<Index, Signer> =
        shares.iter().map(|share| (share.index(), Signer::new(share.clone()))).collect();
    let mut session = Session::new(public.clone(), message);
    let (mut commit, mut sign, mut judge, mut verify) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut asked = Vec::new();
    // The last commitment makes the request, and so is the coordinator's work.
    for (index, signer) in &mut signers {
        let start = Instant::now();
        let commitment = signer.commit(leader, &mut rng);
        commit.push(start.elapsed());
        asked.extend(session.on_commitment(*index, &commitment.to_bytes()).expect("the first of each"));
    }
    let Some(session::Output::Ask { to, request }) = asked.pop() else { panic!("enough are ready") };
    let mut signature = None;
    for index in to {
        let start = Instant::now();
        let reply = signers.get_mut(&index).expect("a signer").sign(leader, &message, &request, &mut rng);
        sign.push(start.elapsed());
        let reply = reply.expect("an open nonce").to_bytes();
        let start = Instant::now();
        let out = session.on_reply(index, &reply).expect("a reply to the request");
        judge.push(start.elapsed());
        signature = out.into_iter().find_map(|output| match output {
            session::Output::Signed(signature) => Some(signature),
            session::Output::Ask { .. } | session::Output::Fault(_) => None,
        });
    }
    let signature = signature.expect("all have answered");
    for _ in 0..50 {
        let start = Instant::now();
        assert!(public.group().verify(&message, &signature));
        verify.push(start.elapsed());
    }
    Signing {
        commit: least(commit),
        sign: least(sign),
        aggregate: judge.iter().sum(),
        judge: least(judge),
        verify: least(verify),
    }
}

fn least(times: Vec<Duration>) -> Duration {
    times.into_iter().min().expect("something was timed")
}
