//! Drawing a key that nobody knows: Pedersen's key generation with proofs of possession, without a dealer, in three rounds.
//!
//! 1. **Deal** (to all): every oracle commits to a polynomial of its own and proves that it knows the value at zero.
//! 2. **Share** (to each alone, hidden from all others): the value of that polynomial at the recipient's index.
//! 3. **Vote** (to all): an oracle whose shares all agree with the deals keeps its key, then says by their hashes which
//!    deals it saw. Once all votes name the same deals, the key stands.
//!
//! Every message is signed with the oracle's own key under the digest of the terms, so that a fault can be proved to third
//! parties: what is found is broadcast as an **accusation**, which carries the signed messages and is judged by everyone
//! for themselves. One fault, or one silent oracle, ends the generation; the next one is made without the culprit
//! ([`Terms::without`]), so that f liars delay a key f times at most. It is the committee's business to agree on how a
//! generation ended, and the caller's to say when a silence has lasted too long ([`Generation::awaited`]).
//!
//! A share in the wrong hands is a secret lost. The channel of round 2 must be private; a share that is wrong is published
//! in an accusation, and that tells nobody anything of an honest oracle's polynomial.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};
use core::fmt;

use k256::{ProjectivePoint, Scalar};
use zeroize::Zeroizing;

use super::{
    CryptoRng, Index, Malformed, RngCore,
    key::{GroupKey, KeyRefused, KeyShare, PublicKeys, SIGNATURE_BYTES, Signature, sign_alone},
    limits,
    polynomial::{Polynomial, public_at},
    wire::{Reader, point_bytes},
};
use crate::{domain, ed25519, hash::Keccak256};

/// Who draws a key, and how many of them must sign with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    threshold: u16,
    oracles: BTreeMap<Index, ed25519::PublicKey>,
    digest: [u8; 32],
}

impl Terms {
    /// `session` must be another one for each generation: it keeps messages of one from counting in another. An oracle that
    /// restarts in the midst of one has lost its polynomial; if it began again in the same session it would deal twice,
    /// which is a fault.
    pub fn new(
        session: [u8; 32],
        threshold: u16,
        oracles: BTreeMap<Index, ed25519::PublicKey>,
    ) -> Result<Self, TermsRefused> {
        if threshold == 0 || usize::from(threshold) > oracles.len() {
            return Err(TermsRefused { threshold, oracles: oracles.len() });
        }
        let head = Keccak256::new().chain(domain::THRESHOLD_TERMS).chain(&session).chain(&threshold.to_be_bytes());
        let digest =
            oracles.iter().fold(head, |hash, (index, key)| hash.chain(&index.get().to_be_bytes()).chain(&key.0));
        Ok(Self { threshold, oracles, digest: digest.finish() })
    }

    /// The terms of the next generation, which goes on without `culprits`.
    pub fn without(&self, session: [u8; 32], culprits: &BTreeSet<Index>) -> Result<Self, TermsRefused> {
        let rest = self.oracles.iter().filter(|(index, _)| !culprits.contains(index));
        Self::new(session, self.threshold, rest.map(|(index, key)| (*index, *key)).collect())
    }

    /// Who takes part, ascending.
    pub fn oracles(&self) -> impl ExactSizeIterator<Item = Index> + '_ {
        self.oracles.keys().copied()
    }

    /// How many must sign.
    pub fn threshold(&self) -> usize {
        self.threshold.into()
    }

    /// What a dealer signs with its part of the key.
    fn possession(&self, dealer: Index, commitments: &[u8]) -> [u8; 32] {
        let head = Keccak256::new().chain(domain::THRESHOLD_POSSESSION).chain(&self.digest);
        head.chain(&dealer.get().to_be_bytes()).chain(commitments).finish()
    }
}

/// The threshold is zero or above the number of oracles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a threshold of {threshold} for {oracles} oracles")]
pub struct TermsRefused {
    /// How many would have to sign.
    pub threshold: u16,
    /// How many there are.
    pub oracles: usize,
}

/// What must now happen, in this order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send to every other oracle.
    Broadcast(Vec<u8>),
    /// Send to this oracle so that nobody else can read it.
    Private {
        /// Whose share it is.
        to: Index,
        /// A message with a secret in it, which is wiped on drop and not printed.
        message: Signed,
    },
    /// Keep the share durably before anything that follows is done: others may count on this oracle from then on.
    Persist(KeyShare),
    /// All have seen the same deals: the key that was persisted stands.
    Done(GroupKey),
    /// An oracle is at fault, which ends the generation. The accusation follows as a broadcast where we found it.
    Fault(Fault),
    /// The deals add up to a point that cannot be a key. Nobody is to blame; draw again in a new session.
    Redraw(KeyRefused),
}

/// One oracle's part in the drawing of one key.
pub struct Generation {
    terms: Terms,
    me: Index,
    identity: ed25519::SecretKey,
    deals: BTreeMap<Index, Deal>,
    /// What came of rounds 2 and 3, perhaps before we were there.
    shares: BTreeMap<Index, Share>,
    votes: BTreeMap<Index, Signed>,
    faults: BTreeMap<Index, Fault>,
    phase: Phase,
}

enum Phase {
    /// Until all have dealt.
    Dealing { polynomial: Polynomial },
    /// Until all have sent our share.
    Sharing,
    /// Until all have voted as we did.
    Voting { key: GroupKey, vote: Signed, told: BTreeSet<[u8; 32]> },
    /// Nothing more comes of it.
    Ended,
}

impl Generation {
    /// Begins as `me`, whose key in the terms is `identity`'s.
    pub fn start<R: CryptoRng + RngCore>(
        terms: Terms,
        me: Index,
        identity: ed25519::SecretKey,
        rng: &mut R,
    ) -> Result<(Self, Vec<Output>), NotInTerms> {
        if terms.oracles.get(&me) != Some(&identity.public_key()) {
            return Err(NotInTerms(me));
        }
        let polynomial = loop {
            let polynomial = Polynomial::random(terms.threshold, rng);
            // The proof of possession is a signature of this part as if it were a group key.
            if GroupKey::of_point(&(ProjectivePoint::GENERATOR * polynomial.secret())).is_ok() {
                break polynomial;
            }
        };
        let deal = Deal::new(&terms, &identity, me, &polynomial, rng);
        let mut out = vec![Output::Broadcast(deal.signed.as_bytes().to_vec())];
        let deals = BTreeMap::from([(me, deal)]);
        let (shares, votes, faults) = Default::default();
        let phase = Phase::Dealing { polynomial };
        let mut generation = Self { terms, me, identity, deals, shares, votes, faults, phase };
        generation.advance(&mut out);
        Ok((generation, out))
    }

