//! A coordinator: gets one message signed, whatever up to f of the signers do.
//!
//! Plain FROST stops at the first signer who is silent or answers wrongly. Here (as in ROAST) a signer is *ready* while it
//! has a commitment with us that no request has used, and every reply brings the next commitment; whenever t signers are
//! ready, they are asked at once, without waiting for what else is under way. A signer who does not answer keeps one
//! attempt from ending and is asked nothing more; one who answers wrongly is named, with evidence, and excluded. So each
//! attempt that fails is another dishonest signer's, and while t honest ones live, no more than f fail and no clock is
//! needed.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::fmt;

use k256::Scalar;

use super::{
    Index, Malformed,
    key::{PublicKeys, Signature},
    limits::COMMITMENT_BYTES,
    signer::{Check, Commitment, Reply, Request},
    wire::scalar_of,
};
use crate::secp256k1::Address;

/// What must now happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this request to each of these signers.
    Ask {
        /// The signers whom the request names.
        to: Vec<Index>,
        /// The encoding of a [`Request`].
        request: Vec<u8>,
    },
    /// A signer is at fault and is asked no more.
    Fault(Fault),
    /// The signature, verified. There will be no other.
    Signed(Signature),
}

/// The signing of one message.
pub struct Session {
    public: PublicKeys,
    message: [u8; 32],
    /// In the order in which they came: the quick ones are asked first.
    ready: Vec<(Index, Commitment)>,
    /// The attempt whose reply each is to send.
    asked: BTreeMap<Index, u32>,
    attempts: BTreeMap<u32, Attempt>,
    started: u32,
    /// By signer: who is quick could otherwise make another's commitment look like a repetition.
    seen: BTreeSet<(Index, [u8; COMMITMENT_BYTES])>,
    faults: BTreeMap<Index, Fault>,
    signature: Option<Signature>,
}

struct Attempt {
    request: Request,
    check: Check,
    shares: BTreeMap<Index, Scalar>,
}

impl Session {
    /// Waits for commitments, for which the caller asks.
    pub fn new(public: PublicKeys, message: [u8; 32]) -> Self {
        let (ready, asked, attempts, seen, faults) = Default::default();
        Self { public, message, ready, asked, attempts, started: 0, seen, faults, signature: None }
    }

    /// The session of the next message: unused commitments are kept, so that it needs one round trip instead of two, and
    /// those at fault stay excluded. Whoever is not [`ready`](Self::ready) is to be asked for a commitment.
    ///
    /// The message may be the same. That is the way on where more signers were asked and then restarted than may be silent:
    /// they have lost their nonces, and within a session a signer that owes a share cannot commit again.
    pub fn next(mut self, message: [u8; 32]) -> (Self, Vec<Output>) {
        self.message = message;
        self.signature = None;
        self.asked.clear();
        self.attempts.clear();
        self.seen = self.ready.iter().map(|(index, commitment)| (*index, commitment.to_bytes())).collect();
        let mut out = Vec::new();
        self.start_attempts(&mut out);
        (self, out)
    }

    /// A signer's commitment, which it sent when asked for one.
    pub fn on_commitment(&mut self, from: Index, bytes: &[u8]) -> Result<Vec<Output>, Refusal> {
        self.admit(from)?;
        let mut out = Vec::new();
        match Commitment::from_bytes(bytes) {
            Ok(_) if self.asked.contains_key(&from) || self.is_ready(from) => return Err(Refusal::Unasked(from)),
            Ok(commitment) => self.on_ready(from, commitment, &mut out),
            Err(why) => self.exclude(Fault { culprit: from, evidence: Evidence::Garbled(why) }, &mut out),
        }
        self.start_attempts(&mut out);
        Ok(out)
    }

