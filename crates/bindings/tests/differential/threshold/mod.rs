//! Threshold feeds, which have no original: each beside a model of it in Rust, made from section 14 of the specification of
//! the contracts and the documentation of their interfaces. A call has the effect that the model predicts, to the byte: its
//! events, or the error with its arguments.

mod aggregator;
mod batch;
mod office;
mod steps;

use crate::{
    chain::{
        Chain, Outcome, address,
        group::{Group, ORDER},
        ours,
    },
    garbling::Garbling,
    random::Random,
    sequence::{self, Pair, Tally},
};
use alloy_primitives::{Address, Bytes, LogData, U256};
use alloy_sol_types::{SolCall, SolError};
use bindings::{
    threshold::{Message, Place},
    threshold_aggregator as contract, threshold_batch,
};
use office::{Effect, GENERATION_MAX, Office, Signature};
use std::{fmt::Debug, sync::LazyLock};
use steps::{Generation, Key, Proof, Spoiling, Step, Who};

/// Keys of both parities, which are handed on in whatever order.
static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| (0..6).map(|i| Group::new(&format!("group {i}"))).collect());

/// What one kind of contract adds to the office that all have.
pub trait Feed: Clone {
    /// What the group says in an update.
    type Report: Clone + Debug;

    /// Deployed with terms that it accepts.
    fn random(random: &mut Random) -> Self;
    fn creation(&self, bytecode: &Bytes) -> Vec<u8>;
    /// Creations with terms that it refuses, each with what it says.
    fn refused_creations(bytecode: &Bytes) -> Vec<(Vec<u8>, Vec<u8>)>;

    /// The contracts that belong to it besides.
    fn settle_in(&mut self, _: &mut Chain, _: Address) {}

    fn invent(&self, random: &mut Random) -> Self::Report;

    /// The data of an update. `last` is epoch and round of the one before.
    fn update(&self, report: &Self::Report, last: u64, place: Place, sign: &dyn Fn(&Message) -> Signature) -> Vec<u8>;

    /// The effect of a call, if it is an update.
    fn call(&mut self, office: &mut Office, data: &[u8], timestamp: u64) -> Option<Effect>;

    /// Reads everything.
    fn compare(&self, office: &Office, reader: &mut Reader) -> Result<(), String>;
}

/// A contract beside its model.
#[derive(Clone)]
struct Beside<F> {
    chain: Chain,
    office: Office,
    feed: F,
    /// The calls that were accepted last, to be brought again.
    brought: Vec<(Address, Vec<u8>)>,
}

impl<F: Feed> Beside<F> {
    fn new(name: &str, random: &mut Random) -> Self {
        let mut chain = Chain::new();
        let mut feed = F::random(random);
        let (at, _) = chain.deploy(owner(), feed.creation(&ours(name)));
        feed.settle_in(&mut chain, at);
        let office = Office {
            at,
            owner: owner(),
            heir: Address::ZERO,
            x: U256::ZERO,
            parity: 0,
            generation: 0,
            last: 0,
            rounds: 0,
        };
        Self { chain, office, feed, brought: Vec::new() }
    }

    fn who(&self, who: Who) -> Address {
        match who {
            Who::Owner => self.office.owner,
            // Nobody calls from the zero address.
            Who::Heir if !self.office.heir.is_zero() => self.office.heir,
            Who::Heir => address("heir", 0),
            Who::Stranger => address("stranger", 0),
        }
    }

    /// The group that has the key; somebody if none has.
    fn group(&self) -> usize {
        GROUPS.iter().position(|group| group.x == self.office.x).unwrap_or(0)
    }