    /// Takes in a message, whoever brought it: it says itself who signed it.
    pub fn on_message(&mut self, bytes: &[u8]) -> Result<Vec<Output>, Refusal> {
        let mut out = Vec::new();
        let found = match Kind::of(bytes)? {
            Kind::Deal => self.on_deal(Signed::read(&self.terms, bytes)?)?,
            Kind::Share => self.on_share(Signed::read(&self.terms, bytes)?)?,
            Kind::Vote => self.on_vote(Signed::read(&self.terms, bytes)?)?,
            Kind::Accusation => {
                let fault = Fault::read(&self.terms, bytes)?;
                if self.faults.contains_key(&fault.culprit()) {
                    return Err(Refusal::Duplicate(fault.culprit()));
                }
                self.end_with(fault, &mut out);
                return Ok(out);
            }
        };
        match found {
            // Once is enough for everyone, and a liar could make us tell it again with each further lie.
            Some(fault) if self.faults.contains_key(&fault.culprit()) => {
                return Err(Refusal::Duplicate(fault.culprit()));
            }
            Some(fault) => self.accuse(fault, &mut out),
            None => self.advance(&mut out),
        }
        Ok(out)
    }

    /// Whose message the generation waits for: whoever has not dealt, not sent our share, not voted, or voted for deals
    /// that we did not see. Empty once it has ended.
    pub fn awaited(&self) -> Vec<Index> {
        let missing = |have: &dyn Fn(Index) -> bool| self.terms.oracles().filter(|index| !have(*index)).collect();
        match &self.phase {
            Phase::Dealing { .. } => missing(&|index| self.deals.contains_key(&index)),
            Phase::Sharing => missing(&|index| self.shares.contains_key(&index)),
            Phase::Voting { vote, .. } => {
                missing(&|index| self.votes.get(&index).is_some_and(|theirs| theirs.body() == vote.body()))
            }
            Phase::Ended => Vec::new(),
        }
    }

    /// Who was proved to be at fault, with the evidence.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.values()
    }

    fn on_deal(&mut self, signed: Signed) -> Result<Option<Fault>, Refusal> {
        let from = signed.from();
        if let Some(known) = self.deals.get(&from) {
            return known.signed.contradiction(signed).map(Some);
        }
        match Deal::read(&self.terms, signed) {
            Ok(deal) => self.deals.insert(from, deal),
            Err(fault) => return Ok(Some(fault)),
        };
        Ok(None)
    }

    fn on_share(&mut self, signed: Signed) -> Result<Option<Fault>, Refusal> {
        let share = match Share::read(signed) {
            Ok(share) => share,
            Err(fault) => return Ok(Some(fault)),
        };
        if share.to != self.me {
            return Err(Refusal::NotOurs { from: share.signed.from(), to: share.to });
        }
        let from = share.signed.from();
        if let Some(known) = self.shares.get(&from) {
            return known.signed.contradiction(share.signed).map(Some);
        }
        self.shares.insert(from, share);
        Ok(None)
    }

    fn on_vote(&mut self, signed: Signed) -> Result<Option<Fault>, Refusal> {
        let from = signed.from();
        if let Some(known) = self.votes.get(&from) {
            return known.contradiction(signed).map(Some);
        }
        if signed.body().len() != 32 * self.terms.oracles.len() {
            return Ok(Some(Fault::Garbled(signed)));
        }
        self.votes.insert(from, signed);
        Ok(None)
    }

    /// Goes as far as what has come allows.
    fn advance(&mut self, out: &mut Vec<Output>) {
        if matches!(self.phase, Phase::Dealing { .. }) && self.deals.len() == self.terms.oracles.len() {
            self.enter_sharing(out);
        }
        if matches!(self.phase, Phase::Sharing) && self.shares.len() == self.terms.oracles.len() {
            self.enter_voting(out);
        }
        if matches!(self.phase, Phase::Voting { .. }) {
            self.count_votes(out);
        }
    }

    fn enter_sharing(&mut self, out: &mut Vec<Output>) {
        let Phase::Dealing { polynomial } = core::mem::replace(&mut self.phase, Phase::Sharing) else { return };
        for to in self.terms.oracles() {
            let mut body = Zeroizing::new(Vec::with_capacity(2 + 32));
            body.extend(to.get().to_be_bytes());
            body.extend(Zeroizing::new(<[u8; 32]>::from(polynomial.at(to).to_bytes())).iter());
            let signed = Signed::sign(&self.terms, &self.identity, Kind::Share, self.me, &body);
            if to == self.me {
                let share = Share::read(signed).unwrap_or_else(|_| unreachable!("we wrote it"));
                self.shares.insert(to, share);
            } else {
                out.push(Output::Private { to, message: signed });
            }
        }
    }

    fn enter_voting(&mut self, out: &mut Vec<Output>) {
        // The coefficients of the sum are the sums of the coefficients. If our shares add up to the sum's value, they are
        // right together, which is all that the key needs; else we look for the one that is wrong.
        let threshold = self.terms.threshold();
        let sum: Vec<ProjectivePoint> =
            (0..threshold).map(|k| self.deals.values().map(|deal| deal.commitments[k]).sum()).collect();
        let secret = Zeroizing::new(self.shares.values().fold(Scalar::ZERO, |sum, share| sum + *share.secret));
        if ProjectivePoint::GENERATOR * *secret != public_at(&sum, self.me) {
            for fault in self.wrong_shares() {
                self.accuse(fault, out);
            }
            return;
        }
        let group = match GroupKey::of_point(&sum[0]) {
            Ok(group) => group,
            Err(refused) => {
                self.phase = Phase::Ended;
                return out.push(Output::Redraw(refused));
            }
        };
        let halves = self.terms.oracles().map(|index| (index, public_at(&sum, index).to_affine())).collect();
        let public = PublicKeys::new(group, self.terms.threshold, halves);
        let share = KeyShare::new(self.me, secret, public).expect("it was compared with the sum just now");
        out.push(Output::Persist(share));
        let body: Vec<u8> = self.deals.values().flat_map(|deal| deal.signed.hash()).collect();
        let vote = Signed::sign(&self.terms, &self.identity, Kind::Vote, self.me, &body);
        out.push(Output::Broadcast(vote.as_bytes().to_vec()));
        self.votes.insert(self.me, vote.clone());
        self.phase = Phase::Voting { key: group, vote, told: BTreeSet::new() };
    }

    fn wrong_shares(&self) -> Vec<Fault> {
        let wrong = self.shares.iter().filter_map(|(from, share)| {
            let deal = self.deals.get(from)?;
            (!deal.agrees_with(share))
                .then(|| Fault::WrongShare { deal: deal.signed.clone(), share: share.signed.clone() })
        });
        wrong.collect()
    }

    fn count_votes(&mut self, out: &mut Vec<Output>) {
        let Phase::Voting { key, vote, told } = &mut self.phase else { return };
        if self.votes.len() == self.terms.oracles.len() && self.votes.values().all(|v| v.body() == vote.body()) {
            out.push(Output::Done(*key));
            self.phase = Phase::Ended;
            return;
        }
        // Somebody saw another deal than we did, or says so: show ours and its vote, and whoever has others of them holds the
        // proof in hand.
        for theirs in self.votes.values().filter(|theirs| theirs.body() != vote.body()) {
            let hashes = theirs.body().chunks_exact(32).zip(vote.body().chunks_exact(32));
            let disputed = self.deals.values().zip(hashes).filter(|(_, (seen, ours))| seen != ours);
            for shown in disputed.map(|(deal, _)| &deal.signed).chain([theirs]) {
                if told.insert(shown.hash()) {
                    out.push(Output::Broadcast(shown.as_bytes().to_vec()));
                }
            }
        }
    }

    fn accuse(&mut self, fault: Fault, out: &mut Vec<Output>) {
        let accusation = fault.to_bytes();
        self.end_with(fault, out);
        out.push(Output::Broadcast(accusation));
    }

    fn end_with(&mut self, fault: Fault, out: &mut Vec<Output>) {
        self.phase = Phase::Ended;
        self.faults.insert(fault.culprit(), fault.clone());
        out.push(Output::Fault(fault));
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let round = match self.phase {
            Phase::Dealing { .. } => "deals",
            Phase::Sharing => "shares",
            Phase::Voting { .. } => "votes",
            Phase::Ended => "nothing",
        };
        write!(f, "Generation({:?}, waiting for {round} of {:?})", self.me, self.awaited())
    }
}