    /// A signer's reply to a request. That it is `from`'s must be certain: its share is judged as that signer's.
    pub fn on_reply(&mut self, from: Index, bytes: &[u8]) -> Result<Vec<Output>, Refusal> {
        self.admit(from)?;
        let mut out = Vec::new();
        match Reply::from_bytes(bytes) {
            Ok(reply) => self.on_well_formed_reply(from, reply, &mut out)?,
            Err(why) => self.exclude(Fault { culprit: from, evidence: Evidence::Garbled(why) }, &mut out),
        }
        if self.signature.is_none() {
            self.start_attempts(&mut out);
        }
        Ok(out)
    }

    /// The signature, once there is one.
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// Attempts begun.
    pub fn started(&self) -> u32 {
        self.started
    }

    /// Who can be asked to sign.
    pub fn ready(&self) -> impl Iterator<Item = Index> + '_ {
        self.ready.iter().map(|(index, _)| *index)
    }

    /// Who was asked and has not answered, and in which attempt.
    pub fn awaited(&self) -> impl Iterator<Item = (Index, u32)> + '_ {
        self.asked.iter().map(|(index, attempt)| (*index, *attempt))
    }

    /// Who is excluded, with the evidence.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.values()
    }

    fn admit(&self, from: Index) -> Result<(), Refusal> {
        if self.signature.is_some() {
            return Err(Refusal::Signed);
        }
        if self.public.share(from).is_none() {
            return Err(Refusal::Stranger(from));
        }
        if self.faults.contains_key(&from) {
            return Err(Refusal::Excluded(from));
        }
        Ok(())
    }

    fn is_ready(&self, index: Index) -> bool {
        self.ready().any(|ready| ready == index)
    }

    fn on_well_formed_reply(&mut self, from: Index, reply: Reply, out: &mut Vec<Output>) -> Result<(), Refusal> {
        let asked = self.asked.get(&from).is_some_and(|attempt| *attempt == reply.attempt);
        let attempt = self.attempts.get_mut(&reply.attempt).filter(|_| asked).ok_or(Refusal::Unasked(from))?;
        let Some(share) = scalar_of(&reply.share).filter(|_| attempt.check.holds(&self.public, from, &reply.share))
        else {
            let evidence = Evidence::WrongShare { request: attempt.request.clone(), share: reply.share };
            self.exclude(Fault { culprit: from, evidence }, out);
            return Ok(());
        };
        attempt.shares.insert(from, share);
        self.asked.remove(&from);
        if let Some(signature) = attempt.signature() {
            // Shares that hold make a signature that holds, but where s is zero or R has no address to speak of.
            if self.public.group().verify(&self.message, &signature) {
                self.signature = Some(signature);
                out.push(Output::Signed(signature));
            }
        }
        self.on_ready(from, reply.next, out);
        self.forget_attempts();
        Ok(())
    }

    fn on_ready(&mut self, from: Index, commitment: Commitment, out: &mut Vec<Output>) {
        if self.seen.insert((from, commitment.to_bytes())) {
            self.ready.push((from, commitment));
        } else {
            self.exclude(Fault { culprit: from, evidence: Evidence::Replayed(commitment.to_bytes()) }, out);
        }
    }

    fn start_attempts(&mut self, out: &mut Vec<Output>) {
        let threshold = self.public.threshold();
        while self.ready.len() >= threshold {
            let commitments: BTreeMap<Index, Commitment> = self.ready.drain(..threshold).collect();
            let request = Request { attempt: self.started, message: self.message, commitments };
            self.started += 1;
            // Commitments that give no challenge come with a chance of 2⁻²⁵⁶; no signer would answer them either.
            let Some(check) = Check::new(&self.public, &request) else { continue };
            let to: Vec<Index> = request.commitments.keys().copied().collect();
            self.asked.extend(to.iter().map(|index| (*index, request.attempt)));
            out.push(Output::Ask { to, request: request.to_bytes() });
            self.attempts.insert(request.attempt, Attempt { request, check, shares: BTreeMap::new() });
        }
    }

    fn exclude(&mut self, fault: Fault, out: &mut Vec<Output>) {
        self.asked.remove(&fault.culprit);
        self.ready.retain(|(index, _)| *index != fault.culprit);
        self.faults.insert(fault.culprit, fault.clone());
        self.forget_attempts();
        out.push(Output::Fault(fault));
    }

    /// Keeps the attempts of which somebody still owes a share: even where it cannot succeed any more, the share is judged.
    fn forget_attempts(&mut self) {
        let asked = &self.asked;
        self.attempts.retain(|attempt, _| asked.values().any(|asked| asked == attempt));
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("ready", &self.ready.len())
            .field("asked", &self.asked)
            .field("started", &self.started)
            .field("faults", &self.faults)
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

impl Attempt {
    /// Once all have answered well.
    fn signature(&self) -> Option<Signature> {
        if self.shares.len() < self.request.commitments.len() {
            return None;
        }
        let s = self.shares.values().fold(Scalar::ZERO, |sum, share| sum + share);
        let commitment = Address::of_point(&self.check.commitment())?;
        Some(Signature { commitment, s: s.to_bytes().into() })
    }
}

/// Why a message was not acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is a signature already.
    #[error("the message is signed")]
    Signed,
    /// It holds no share.
    #[error("oracle {0} holds no share")]
    Stranger(Index),
    /// It was at fault.
    #[error("oracle {0} is excluded")]
    Excluded(Index),
    /// A commitment where one is there already, a reply to no request that waits for one, or a second reply.
    #[error("oracle {0} was not asked for that")]
    Unasked(Index),
}