    fn signature(&self, by: usize, spoiled: Option<Spoiling>, message: &Message) -> Signature {
        let (r, s) = GROUPS[by].sign(message.hash());
        let r = U256::from_be_bytes(r.into_word().0);
        match spoiled {
            None => (r, s),
            Some(Spoiling::S(bit)) => (r, s ^ (U256::ONE << bit)),
            Some(Spoiling::NegatedS) => (r, ORDER - s),
            Some(Spoiling::ZeroS) => (r, U256::ZERO),
            Some(Spoiling::OrderAsS) => (r, ORDER),
            Some(Spoiling::R(bit)) => (r ^ (U256::ONE << bit), s),
            Some(Spoiling::ZeroR) => (U256::ZERO, s),
        }
    }

    fn proof(&self, key: Key, proof: Proof) -> Signature {
        let (x, parity) = key.point();
        let place = proof.of.place(self.office.place());
        let message = match proof.generation {
            Generation::Next => place.proof(x.into(), parity == 1),
            Generation::Any => place.lasting_proof(x.into(), parity == 1),
            Generation::Present => {
                Place { generation: place.generation.saturating_sub(1), ..place }.proof(x.into(), parity == 1)
            }
        };
        self.signature(proof.by.unwrap_or(key.group), proof.spoiled, &message)
    }

    /// From whom, and which data; `None` if it is no call.
    fn call(&self, step: &Step<F::Report>) -> Option<(Address, Vec<u8>)> {
        let anyone = address("anyone", 0);
        Some(match step {
            Step::Update { report, seal } => {
                let sign =
                    |message: &Message| self.signature(seal.by.unwrap_or_else(|| self.group()), seal.spoiled, message);
                let place = seal.of.place(self.office.place());
                (anyone, self.feed.update(report, self.office.last, place, &sign))
            }
            Step::SetKey { by, key, proof } => {
                let ((x, parity), (r, s)) = (key.point(), self.proof(*key, *proof));
                (self.who(*by), call(contract::setGroupKeyCall::SELECTOR, &[x, U256::from(parity), r, s]))
            }
            Step::RotateKey { key, proof, consent } => {
                let ((x, parity), (r, s)) = (key.point(), self.proof(*key, *proof));
                let message = consent.of.place(self.office.place()).rotation(x.into(), parity == 1);
                let by = consent.by.unwrap_or_else(|| self.group());
                let (old_r, old_s) = self.signature(by, consent.spoiled, &message);
                let words = [x, U256::from(parity), r, s, old_r, old_s];
                (anyone, call(contract::rotateGroupKeyCall::SELECTOR, &words))
            }
            Step::TransferOwnership { by, to } => {
                (self.who(*by), contract::transferOwnershipCall { to: self.who(*to) }.abi_encode())
            }
            Step::AcceptOwnership { by } => (self.who(*by), contract::acceptOwnershipCall {}.abi_encode()),
            Step::Again { which } => self.brought.get(which % self.brought.len().max(1))?.clone(),
            Step::Garbled { step, garbling } => {
                let (from, data) = self.call(step)?;
                (from, garbling.of(data))
            }
            Step::WithWei(step) => self.call(step)?,
            Step::Unknown { data } => (anyone, data.clone()),
            Step::Age { .. } | Step::Wait { .. } => return None,
        })
    }

    /// The slot of `s_latest` is where every threshold contract has it.
    fn age(&mut self, rounds: u32, generations: u32) {
        if self.office.rounds > 0 || self.office.x.is_zero() {
            return;
        }
        self.office.rounds = rounds;
        self.office.generation = (self.office.generation + generations).min(GENERATION_MAX);
        let (slot, low) = (U256::from(2), (U256::ONE << 56usize) - U256::ONE);
        let rest = self.chain.storage(self.office.at, slot) & !low;
        let key = (U256::from(self.office.generation) << 1usize) | U256::from(self.office.parity);
        self.chain.store(self.office.at, slot, rest | (U256::from(rounds) << 24usize) | key);
    }
}

impl<F: Feed> Pair for Beside<F> {
    type Step = Step<F::Report>;