/// The terms name no such oracle with that key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the terms do not name oracle {0} with this key")]
pub struct NotInTerms(pub Index);

/// Why a message was not acted on. None of it proves anything about the oracle it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read, and nobody signed it.
    #[error("unreadable: {0}")]
    Malformed(#[from] Malformed),
    /// No oracle of these terms.
    #[error("oracle {0} does not take part")]
    Stranger(Index),
    /// Not signed by the oracle it names, under these terms: forged, or from another generation.
    #[error("not signed by oracle {0} under these terms")]
    Signature(Index),
    /// Seen before, or a further fault of an oracle of which one is proved.
    #[error("a second time the same of oracle {0}")]
    Duplicate(Index),
    /// A share for another oracle; whoever let us see it was careless with it.
    #[error("a share of oracle {from} for oracle {to}")]
    NotOurs {
        /// Who signed it.
        from: Index,
        /// Whose it is.
        to: Index,
    },
    /// An accusation whose evidence shows no fault.
    #[error("an accusation of oracle {0} that proves nothing")]
    Unproven(Index),
}

/// What no honest oracle does, with the signed messages that prove it to anyone who knows the terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Signed, and yet no message.
    Garbled(Signed),
    /// A deal without the proof that the dealer knows its part of the key: as when it was made from others' deals.
    NoPossession(Signed),
    /// Two different messages where there can be one: told one thing to some and another to others.
    TwoFaced(Signed, Signed),
    /// A share that is not the value of the polynomial that was dealt.
    WrongShare {
        /// The commitments.
        deal: Signed,
        /// The share.
        share: Signed,
    },
}

impl Fault {
    /// Whose fault it is.
    pub fn culprit(&self) -> Index {
        match self {
            Self::Garbled(signed) | Self::NoPossession(signed) | Self::TwoFaced(signed, _) => signed.from(),
            Self::WrongShare { share, .. } => share.from(),
        }
    }

    /// The accusation: kind, then each message of the evidence with its length.
    pub fn to_bytes(&self) -> Vec<u8> {
        let evidence = match self {
            Self::Garbled(one) | Self::NoPossession(one) => vec![one],
            Self::TwoFaced(first, second) => vec![first, second],
            Self::WrongShare { deal, share } => vec![deal, share],
        };
        let mut bytes = vec![Kind::Accusation as u8];
        for signed in evidence {
            bytes.extend((signed.as_bytes().len() as u16).to_be_bytes());
            bytes.extend(signed.as_bytes());
        }
        bytes
    }

    /// Reads an accusation and judges it: what comes back is proved under `terms`.
    pub fn read(terms: &Terms, bytes: &[u8]) -> Result<Self, Refusal> {
        let wanted = 1 + 2 * (2 + limits::DKG_MESSAGE_BYTES_MAX);
        if bytes.len() > wanted {
            return Err(Malformed::Length { got: bytes.len(), wanted }.into());
        }
        let mut reader = Reader::new(bytes);
        match Kind::of(bytes)? {
            Kind::Accusation => reader.u8()?,
            other @ (Kind::Deal | Kind::Share | Kind::Vote) => return Err(Malformed::Kind(other as u8).into()),
        };
        let length = reader.u16()?;
        let first = Signed::read(terms, reader.slice(length.into())?)?;
        if reader.is_empty() {
            return Self::of_one(terms, first);
        }
        let length = reader.u16()?;
        let second = Signed::read(terms, reader.slice(length.into())?)?;
        reader.end()?;
        Self::of_two(terms, first, second)
    }

    fn of_one(terms: &Terms, signed: Signed) -> Result<Self, Refusal> {
        let from = signed.from();
        let fault = match signed.kind() {
            Kind::Deal => Deal::read(terms, signed).err(),
            Kind::Share => Share::read(signed).err(),
            Kind::Vote => (signed.body().len() != 32 * terms.oracles.len()).then_some(Self::Garbled(signed)),
            Kind::Accusation => None,
        };
        fault.ok_or(Refusal::Unproven(from))
    }