/// What no honest signer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Who did it. That the bytes were its own is for the transport to vouch for.
    pub culprit: Index,
    /// What it did.
    pub evidence: Evidence,
}

/// What shows a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A commitment or reply that cannot be read.
    Garbled(Malformed),
    /// A share that is wrong for the request.
    WrongShare {
        /// What was asked.
        request: Request,
        /// What was answered.
        share: [u8; 32],
    },
    /// A commitment that this signer gave before in this session: nonces are used once.
    Replayed([u8; COMMITMENT_BYTES]),
}

impl Fault {
    /// Judges the evidence as somebody else can who was shown that the culprit gave this share in answer to this request: a
    /// transport that is to prove it has the reply signed together with the request, for a right share is a wrong one for
    /// another request. Of what only the coordinator saw, nobody else can judge: then it is `None`.
    pub fn holds(&self, public: &PublicKeys) -> Option<bool> {
        match &self.evidence {
            Evidence::Garbled(_) | Evidence::Replayed(_) => None,
            Evidence::WrongShare { request, share } => {
                let named = request.commitments.contains_key(&self.culprit);
                let wrong = Check::new(public, request).is_some_and(|check| !check.holds(public, self.culprit, share));
                Some(named && wrong)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::{
        dealer,
        key::KeyShare,
        signer::{self, Signer},
    };
    use proptest::prelude::*;
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

    const MESSAGE: [u8; 32] = [7; 32];

    fn index(i: u16) -> Index {
        Index::new(i).unwrap()
    }

    fn keys(n: u16, threshold: u16, seed: u64) -> Vec<KeyShare> {
        dealer::deal((1..=n).map(index), threshold, &mut StdRng::seed_from_u64(seed)).unwrap()
    }

    /// What a signer makes of its replies.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Manner {
        Honest,
        /// Never says a word.
        Mute,
        /// Commits, and then is silent.
        Silent,
        WrongShare,
        /// The share that another attempt asked for would be right.
        ShareOfOtherMessage,
        Garbled,
        GarbledCommitment,
        /// A right share, and then its commitment again.
        Replaying,
        /// Gives out another signer's commitment as its own.
        Copying,
    }

    const LIES: [Manner; 8] = [
        Manner::Mute,
        Manner::Silent,
        Manner::WrongShare,
        Manner::ShareOfOtherMessage,
        Manner::Garbled,
        Manner::GarbledCommitment,
        Manner::Replaying,
        Manner::Copying,
    ];

    struct Committee {
        signers: BTreeMap<Index, (Signer, Manner)>,
        rng: StdRng,
        coordinator: Index,
    }

    enum Mail {
        Commitment(Index, Vec<u8>),
        Reply(Index, Vec<u8>),
    }

    impl Committee {
        fn new(keys: Vec<KeyShare>, manners: &BTreeMap<Index, Manner>, seed: u64) -> Self {
            let manner = |index: Index| manners.get(&index).copied().unwrap_or(Manner::Honest);
            let signers = keys.into_iter().map(|key| (key.index(), (Signer::new(key.clone()), manner(key.index()))));
            Self { signers: signers.collect(), rng: StdRng::seed_from_u64(seed), coordinator: index(1) }
        }

        fn commitments(&mut self) -> Vec<Mail> {
            let mut copied: Option<Vec<u8>> = None;
            let mut mails = Vec::new();
            for (index, (signer, manner)) in &mut self.signers {
                let mut bytes = signer.commit(self.coordinator, &mut self.rng).to_bytes().to_vec();
                match manner {
                    Manner::Mute => continue,
                    Manner::GarbledCommitment => bytes[0] = 9,
                    Manner::Copying => bytes = copied.clone().unwrap_or(bytes),
                    Manner::Honest | Manner::Silent | Manner::WrongShare | Manner::ShareOfOtherMessage => {}
                    Manner::Garbled | Manner::Replaying => {}
                }
                copied.get_or_insert_with(|| bytes.clone());
                mails.push(Mail::Commitment(*index, bytes));
            }
            mails
        }

        fn reply(&mut self, to: Index, request: &[u8]) -> Option<Vec<u8>> {
            let (signer, manner) = self.signers.get_mut(&to).unwrap();
            let message = match manner {
                Manner::Mute | Manner::Silent => return None,
                Manner::ShareOfOtherMessage => [8; 32],
                Manner::Honest | Manner::WrongShare | Manner::Garbled | Manner::GarbledCommitment => MESSAGE,
                Manner::Replaying | Manner::Copying => MESSAGE,
            };
            let mut asked = request.to_vec();
            asked[4..36].copy_from_slice(&message);
            let own = Request::from_bytes(request).unwrap().commitments[&to];
            let mut reply = signer.sign(self.coordinator, &message, &asked, &mut self.rng).ok()?;
            match manner {
                Manner::WrongShare => reply.share[31] ^= 1,
                Manner::Garbled => reply.share = [0xff; 32],
                Manner::Replaying => reply.next = own,
                Manner::Honest | Manner::Mute | Manner::Silent | Manner::ShareOfOtherMessage => {}
                Manner::GarbledCommitment | Manner::Copying => {}
            }
            Some(reply.to_bytes().to_vec())
        }

        /// Brings mail in random order until there is none left.
        fn run(&mut self, session: &mut Session, first: Vec<Output>) -> Run {
            let mut run = Run::default();
            let mut mails = if first.is_empty() { self.commitments() } else { Vec::new() };
            let mut out = first;
            loop {
                for output in out.drain(..) {
                    match output {
                        Output::Ask { to, request } => {
                            for to in to {
                                let reply = self.reply(to, &request);
                                mails.extend(reply.map(|reply| Mail::Reply(to, reply)));
                            }
                        }
                        Output::Fault(fault) => {
                            assert_ne!(fault.holds(&session.public), Some(false));
                            run.faults.insert(fault.culprit, fault.evidence);
                        }
                        Output::Signed(signature) => run.signature = Some(signature),
                    }
                }
                mails.shuffle(&mut self.rng);
                let result = match mails.pop() {
                    None => return run,
                    Some(Mail::Commitment(from, bytes)) => session.on_commitment(from, &bytes),
                    Some(Mail::Reply(from, bytes)) => session.on_reply(from, &bytes),
                };
                match result {
                    Ok(new) => out = new,
                    Err(refusal) => run.refusals.push(refusal),
                }
            }
        }
    }

    #[derive(Default)]
    struct Run {
        signature: Option<Signature>,
        faults: BTreeMap<Index, Evidence>,
        refusals: Vec<Refusal>,
    }

    fn subsets(n: u16, size: usize) -> impl Iterator<Item = Vec<Index>> {
        (0u32..1 << n)
            .filter(move |set| set.count_ones() as usize == size)
            .map(move |set| (0..n).filter(|i| set >> i & 1 == 1).map(|i| index(i + 1)).collect())
    }

    #[test]
    fn any_t_of_n_sign_and_t_minus_one_are_not_even_asked() {
        for (n, threshold) in [(1, 1), (4, 1), (4, 2), (5, 3), (5, 5)] {
            let keys = keys(n, threshold, 1);
            let public = keys[0].public().clone();
            for size in [usize::from(threshold), usize::from(threshold) - 1] {
                for present in subsets(n, size) {
                    let mute: BTreeMap<Index, Manner> =
                        (1..=n).map(index).filter(|i| !present.contains(i)).map(|i| (i, Manner::Mute)).collect();
                    let mut committee = Committee::new(keys.clone(), &mute, 2);
                    let mut session = Session::new(public.clone(), MESSAGE);
                    let run = committee.run(&mut session, Vec::new());
                    assert_eq!(run.signature.is_some(), size == usize::from(threshold));
                    assert_eq!(session.started(), u32::from(run.signature.is_some()));
                    if let Some(signature) = run.signature {
                        assert!(public.group().verify(&MESSAGE, &signature));
                        assert!(!public.group().verify(&[8; 32], &signature));
                    }
                }
            }
        }
    }

    #[test]
    fn a_signer_refuses_what_it_should_not_sign_and_spends_a_nonce_once() {
        let keys = keys(4, 2, 1);
        let mut rng = StdRng::seed_from_u64(3);
        let mut signers: Vec<Signer> = keys.into_iter().map(Signer::new).collect();
        let leader = index(1);
        let commitments: BTreeMap<Index, Commitment> =
            signers.iter_mut().take(3).map(|s| (s.key().index(), s.commit(leader, &mut rng))).collect();
        let request = Request { attempt: 5, message: MESSAGE, commitments: commitments.clone() };
        let signer = &mut signers[1];
        let mut refused = |coordinator: Index, message: [u8; 32], request: &Request| {
            signer.sign(coordinator, &message, &request.to_bytes(), &mut rng).unwrap_err()
        };
        let with = |commitments: &[(u16, Commitment)]| Request {
            commitments: commitments.iter().map(|(i, c)| (index(*i), *c)).collect(),
            ..request.clone()
        };
        let of = |i: u16| commitments[&index(i)];
        assert_eq!(refused(leader, [8; 32], &request), signer::Refusal::OtherMessage { got: MESSAGE });
        assert_eq!(refused(leader, MESSAGE, &with(&[(2, of(2))])), signer::Refusal::TooFew { got: 1, wanted: 2 });
        assert_eq!(refused(leader, MESSAGE, &with(&[(2, of(2)), (5, of(1))])), signer::Refusal::Stranger(index(5)));
        assert_eq!(refused(leader, MESSAGE, &with(&[(1, of(1)), (3, of(3))])), signer::Refusal::NotForUs);
        assert_eq!(refused(leader, MESSAGE, &with(&[(1, of(1)), (2, of(3))])), signer::Refusal::NoSuchNonce);
        assert_eq!(refused(index(2), MESSAGE, &request), signer::Refusal::NoSuchNonce);
        assert_eq!(signers[1].open_nonces(), 1);

        let reply = signers[1].sign(leader, &MESSAGE, &request.to_bytes(), &mut rng).unwrap();
        assert_eq!((reply.attempt, Reply::from_bytes(&reply.to_bytes())), (5, Ok(reply)));
        assert_ne!(reply.next, of(2));
        // Again: with the same signers, and with others.
        for request in [request.clone(), with(&[(1, of(1)), (2, of(2))])] {
            let again = signers[1].sign(leader, &MESSAGE, &request.to_bytes(), &mut rng);
            assert_eq!(again, Err(signer::Refusal::NoSuchNonce));
        }
    }

    #[test]
    fn open_nonces_are_bounded_for_each_coordinator_and_the_oldest_makes_room() {
        use crate::threshold::limits::OPEN_NONCES_PER_COORDINATOR_MAX as MAX;
        let mut rng = StdRng::seed_from_u64(3);
        let mut signer = Signer::new(keys(1, 1, 1).remove(0));
        let calm = signer.commit(index(2), &mut rng);
        let greedy: Vec<Commitment> = (0..=MAX).map(|_| signer.commit(index(1), &mut rng)).collect();
        assert_eq!(signer.open_nonces(), MAX + 1);
        let mut sign = |coordinator: u16, commitment: Commitment| {
            let commitments = BTreeMap::from([(index(1), commitment)]);
            let request = Request { attempt: 0, message: MESSAGE, commitments };
            signer.sign(index(coordinator), &MESSAGE, &request.to_bytes(), &mut rng).map(|_| ())
        };
        assert_eq!(sign(1, greedy[0]), Err(signer::Refusal::NoSuchNonce));
        assert_eq!(sign(1, greedy[MAX]), Ok(()));
        assert_eq!(sign(2, calm), Ok(()));
    }

    #[test]
    fn every_kind_of_liar_is_named_and_the_signature_comes() {
        for lie in LIES {
            // Signer 2 lies; 1 and 3 are the only honest ones, so that no attempt goes without it at first.
            let keys = keys(3, 2, 1);
            let public = keys[0].public().clone();
            for seed in 0..6 {
                let mut committee = Committee::new(keys.clone(), &BTreeMap::from([(index(2), lie)]), seed);
                let mut session = Session::new(public.clone(), MESSAGE);
                let run = committee.run(&mut session, Vec::new());
                let signature = run.signature.unwrap_or_else(|| panic!("{lie:?} {seed}: {session:?}"));
                assert!(public.group().verify(&MESSAGE, &signature));
                assert!(session.started() <= 2, "{lie:?} failed {} attempts", session.started() - 1);
                for (culprit, evidence) in &run.faults {
                    assert_eq!(*culprit, index(2));
                    let told = match evidence {
                        Evidence::Garbled(_) => [Manner::Garbled, Manner::GarbledCommitment].contains(&lie),
                        Evidence::WrongShare { .. } => [Manner::WrongShare, Manner::ShareOfOtherMessage].contains(&lie),
                        Evidence::Replayed(_) => lie == Manner::Replaying,
                    };
                    assert!(told, "{lie:?}: {evidence:?}");
                }
                // Whoever spoiled an attempt is named, or awaited for ever.
                if session.started() == 2 {
                    let silent = session.awaited().any(|(i, _)| i == index(2));
                    assert!(run.faults.contains_key(&index(2)) || silent, "{lie:?} {seed}");
                }
            }
        }
    }

    #[test]
    fn a_wrong_share_is_evidence_that_others_can_judge() {
        let keys = keys(4, 4, 1);
        let public = keys[0].public().clone();
        let manners = BTreeMap::from([(index(3), Manner::WrongShare)]);
        let mut session = Session::new(public.clone(), MESSAGE);
        let run = Committee::new(keys, &manners, 1).run(&mut session, Vec::new());
        assert_eq!(run.signature, None);
        let fault = session.faults().next().unwrap().clone();
        assert_eq!((fault.culprit, fault.holds(&public)), (index(3), Some(true)));
        let Evidence::WrongShare { request, share } = &fault.evidence else { unreachable!() };
        let mut right = *share;
        right[31] ^= 1;
        let evidence = Evidence::WrongShare { request: request.clone(), share: right };
        assert_eq!(Fault { culprit: index(3), evidence }.holds(&public), Some(false));
        assert_eq!(session.on_commitment(index(3), &[]), Err(Refusal::Excluded(index(3))));
    }

    #[test]
    fn what_was_not_asked_for_is_refused() {
        let keys = keys(4, 2, 1);
        let mut rng = StdRng::seed_from_u64(3);
        let mut session = Session::new(keys[0].public().clone(), MESSAGE);
        let mut signers: Vec<Signer> = keys.into_iter().map(Signer::new).collect();
        let mut commitment = |i: usize| signers[i].commit(index(1), &mut rng).to_bytes();
        let first = commitment(0);
        assert_eq!(session.on_commitment(index(1), &first), Ok(Vec::new()));
        assert_eq!(session.on_commitment(index(1), &first), Err(Refusal::Unasked(index(1))));
        assert_eq!(session.on_commitment(index(1), &commitment(0)), Err(Refusal::Unasked(index(1))));
        assert_eq!(session.on_commitment(index(5), &first), Err(Refusal::Stranger(index(5))));
        let Output::Ask { to, request } = session.on_commitment(index(2), &commitment(1)).unwrap().remove(0) else {
            unreachable!()
        };
        assert_eq!(to, [index(1), index(2)]);
        assert_eq!(session.on_commitment(index(1), &commitment(0)), Err(Refusal::Unasked(index(1))));
        let mut reply = |i: usize| signers[i].sign(index(1), &MESSAGE, &request, &mut rng).unwrap().to_bytes();
        let (one, two) = (reply(0), reply(1));
        assert_eq!(session.on_reply(index(3), &one), Err(Refusal::Unasked(index(3))));
        assert_eq!(session.on_reply(index(1), &one), Ok(Vec::new()));
        assert_eq!(session.on_reply(index(1), &one), Err(Refusal::Unasked(index(1))));
        assert!(matches!(session.on_reply(index(2), &two).unwrap()[..], [Output::Signed(_)]));
        assert_eq!(session.on_reply(index(2), &two), Err(Refusal::Signed));
    }

    #[test]
    fn signers_that_restart_after_they_were_asked_sign_in_the_next_session_of_the_same_message() {
        let keys = keys(4, 2, 1);
        let public = keys[0].public().clone();
        let mut committee = Committee::new(keys, &BTreeMap::new(), 1);
        let mut session = Session::new(public, MESSAGE);
        for mail in committee.commitments() {
            let Mail::Commitment(from, bytes) = mail else { continue };
            session.on_commitment(from, &bytes).unwrap();
        }
        assert_eq!((session.started(), session.awaited().count()), (2, 4));
        for (signer, _) in committee.signers.values_mut() {
            *signer = Signer::new(signer.key().clone());
        }
        let stuck = committee.run(&mut session, Vec::new());
        assert_eq!((stuck.signature, stuck.refusals.len()), (None, 4));
        let (mut session, out) = session.next(MESSAGE);
        let run = committee.run(&mut session, out);
        assert!(run.signature.is_some_and(|signature| session.public.group().verify(&MESSAGE, &signature)));
        assert_eq!(run.faults.len(), 0);
    }

    #[test]
    fn who_is_ready_and_sends_garbage_is_not_asked() {
        let keys = keys(4, 2, 1);
        let mut rng = StdRng::seed_from_u64(3);
        let mut session = Session::new(keys[0].public().clone(), MESSAGE);
        let mut signers: Vec<Signer> = keys.into_iter().map(Signer::new).collect();
        let mut commitment = |i: usize| signers[i].commit(index(1), &mut rng).to_bytes();
        session.on_commitment(index(1), &commitment(0)).unwrap();
        let short = Malformed::Length { got: 0, wanted: 33 };
        let fault = Fault { culprit: index(1), evidence: Evidence::Garbled(short) };
        assert_eq!(session.on_commitment(index(1), &[]), Ok(std::vec![Output::Fault(fault)]));
        assert_eq!(session.on_commitment(index(2), &commitment(1)), Ok(Vec::new()));
        let out = session.on_commitment(index(3), &commitment(2)).unwrap();
        assert!(matches!(&out[..], [Output::Ask { to, .. }] if *to == [index(2), index(3)]));
    }

    #[test]
    fn the_next_message_is_signed_with_the_commitments_at_hand() {
        let keys = keys(4, 2, 1);
        let public = keys[0].public().clone();
        let mut committee = Committee::new(keys, &BTreeMap::new(), 5);
        let mut session = Session::new(public.clone(), [1; 32]);
        let commitments = committee.commitments();
        let mut out = Vec::new();
        for mail in commitments {
            let Mail::Commitment(from, bytes) = mail else { unreachable!() };
            out.extend(session.on_commitment(from, &bytes).unwrap());
        }
        // All four were asked, in two attempts; the first replies give a signature and two commitments.
        let asks = |out: &[Output]| out.iter().filter(|output| matches!(output, Output::Ask { .. })).count();
        assert_eq!(asks(&out), 2);
        let Output::Ask { to, request } = out.remove(0) else { unreachable!() };
        for to in to {
            let (signer, _) = committee.signers.get_mut(&to).unwrap();
            let reply = signer.sign(index(1), &[1; 32], &request, &mut committee.rng).unwrap();
            session.on_reply(to, &reply.to_bytes()).unwrap();
        }
        let first = *session.signature().unwrap();
        let (mut session, out) = session.next(MESSAGE);
        assert_eq!(asks(&out), 1);
        let run = committee.run(&mut session, out);
        let signature = run.signature.unwrap();
        assert!(public.group().verify(&MESSAGE, &signature) && signature != first);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn f_liars_fail_at_most_f_attempts_and_no_honest_signer_is_named(f in 1u16..4, extra in 0u16..3, seed: u64) {
            let mut rng = StdRng::seed_from_u64(seed);
            let n = 2 * f + 1 + extra;
            let keys = keys(n, f + 1, seed);
            let public = keys[0].public().clone();
            let mut all: Vec<Index> = (1..=n).map(index).collect();
            all.shuffle(&mut rng);
            let manners: BTreeMap<Index, Manner> =
                all.into_iter().take(f.into()).map(|liar| (liar, LIES[rng.gen_range(0..LIES.len())])).collect();
            let mut committee = Committee::new(keys, &manners, seed);
            let mut session = Session::new(public.clone(), MESSAGE);
            let run = committee.run(&mut session, Vec::new());
            let signature = run.signature.unwrap();
            prop_assert!(public.group().verify(&MESSAGE, &signature));
            // Attempts run side by side: those that are still open where one has succeeded have not failed.
            let failed: BTreeSet<u32> =
                session.awaited().filter(|(i, _)| manners.contains_key(i)).map(|(_, attempt)| attempt).collect();
            prop_assert!(failed.len() + run.faults.len() <= f.into());
            for culprit in run.faults.keys() {
                prop_assert!(manners.contains_key(culprit), "{culprit} of {manners:?}");
            }
        }

        #[test]
        fn bytes_of_any_kind_are_refused_or_read_as_they_are_written(bytes in proptest::collection::vec(any::<u8>(), 0..220)) {
            if let Ok(request) = Request::from_bytes(&bytes) { prop_assert_eq!(request.to_bytes(), &bytes[..]); }
            if let Ok(reply) = Reply::from_bytes(&bytes) { prop_assert_eq!(&reply.to_bytes()[..], &bytes[..]); }
            if let Ok(commitment) = Commitment::from_bytes(&bytes) {
                prop_assert_eq!(&commitment.to_bytes()[..], &bytes[..]);
            }
        }
    }
}