    fn opening(&self, random: &mut Random) -> Vec<Self::Step> {
        let mut steps = Vec::new();
        if !random.one_in(10) {
            let key = Key { group: random.below(GROUPS.len()), flaw: None };
            steps.push(Step::SetKey { by: Who::Owner, key, proof: Proof::GOOD });
        }
        if random.one_in(4) {
            let rounds = random.pick(&[0, 1000, u32::MAX - 8, u32::MAX - 2]);
            steps.push(Step::Age { rounds, generations: random.pick(&[0, 5, GENERATION_MAX - 5, GENERATION_MAX - 2]) });
        }
        steps
    }

    fn invent(&self, random: &mut Random) -> Self::Step {
        let step = Step::plain(self.feed.invent(random), random);
        match random.below(40) {
            0..3 => Step::Garbled { step: Box::new(step), garbling: Garbling::random(random) },
            3 if random.one_in(3) => Step::WithWei(Box::new(step)),
            _ => step,
        }
    }

    fn take(&mut self, step: &Self::Step, tally: &mut Tally) -> Result<(), String> {
        self.chain.block.timestamp += U256::from(if let Step::Wait { seconds } = step { *seconds } else { 13 });
        if let Step::Age { rounds, generations } = step {
            self.age(*rounds, *generations);
        }
        let Some((from, data)) = self.call(step) else { return Ok(()) };
        let wei = matches!(step, Step::WithWei(_));
        let outcome = if wei {
            self.chain.send_with_a_wei(from, self.office.at, data.clone())
        } else {
            self.chain.send(from, self.office.at, data.clone())
        };
        let predicted = self.predict(from, &data, wei);
        tally.step(&step.kind(), outcome.ok);
        if let Err(why) = &predicted {
            tally.meet(name(why));
        }
        if shown(&outcome) != predicted {
            return Err(format!("{step:?}\n  does      {:?}\n  should be {predicted:?}", shown(&outcome)));
        }
        if outcome.ok {
            self.brought.push((from, data));
        }
        Ok(())
    }

    fn compare(&mut self, _: &mut Tally) -> Result<(), String> {
        let mut reader = Reader { chain: &mut self.chain, at: self.office.at };
        let Office { owner, x, parity, generation, last, rounds, .. } = self.office;
        reader.reads(&contract::ownerCall {}, &owner)?;
        reader.reads(&contract::groupKeyCall {}, &contract::groupKeyReturn { x, parity, generation })?;
        let update =
            contract::latestUpdateReturn { generation, epoch: (last >> 8) as u32, round: last as u8, roundId: rounds };
        reader.reads(&contract::latestUpdateCall {}, &update)?;
        let (x, parity) = (GROUPS[1].x, GROUPS[1].parity);
        reader.reads(&contract::proofMessageCall { x, parity }, &self.office.proof(x, parity))?;
        reader.reads(&contract::rotationMessageCall { x, parity: 7 }, &self.office.rotation(x, 7))?;
        self.feed.compare(&self.office, &mut reader)
    }

    fn simpler(step: &Self::Step) -> Vec<Self::Step> {
        match step {
            Step::Garbled { step, .. } | Step::WithWei(step) => vec![step.as_ref().clone()],
            Step::SetKey { by, key, .. } => vec![Step::SetKey { by: *by, key: *key, proof: Proof::GOOD }],
            Step::Update { .. }
            | Step::RotateKey { .. }
            | Step::TransferOwnership { .. }
            | Step::AcceptOwnership { .. }
            | Step::Again { .. }
            | Step::Age { .. }
            | Step::Unknown { .. }
            | Step::Wait { .. } => Vec::new(),
        }
    }
}