    fn of_two(terms: &Terms, first: Signed, second: Signed) -> Result<Self, Refusal> {
        let from = first.from();
        if from != second.from() {
            return Err(Refusal::Unproven(from));
        }
        match (first.kind(), second.kind()) {
            (Kind::Deal, Kind::Share) => {
                // A deal or share that is at fault by itself is another accusation.
                let share = Share::read(second).map_err(|_| Refusal::Unproven(from))?;
                let deal = Deal::read(terms, first).map_err(|_| Refusal::Unproven(from))?;
                if deal.agrees_with(&share) {
                    return Err(Refusal::Unproven(from));
                }
                Ok(Self::WrongShare { deal: deal.signed, share: share.signed })
            }
            (Kind::Deal, Kind::Deal) | (Kind::Vote, Kind::Vote) => {
                first.contradiction(second).map_err(|_| Refusal::Unproven(from))
            }
            (Kind::Share, Kind::Share) => {
                let recipient = |signed: &Signed| signed.body().get(..2).map(<[u8]>::to_vec);
                if recipient(&first) != recipient(&second) {
                    return Err(Refusal::Unproven(from));
                }
                first.contradiction(second).map_err(|_| Refusal::Unproven(from))
            }
            (Kind::Deal, Kind::Vote | Kind::Accusation)
            | (Kind::Share, Kind::Deal | Kind::Vote | Kind::Accusation)
            | (Kind::Vote, Kind::Deal | Kind::Share | Kind::Accusation)
            | (Kind::Accusation, _) => Err(Refusal::Unproven(from)),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Deal = 1,
    Share = 2,
    Vote = 3,
    Accusation = 4,
}

impl Kind {
    fn of(bytes: &[u8]) -> Result<Self, Malformed> {
        match Reader::new(bytes).u8()? {
            1 => Ok(Self::Deal),
            2 => Ok(Self::Share),
            3 => Ok(Self::Vote),
            4 => Ok(Self::Accusation),
            other => Err(Malformed::Kind(other)),
        }
    }
}

/// A message with its sender's signature, which holds under the terms with which it was read: kind, sender, body, signature.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    kind: Kind,
    from: Index,
    /// A share has a secret in it.
    bytes: Zeroizing<Vec<u8>>,
}

impl Signed {
    const HEAD: usize = 1 + 2;

    fn sign(terms: &Terms, identity: &ed25519::SecretKey, kind: Kind, from: Index, body: &[u8]) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(Self::HEAD + body.len() + ed25519::SIGNATURE_LEN));
        bytes.push(kind as u8);
        bytes.extend(from.get().to_be_bytes());
        bytes.extend(body);
        let signature = identity.sign(&Self::digest(terms, &bytes));
        bytes.extend(signature);
        Self { kind, from, bytes }
    }

    fn read(terms: &Terms, bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > limits::DKG_MESSAGE_BYTES_MAX {
            return Err(Malformed::Length { got: bytes.len(), wanted: limits::DKG_MESSAGE_BYTES_MAX }.into());
        }
        let kind = Kind::of(bytes)?;
        let mut reader = Reader::new(bytes);
        reader.u8()?;
        let from = reader.index()?;
        let key = terms.oracles.get(&from).ok_or(Refusal::Stranger(from))?;
        let wanted = Self::HEAD + ed25519::SIGNATURE_LEN;
        let text = bytes.len().checked_sub(ed25519::SIGNATURE_LEN).filter(|text| *text >= Self::HEAD);
        let (text, signature) = bytes.split_at(text.ok_or(Malformed::Length { got: bytes.len(), wanted })?);
        if !key.verify(&Self::digest(terms, text), signature) {
            return Err(Refusal::Signature(from));
        }
        Ok(Self { kind, from, bytes: Zeroizing::new(bytes.to_vec()) })
    }

    fn digest(terms: &Terms, text: &[u8]) -> [u8; 32] {
        Keccak256::new().chain(domain::THRESHOLD_MESSAGE).chain(&terms.digest).chain(text).finish()
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    /// Who signed it.
    pub fn from(&self) -> Index {
        self.from
    }

    /// As it was sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn body(&self) -> &[u8] {
        &self.bytes[Self::HEAD..self.bytes.len() - ed25519::SIGNATURE_LEN]
    }

    /// Of what was said, not of the signature: an oracle may sign the same thing in two ways.
    fn hash(&self) -> [u8; 32] {
        Keccak256::new().chain(&self.bytes[..self.bytes.len() - ed25519::SIGNATURE_LEN]).finish()
    }

    /// The fault of having said `other` too, unless it is the same.
    fn contradiction(&self, other: Self) -> Result<Fault, Refusal> {
        if self.body() == other.body() {
            return Err(Refusal::Duplicate(self.from));
        }
        Ok(Fault::TwoFaced(self.clone(), other))
    }
}

/// Without the body, which may be secret.
impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Deal => "deal",
            Kind::Share => "share",
            Kind::Vote => "vote",
            Kind::Accusation => "accusation",
        };
        write!(f, "Signed({kind} of {:?}, {} bytes)", self.from, self.bytes.len())
    }
}

/// Body: a point for each coefficient, then the proof of possession of the first.
struct Deal {
    signed: Signed,
    commitments: Vec<ProjectivePoint>,
}

impl Deal {
    fn new<R: CryptoRng + RngCore>(
        terms: &Terms,
        identity: &ed25519::SecretKey,
        me: Index,
        polynomial: &Polynomial,
        rng: &mut R,
    ) -> Self {
        let commitments = polynomial.commitments();
        let mut body: Vec<u8> = commitments.iter().flat_map(point_bytes).collect();
        let proof = sign_alone(polynomial.secret(), &terms.possession(me, &body), rng);
        body.extend(proof.to_bytes());
        Self { signed: Signed::sign(terms, identity, Kind::Deal, me, &body), commitments }
    }

    fn read(terms: &Terms, signed: Signed) -> Result<Self, Fault> {
        let mut reader = Reader::new(signed.body());
        let mut read = || -> Result<_, Malformed> {
            let commitments: Vec<ProjectivePoint> =
                (0..terms.threshold).map(|_| reader.point()).collect::<Result<_, _>>()?;
            let proof = Signature::from_bytes(&reader.array()?);
            reader.end()?;
            Ok((commitments, proof))
        };
        let Ok((commitments, proof)) = read() else { return Err(Fault::Garbled(signed)) };
        let text = &signed.body()[..signed.body().len() - SIGNATURE_BYTES];
        let message = terms.possession(signed.from(), text);
        let proved = GroupKey::of_point(&commitments[0]).is_ok_and(|part| part.verify(&message, &proof));
        if !proved {
            return Err(Fault::NoPossession(signed));
        }
        Ok(Self { signed, commitments })
    }