impl<F: Feed> Beside<F> {
    fn predict(&mut self, from: Address, data: &[u8], wei: bool) -> Effect {
        if wei {
            return Err(Vec::new());
        }
        let timestamp = self.chain.block.timestamp.to();
        let (before, feed) = (self.office.clone(), self.feed.clone());
        let effect = self.office.call(from, data);
        let effect = effect.or_else(|| self.feed.call(&mut self.office, data, timestamp)).unwrap_or(Err(Vec::new()));
        if effect.is_err() {
            (self.office, self.feed) = (before, feed);
        }
        effect
    }
}

/// Epoch and round so many epochs later; in the same epoch a round later.
fn next(last: u64, epochs: u32, round: u8) -> (u32, u8) {
    let epoch = (last >> 8) as u32;
    if epochs == 0 { (epoch, (last as u8).saturating_add(1)) } else { (epoch.saturating_add(epochs), round) }
}

/// Who deploys.
fn owner() -> Address {
    address("owner", 0)
}

fn call(selector: [u8; 4], words: &[U256]) -> Vec<u8> {
    let words = words.iter().flat_map(|word| word.to_be_bytes::<32>());
    selector.into_iter().chain(words).collect()
}

/// An outcome as the model would say it.
fn shown(outcome: &Outcome) -> Effect {
    if !outcome.ok {
        return Err(outcome.output.to_vec());
    }
    Ok(outcome.logs.iter().map(|log| log.data.clone()).collect::<Vec<LogData>>())
}

/// Reads a contract, and says what is not as it should be.
pub struct Reader<'a> {
    chain: &'a mut Chain,
    at: Address,
}

impl Reader<'_> {
    fn reads<C: SolCall<Return: PartialEq + Debug>>(&mut self, call: &C, wanted: &C::Return) -> Result<(), String> {
        let outcome = self.chain.view(address("reader", 0), self.at, call.abi_encode());
        let got = if outcome.ok { C::abi_decode_returns(&outcome.output).ok() } else { None };
        if got.as_ref() == Some(wanted) {
            return Ok(());
        }
        Err(format!("{} {:?} is {got:?} {}, not {wanted:?}", C::SIGNATURE, call.abi_encode(), outcome.output))
    }

    fn refuses<C: SolCall>(&mut self, call: &C, why: &impl SolError) -> Result<(), String> {
        let outcome = self.chain.view(address("reader", 0), self.at, call.abi_encode());
        if (outcome.ok, outcome.output.as_ref()) == (false, &why.abi_encode()[..]) {
            return Ok(());
        }
        Err(format!("{} does not refuse as it should: {}", C::SIGNATURE, outcome.output))
    }
}

/// Of an error's data.
fn name(data: &[u8]) -> &'static str {
    let named = |selector: &[u8; 4]| {
        threshold_batch::ThresholdBatch::ThresholdBatchErrors::name_by_selector(*selector)
            .or_else(|| contract::ThresholdAggregator::ThresholdAggregatorErrors::name_by_selector(*selector))
    };
    data.first_chunk().and_then(named).unwrap_or("a revert without data")
}

/// What all threshold contracts may say.
const ERRORS: &[&str] = &[
    "a revert without data",
    "OnlyOwner",
    "OnlyPendingOwner",
    "CannotTransferToSelf",
    "InvalidGroupKey",
    "NoProofOfPossession",
    "NoConsentOfGroup",
    "GenerationsExhausted",
    "InvalidSignature",
    "StaleReport",
    "MalformedReport",
    "ContributorsMismatch",
    "RoundsExhausted",
];

fn run<F: Feed>(name: &str, own_errors: &[&'static str]) {
    for (creation, why) in F::refused_creations(&ours(name)) {
        let outcome = Chain::new().create(owner(), creation);
        assert_eq!(shown(&outcome), Err(why), "{name} takes wrong terms");
    }
    let tally = sequence::run(name, |random| Beside::<F>::new(name, random));
    tally.has_met(ERRORS);
    tally.has_met(own_errors);
    if tally.taken() > sequence::LONG {
        assert!(tally.steps["Update"].0 > 2000, "updates are accepted");
    }
}