    fn agrees_with(&self, share: &Share) -> bool {
        ProjectivePoint::GENERATOR * *share.secret == public_at(&self.commitments, share.to)
    }
}

/// Body: whose it is, then the secret.
struct Share {
    signed: Signed,
    to: Index,
    secret: Zeroizing<Scalar>,
}

impl Share {
    fn read(signed: Signed) -> Result<Self, Fault> {
        let mut reader = Reader::new(signed.body());
        let mut read = || -> Result<_, Malformed> {
            let read = (reader.index()?, Zeroizing::new(reader.scalar()?));
            reader.end()?;
            Ok(read)
        };
        match read() {
            Ok((to, secret)) => Ok(Self { signed, to, secret }),
            Err(_) => Err(Fault::Garbled(signed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::polynomial::lagrange_at_zero;
    use proptest::prelude::*;
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

    fn index(i: u16) -> Index {
        Index::new(i).unwrap()
    }

    fn identity(i: u16) -> ed25519::SecretKey {
        ed25519::SecretKey::from_seed(&[i as u8; 32])
    }

    fn terms(n: u16, threshold: u16) -> Terms {
        let oracles = (1..=n).map(|i| (index(i), identity(i).public_key())).collect();
        Terms::new([9; 32], threshold, oracles).unwrap()
    }

    fn share_message(terms: &Terms, from: u16, to: u16, secret: Scalar) -> Vec<u8> {
        let body = [&to.to_be_bytes()[..], &secret.to_bytes()].concat();
        Signed::sign(terms, &identity(from), Kind::Share, index(from), &body).as_bytes().to_vec()
    }

    /// A message of another polynomial than the one that the generation holds.
    fn other_deal(terms: &Terms, from: u16) -> Vec<u8> {
        let mut rng = StdRng::seed_from_u64(99);
        let polynomial = Polynomial::random(terms.threshold, &mut rng);
        Deal::new(terms, &identity(from), index(from), &polynomial, &mut rng).signed.as_bytes().to_vec()
    }

    struct Committee {
        terms: Terms,
        rng: StdRng,
        oracles: BTreeMap<Index, Generation>,
        persisted: BTreeMap<Index, KeyShare>,
        done: BTreeMap<Index, GroupKey>,
        faults: BTreeMap<Index, Fault>,
        /// Who has accepted each fault.
        convinced: BTreeSet<(Index, Index)>,
        redraws: Vec<KeyRefused>,
        refusals: Vec<Refusal>,
        /// From, to, message.
        mails: Vec<(Index, Index, Vec<u8>)>,
    }

    impl Committee {
        fn new(terms: Terms, seed: u64) -> Self {
            let mut rng = StdRng::seed_from_u64(seed);
            let oracles: Vec<Index> = terms.oracles().collect();
            let (persisted, done, faults, convinced, redraws) = Default::default();
            let mut committee = Self {
                terms,
                rng: StdRng::seed_from_u64(seed),
                oracles: BTreeMap::new(),
                persisted,
                done,
                faults,
                convinced,
                redraws,
                refusals: Vec::new(),
                mails: Vec::new(),
            };
            for me in oracles {
                let (generation, out) =
                    Generation::start(committee.terms.clone(), me, identity(me.get()), &mut rng).unwrap();
                committee.oracles.insert(me, generation);
                committee.take(me, out);
            }
            committee
        }

        fn take(&mut self, me: Index, out: Vec<Output>) {
            for output in out {
                match output {
                    Output::Broadcast(message) => {
                        for to in self.terms.oracles().filter(|to| *to != me) {
                            self.mails.push((me, to, message.clone()));
                        }
                        if Kind::of(&message) == Ok(Kind::Vote) {
                            assert!(self.persisted.contains_key(&me), "a vote before the key was kept");
                        }
                    }
                    Output::Private { to, message } => self.mails.push((me, to, message.as_bytes().to_vec())),
                    Output::Persist(share) => {
                        self.persisted.insert(me, share);
                    }
                    Output::Done(key) => {
                        self.done.insert(me, key);
                    }
                    Output::Fault(fault) => {
                        self.convinced.insert((me, fault.culprit()));
                        self.faults.insert(fault.culprit(), fault);
                    }
                    Output::Redraw(why) => self.redraws.push(why),
                }
            }
        }

        /// Brings everything in random order; `tamper` puts other messages in place of each.
        fn run(&mut self, tamper: impl Fn(&Terms, Index, Index, &[u8]) -> Vec<Vec<u8>>) {
            loop {
                self.mails.shuffle(&mut self.rng);
                let Some((from, to, message)) = self.mails.pop() else { return };
                for message in tamper(&self.terms, from, to, &message) {
                    match self.oracles.get_mut(&to).unwrap().on_message(&message) {
                        Ok(out) => self.take(to, out),
                        Err(refusal) => self.refusals.push(refusal),
                    }
                }
            }
        }

        fn run_honestly(&mut self) {
            self.run(|_, _, _, message| vec![message.to_vec()]);
        }

        /// All have the key, and any t of their shares give it.
        fn assert_done(&mut self) {
            assert_eq!(self.done.len(), self.terms.oracles().len(), "{:?}", self.oracles);
            let group = self.done[&self.terms.oracles().next().unwrap()];
            for share in self.persisted.values() {
                assert_eq!((self.done[&share.index()], share.public().group()), (group, &group));
                assert_eq!(share.public().threshold(), self.terms.threshold());
            }
            let mut among: Vec<Index> = self.terms.oracles().collect();
            among.shuffle(&mut self.rng);
            among.truncate(self.terms.threshold());
            let secret: Scalar = among.iter().map(|i| *self.persisted[i].secret() * lagrange_at_zero(*i, &among)).sum();
            assert_eq!(ProjectivePoint::GENERATOR * secret, group.point());
        }

        /// All but the culprit know the one fault, and nobody has a key.
        #[track_caller]
        fn assert_named(&self, culprit: u16) -> &Fault {
            let culprit = index(culprit);
            assert_eq!(self.faults.keys().copied().collect::<Vec<_>>(), [culprit]);
            for oracle in self.terms.oracles().filter(|oracle| *oracle != culprit) {
                assert!(self.convinced.contains(&(oracle, culprit)), "{oracle} was not told");
                assert!(!self.done.contains_key(&oracle));
                assert_eq!(self.oracles[&oracle].awaited(), []);
            }
            &self.faults[&culprit]
        }
    }

    #[test]
    fn a_committee_draws_a_key_that_any_t_share_whatever_the_order_of_messages() {
        for (n, threshold) in [(1, 1), (2, 2), (4, 2), (7, 3), (5, 5)] {
            for seed in 0..3 {
                let mut committee = Committee::new(terms(n, threshold), seed);
                committee.run_honestly();
                committee.assert_done();
                assert_eq!((committee.refusals.len(), committee.faults.len()), (0, 0));
            }
        }
    }

    #[test]
    fn a_message_is_as_long_as_the_page_of_limits_says() {
        let committee = Committee::new(terms(4, 4), 0);
        let deal = &committee.mails[0].2;
        assert_eq!(deal.len(), 1 + 2 + 4 * 33 + 52 + 64);
        assert_eq!(share_message(&committee.terms, 1, 2, Scalar::ONE).len(), 1 + 2 + 2 + 32 + 64);
        let long = vec![1; limits::DKG_MESSAGE_BYTES_MAX + 1];
        let error = Malformed::Length { got: long.len(), wanted: limits::DKG_MESSAGE_BYTES_MAX };
        assert_eq!(Signed::read(&committee.terms, &long), Err(error.into()));
    }

    #[test]
    fn a_dealer_who_deals_differently_to_some_is_named_by_all() {
        for seed in 0..4 {
            let mut committee = Committee::new(terms(4, 2), seed);
            committee.run(|terms, from, to, message| {
                let other = from == index(2) && to > index(2) && message[0] == Kind::Deal as u8;
                vec![if other { other_deal(terms, 2) } else { message.to_vec() }]
            });
            // With shares of one polynomial and a deal of another, a wrong share may show before the two deals meet.
            match committee.assert_named(2) {
                Fault::TwoFaced(..) | Fault::WrongShare { .. } => {}
                other @ (Fault::Garbled(_) | Fault::NoPossession(_)) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_dealer_who_deals_differently_and_shares_to_match_is_found_by_the_votes() {
        for seed in 0..4 {
            let mut committee = Committee::new(terms(4, 2), seed);
            let other = Polynomial::random(2, &mut StdRng::seed_from_u64(99));
            committee.run(|terms, from, to, message| {
                let fooled = from == index(2) && to > index(2);
                vec![match message[0] {
                    1 if fooled && message[2] == 2 => other_deal(terms, 2),
                    2 if fooled => share_message(terms, 2, to.get(), *other.at(to)),
                    _ => message.to_vec(),
                }]
            });
            assert!(matches!(committee.assert_named(2), Fault::TwoFaced(..)));
        }
    }

    #[test]
    fn a_wrong_share_is_proved_to_all() {
        for seed in 0..4 {
            let mut committee = Committee::new(terms(4, 2), seed);
            committee.run(|terms, from, to, message| {
                let wrong = from == index(3) && to == index(1) && message[0] == Kind::Share as u8;
                vec![if wrong { share_message(terms, 3, 1, Scalar::from(5u64)) } else { message.to_vec() }]
            });
            assert!(matches!(committee.assert_named(3), Fault::WrongShare { .. }));
        }
    }

    #[test]
    fn deals_without_possession_and_garbled_messages_are_proved_to_all() {
        type Tamper = fn(&Terms, &[u8]) -> Option<Vec<u8>>;
        fn body(message: &[u8]) -> &[u8] {
            &message[3..message.len() - 64]
        }
        let cases: [(Tamper, bool); 6] = [
            // Another proof.
            (
                |terms, message| {
                    let mut text = body(message).to_vec();
                    *text.last_mut()? ^= 1;
                    (message[0] == 1).then(|| resigned(terms, Kind::Deal, &text))
                },
                true,
            ),
            // Oracle 1's commitments and proof, under oracle 3's name: the rogue key.
            (
                |terms, message| {
                    let first = Committee::new(terms.clone(), 0).mails.swap_remove(0).2;
                    (message[0] == 1).then(|| resigned(terms, Kind::Deal, body(&first)))
                },
                true,
            ),
            // A point short.
            (|terms, message| (message[0] == 1).then(|| resigned(terms, Kind::Deal, &body(message)[33..])), false),
            // A byte more.
            (
                |terms, message| {
                    (message[0] == 1).then(|| resigned(terms, Kind::Deal, &[body(message), &[0]].concat()))
                },
                false,
            ),
            // The identity, which has no encoding of 33 bytes but zeros.
            (
                |terms, message| {
                    let mut text = body(message).to_vec();
                    text[..33].fill(0);
                    (message[0] == 1).then(|| resigned(terms, Kind::Deal, &text))
                },
                false,
            ),
            // A vote of too few deals.
            (|terms, message| (message[0] == 3).then(|| resigned(terms, Kind::Vote, &body(message)[32..])), false),
        ];
        for (i, (tamper, possession)) in cases.into_iter().enumerate() {
            let mut committee = Committee::new(terms(4, 2), i as u64);
            committee.run(|terms, from, _, message| {
                let lie = (from == index(3)).then(|| tamper(terms, message)).flatten();
                vec![lie.unwrap_or_else(|| message.to_vec())]
            });
            match committee.assert_named(3) {
                Fault::NoPossession(_) => assert!(possession, "case {i}"),
                Fault::Garbled(_) => assert!(!possession, "case {i}"),
                other @ (Fault::TwoFaced(..) | Fault::WrongShare { .. }) => panic!("case {i}: {other:?}"),
            }
        }
    }

    fn resigned(terms: &Terms, kind: Kind, body: &[u8]) -> Vec<u8> {
        Signed::sign(terms, &identity(3), kind, index(3), body).as_bytes().to_vec()
    }

    #[test]
    fn two_shares_or_two_votes_of_one_oracle_are_a_fault() {
        let mut committee = Committee::new(terms(3, 2), 0);
        committee.run(|terms, from, to, message| {
            let second = (from == index(3) && to == index(1) && message[0] == Kind::Share as u8)
                .then(|| share_message(terms, 3, 1, Scalar::from(5u64)));
            [message.to_vec()].into_iter().chain(second).collect()
        });
        let named = committee.assert_named(3).clone();
        assert!(matches!(named, Fault::TwoFaced(..)));

        let mut committee = Committee::new(terms(3, 2), 0);
        committee.run(|terms, from, to, message| {
            let second = (from == index(3) && to == index(1) && message[0] == Kind::Vote as u8)
                .then(|| resigned(terms, Kind::Vote, &[0; 96]));
            second.into_iter().chain([message.to_vec()]).collect()
        });
        assert!(matches!(committee.faults[&index(3)], Fault::TwoFaced(..)));
    }

    #[test]
    fn however_often_an_oracle_lies_it_is_accused_once() {
        let terms = terms(4, 2);
        let mut oracle = Committee::new(terms.clone(), 0).oracles.remove(&index(1)).unwrap();
        let lie = |fill: u8| resigned(&terms, Kind::Vote, &[fill; 128]);
        assert_eq!(oracle.on_message(&lie(0)).unwrap().len(), 0);
        let out = oracle.on_message(&lie(1)).unwrap();
        assert!(matches!(&out[..], [Output::Fault(_), Output::Broadcast(_)]), "{out:?}");
        for further in [lie(2), resigned(&terms, Kind::Deal, &[]), resigned(&terms, Kind::Share, &[])] {
            assert_eq!(oracle.on_message(&further).unwrap_err(), Refusal::Duplicate(index(3)));
        }
        assert_eq!(oracle.faults().count(), 1);
    }

    /// Who deals last can choose its own share of the sum, in the exponent: it fixes its deal's value there before it knows
    /// that value, and learns it from the shares that the others then send it.
    #[test]
    fn a_last_dealer_who_makes_its_own_share_zero_spoils_no_share_of_the_others() {
        let (terms, mut rng) = (terms(4, 2), StdRng::seed_from_u64(5));
        let (mut oracles, mut deals) = (BTreeMap::new(), Vec::new());
        for i in 1..=3 {
            let (oracle, out) = Generation::start(terms.clone(), index(i), identity(i), &mut rng).unwrap();
            let [Output::Broadcast(deal)] = &out[..] else { panic!("{out:?}") };
            deals.push(deal.clone());
            oracles.insert(i, oracle);
        }
        // Its polynomial c + bx, where b is known as a point alone: the sum of all is to be zero at 4.
        let signed = |bytes: &[u8]| Signed::read(&terms, bytes).unwrap();
        let others =
            deals.iter().map(|deal| public_at(&Deal::read(&terms, signed(deal)).unwrap().commitments, index(4)));
        let fourth = Scalar::from(4u64).invert().unwrap();
        let (c, others) = (Scalar::from(7u64), others.sum::<ProjectivePoint>());
        let commitments = [ProjectivePoint::GENERATOR * c, (-others - ProjectivePoint::GENERATOR * c) * fourth];
        let mut body: Vec<u8> = commitments.iter().flat_map(point_bytes).collect();
        body.extend(sign_alone(&c, &terms.possession(index(4), &body), &mut rng).to_bytes());
        deals.push(Signed::sign(&terms, &identity(4), Kind::Deal, index(4), &body).as_bytes().to_vec());

        let mut shares = Vec::new();
        for (i, oracle) in &mut oracles {
            for (from, deal) in deals.iter().enumerate().filter(|(from, _)| from + 1 != usize::from(*i)) {
                let out = oracle.on_message(deal).unwrap_or_else(|why| panic!("deal of {from}: {why}"));
                shares.extend(out.into_iter().map(|output| match output {
                    Output::Private { to, message } => (to, message.as_bytes().to_vec()),
                    other => panic!("{other:?}"),
                }));
            }
        }
        let told = shares.iter().filter(|(to, _)| *to == index(4));
        let told: Scalar = told.map(|(_, share)| *Share::read(signed(share)).unwrap().secret).sum();
        let b = (-told - c) * fourth;
        shares.extend(
            (1..=3u16).map(|to| (index(to), share_message(&terms, 4, to, c + b * Scalar::from(u64::from(to))))),
        );

        let mut kept = 0;
        for (i, oracle) in &mut oracles {
            for (_, share) in shares.iter().filter(|(to, _)| *to == index(*i)) {
                for output in oracle.on_message(share).unwrap() {
                    let Output::Persist(share) = output else { continue };
                    assert_eq!(share.public().share(index(4)), Some(ProjectivePoint::IDENTITY));
                    let read = KeyShare::from_bytes(&share.to_bytes()).expect("what was stored can be read");
                    assert_eq!((read.index(), read.public()), (index(*i), share.public()));
                    kept += 1;
                }
            }
        }
        assert_eq!(kept, 3);
    }

    #[test]
    fn an_oracle_that_votes_differently_to_some_is_named_by_all() {
        for seed in 0..4 {
            let mut committee = Committee::new(terms(4, 2), seed);
            committee.run(|terms, from, to, message| {
                let lie = from == index(3) && to == index(1) && message[0] == Kind::Vote as u8;
                vec![if lie { resigned(terms, Kind::Vote, &[1; 128]) } else { message.to_vec() }]
            });
            assert!(matches!(committee.faults[&index(3)], Fault::TwoFaced(..)));
            for oracle in [1, 2, 4].map(index) {
                assert!(committee.convinced.contains(&(oracle, index(3))), "{oracle} was not told");
            }
        }
    }

    #[test]
    fn a_share_is_not_printed() {
        let mut committee = Committee::new(terms(2, 2), 1);
        let deal = committee.mails.iter().find(|(from, ..)| *from == index(2)).unwrap().2.clone();
        let out = committee.oracles.get_mut(&index(1)).unwrap().on_message(&deal).unwrap();
        let [output @ Output::Private { message, .. }] = &out[..] else { panic!("{out:?}") };
        let (shown, secret) = (std::format!("{output:?}"), hex::encode(&message.body()[2..]));
        assert_eq!(shown, "Private { to: #2, message: Signed(share of #1, 101 bytes) }");
        assert!(!shown.contains(&secret));
    }

    #[test]
    fn whoever_is_silent_is_awaited_and_the_next_generation_does_without() {
        for (kind, missed_by) in [(Kind::Deal, 4), (Kind::Share, 1), (Kind::Vote, 4)] {
            let mut committee = Committee::new(terms(5, 2), 3);
            committee.run(|_, from, to, message| {
                let withheld = from == index(4) && message[0] == kind as u8 && to.get() <= missed_by;
                if withheld { Vec::new() } else { vec![message.to_vec()] }
            });
            assert_eq!(committee.oracles[&index(1)].awaited(), [index(4)]);
            assert!(!committee.done.contains_key(&index(1)));
            let next = committee.terms.without([10; 32], &BTreeSet::from([index(4)])).unwrap();
            let mut committee = Committee::new(next, 4);
            committee.run_honestly();
            committee.assert_done();
            assert_eq!(committee.persisted.keys().map(|i| i.get()).collect::<Vec<_>>(), [1, 2, 3, 5]);
        }
        let refused = terms(2, 2).without([0; 32], &BTreeSet::from([index(1)]));
        assert_eq!(refused, Err(TermsRefused { threshold: 2, oracles: 1 }));
        assert_eq!(Terms::new([0; 32], 0, BTreeMap::new()), Err(TermsRefused { threshold: 0, oracles: 0 }));
    }

    #[test]
    fn a_vote_for_a_deal_that_nobody_made_keeps_the_generation_open_and_its_voter_awaited() {
        let mut committee = Committee::new(terms(4, 2), 3);
        committee.run(|terms, from, to, message| match (message[0] == Kind::Vote as u8, message[2]) {
            (true, 3) if from == index(3) => vec![resigned(terms, Kind::Vote, &[1; 128])],
            // Its own lie, shown to it, tells a liar nothing.
            (true, 3) if to == index(3) => Vec::new(),
            _ => vec![message.to_vec()],
        });
        assert_eq!(committee.done.keys().copied().collect::<Vec<_>>(), [index(3)]);
        assert_eq!(committee.oracles[&index(1)].awaited(), [index(3)]);
        assert_eq!(committee.faults.len(), 0);
    }

    #[test]
    fn what_proves_nothing_is_refused_by_name() {
        let terms = terms(4, 2);
        let mut committee = Committee::new(terms.clone(), 0);
        let of = |committee: &Committee, from: u16, to: u16| {
            committee.mails.iter().find(|(f, t, _)| (*f, *t) == (index(from), index(to))).unwrap().2.clone()
        };
        let deal = of(&committee, 2, 1);
        let elsewhere = Terms::new([8; 32], 2, terms.oracles.clone()).unwrap();
        let replayed = of(&Committee::new(elsewhere, 0), 2, 1);
        let mut stranger = deal.clone();
        stranger[2] = 5;
        let mut forged = deal.clone();
        forged[2] = 3;
        let oracle = committee.oracles.get_mut(&index(1)).unwrap();
        let mut refused = |message: &[u8]| oracle.on_message(message).unwrap_err();
        assert_eq!(refused(&replayed), Refusal::Signature(index(2)));
        assert_eq!(refused(&stranger), Refusal::Stranger(index(5)));
        assert_eq!(refused(&forged), Refusal::Signature(index(3)));
        assert_eq!(refused(&[]), Malformed::Length { got: 0, wanted: 1 }.into());
        assert_eq!(refused(&[5]), Malformed::Kind(5).into());
        assert_eq!(refused(&[1, 1, 1]), Malformed::Index(257).into());
        assert_eq!(refused(&deal[..60]), Malformed::Length { got: 60, wanted: 67 }.into());
        assert_eq!(
            refused(&share_message(&terms, 2, 3, Scalar::ONE)),
            Refusal::NotOurs { from: index(2), to: index(3) }
        );

        let oracle = committee.oracles.get_mut(&index(1)).unwrap();
        assert_eq!(oracle.on_message(&deal).unwrap().len(), 0);
        let mut refused = |message: &[u8]| oracle.on_message(message).unwrap_err();
        assert_eq!(refused(&deal), Refusal::Duplicate(index(2)));
        // Accusations: of a good deal, of a good share, of the same deal twice, of two oracles, of shares to two.
        let signed = |bytes: &[u8]| Signed::read(&terms, bytes).unwrap();
        let good = signed(&deal);
        let polynomial = Polynomial::random(2, &mut StdRng::seed_from_u64(1));
        let mine = Deal::new(&terms, &identity(2), index(2), &polynomial, &mut StdRng::seed_from_u64(1)).signed;
        let to_three = signed(&share_message(&terms, 2, 3, *polynomial.at(index(3))));
        let to_four = signed(&share_message(&terms, 2, 4, *polynomial.at(index(4))));
        let others = signed(&share_message(&terms, 3, 4, Scalar::ONE));
        for accusation in [
            Fault::NoPossession(good.clone()),
            Fault::Garbled(to_three.clone()),
            Fault::TwoFaced(good.clone(), good.clone()),
            Fault::TwoFaced(to_three.clone(), to_four.clone()),
            Fault::TwoFaced(good.clone(), others.clone()),
            Fault::WrongShare { deal: mine.clone(), share: to_three },
            Fault::WrongShare { deal: mine.clone(), share: others },
            Fault::WrongShare { deal: to_four, share: mine },
        ] {
            assert_eq!(refused(&accusation.to_bytes()), Refusal::Unproven(index(2)));
        }
        assert_eq!(oracle.faults().count(), 0);
    }

    #[test]
    fn deals_that_add_up_to_no_key_are_drawn_again() {
        let terms = terms(2, 1);
        let mut rng = StdRng::seed_from_u64(1);
        let (mut first, out) = Generation::start(terms.clone(), index(1), identity(1), &mut rng).unwrap();
        let Output::Broadcast(deal) = &out[0] else { unreachable!() };
        let Phase::Dealing { polynomial } = &first.phase else { unreachable!() };
        let secret = *polynomial.secret();
        // Nobody but a test can know the other's polynomial and so deal its opposite.
        let opposite = Polynomial::of(vec![-secret]);
        let answer = Deal::new(&terms, &identity(2), index(2), &opposite, &mut rng).signed;
        let mut out = first.on_message(answer.as_bytes()).unwrap();
        out.extend(first.on_message(&share_message(&terms, 2, 1, -secret)).unwrap());
        assert!(matches!(out.last(), Some(Output::Redraw(KeyRefused::Identity))), "{out:?} after {}", deal.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn a_spoiled_message_is_refused_and_changes_nothing(seed: u64, at: prop::sample::Index, bit in 0u8..8, cut: bool) {
            let mut committee = Committee::new(terms(3, 2), 1);
            let which = StdRng::seed_from_u64(seed).gen_range(0..committee.mails.len());
            let (_, to, message) = committee.mails[which].clone();
            let mut spoiled = message.clone();
            let at = at.index(message.len());
            if cut { spoiled.truncate(at) } else { spoiled[at] ^= 1 << bit }
            let oracle = committee.oracles.get_mut(&to).unwrap();
            prop_assert!(oracle.on_message(&spoiled).is_err());
            committee.run_honestly();
            committee.assert_done();
        }
    }
}
