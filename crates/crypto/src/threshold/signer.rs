//! A signer: commits to nonces, and answers a request with its share of a signature.
//!
//! A nonce that signs twice gives the key share away. So a nonce leaves the signer's table by value when a request uses it,
//! is never stored (a restart forgets all of them, which costs an attempt and nothing else), and is never written.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::fmt;

use frost_core::{
    VerifyingKey, keys::KeyPackage, keys::SigningShare, keys::VerifyingShare, round1, round1::NonceCommitment,
    round1::SigningCommitments, round1::SigningNonces, round2,
};

use super::{
    CryptoRng, Index, Malformed, RngCore,
    key::{KeyShare, PublicKeys},
    limits::{COMMITMENT_BYTES, OPEN_NONCES_PER_COORDINATOR_MAX, POINT_BYTES, REPLY_BYTES, REQUEST_BYTES_MAX},
    suite::{Identifier, Suite},
    wire::{Reader, point_bytes, scalar_of},
};

/// Signs with one share, for any coordinator.
#[derive(Debug)]
pub struct Signer {
    key: KeyShare,
    package: KeyPackage<Suite>,
    /// By coordinator, so that none can use up another's room; the oldest first.
    open: BTreeMap<Index, VecDeque<SigningNonces<Suite>>>,
}

impl Signer {
    /// A signer without open nonces.
    pub fn new(key: KeyShare) -> Self {
        let half = key.public().share(key.index()).expect("a share is checked against its public half when it is made");
        let package = KeyPackage::new(
            key.index().into(),
            SigningShare::new(*key.secret()),
            VerifyingShare::new(half),
            VerifyingKey::new(key.public().group().point()),
            key.public().threshold() as u16,
        );
        Self { key, package, open: BTreeMap::new() }
    }

    /// The share it signs with.
    pub fn key(&self) -> &KeyShare {
        &self.key
    }

    /// How many nonces wait to be used.
    pub fn open_nonces(&self) -> usize {
        self.open.values().map(VecDeque::len).sum()
    }

    /// Opens a nonce for `coordinator`, who is to be told the commitment. Where it has as many as it may, its oldest is
    /// forgotten.
    pub fn commit<R: CryptoRng + RngCore>(&mut self, coordinator: Index, rng: &mut R) -> Commitment {
        let (nonces, commitments) = round1::commit(self.package.signing_share(), rng);
        let open = self.open.entry(coordinator).or_default();
        if open.len() == OPEN_NONCES_PER_COORDINATOR_MAX {
            open.pop_front();
        }
        open.push_back(nonces);
        Commitment(commitments)
    }

    /// Answers a request of `coordinator` for a signature on `message`, which the caller has found worth signing. The nonce
    /// that the request names is spent, and the reply brings a commitment to the next one.
    pub fn sign<R: CryptoRng + RngCore>(
        &mut self,
        coordinator: Index,
        message: &[u8; 32],
        request: &[u8],
        rng: &mut R,
    ) -> Result<Reply, Refusal> {
        let request = Request::from_bytes(request)?;
        if request.message != *message {
            return Err(Refusal::OtherMessage { got: request.message });
        }
        if let Some(stranger) = request.commitments.keys().find(|index| self.key.public().share(**index).is_none()) {
            return Err(Refusal::Stranger(*stranger));
        }
        let (got, wanted) = (request.commitments.len(), self.key.public().threshold());
        if got < wanted {
            return Err(Refusal::TooFew { got, wanted });
        }
        let Commitment(ours) = request.commitments.get(&self.key.index()).ok_or(Refusal::NotForUs)?;
        let open = self.open.get_mut(&coordinator).ok_or(Refusal::NoSuchNonce)?;
        let at = open.iter().position(|nonces| nonces.commitments() == ours).ok_or(Refusal::NoSuchNonce)?;
        let nonces = open.remove(at).ok_or(Refusal::NoSuchNonce)?;
        let share = round2::sign(&request.package(), &nonces, &self.package).map_err(|_| Refusal::Degenerate)?;
        let share = share.serialize().try_into().expect("a scalar has 32 bytes");
        Ok(Reply { attempt: request.attempt, share, next: self.commit(coordinator, rng) })
    }
}

/// Why a signer does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No request.
    #[error("not a request: {0}")]
    Malformed(#[from] Malformed),
    /// For another message than the one we mean to sign.
    #[error("a request to sign another message")]
    OtherMessage {
        /// What should have been signed.
        got: [u8; 32],
    },
    /// It names an oracle that holds no share.
    #[error("oracle {0} holds no share")]
    Stranger(Index),
    /// Fewer signers than it takes.
    #[error("{got} signers, wanted {wanted}")]
    TooFew {
        /// How many are named.
        got: usize,
        /// How many it takes.
        wanted: usize,
    },
    /// We are not among the signers.
    #[error("the request does not name us")]
    NotForUs,
    /// Our nonce in it is none that is open for this coordinator: spent, forgotten, or never ours.
    #[error("the request names a nonce that is not open")]
    NoSuchNonce,
    /// The commitments add up to nothing, or the challenge is zero. The nonce is spent all the same.
    #[error("the commitments give no signature")]
    Degenerate,
}

/// A signer's commitment to the two nonces that it will use once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Commitment(pub(super) SigningCommitments<Suite>);

impl Commitment {
    /// The hiding point, then the binding one.
    pub fn to_bytes(&self) -> [u8; COMMITMENT_BYTES] {
        let mut bytes = [0; COMMITMENT_BYTES];
        bytes[..POINT_BYTES].copy_from_slice(&point_bytes(&self.0.hiding().value()));
        bytes[POINT_BYTES..].copy_from_slice(&point_bytes(&self.0.binding().value()));
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let commitment = Self::read(&mut reader)?;
        reader.end()?;
        Ok(commitment)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (hiding, binding) = (reader.point()?, reader.point()?);
        Ok(Self(SigningCommitments::new(NonceCommitment::new(hiding), NonceCommitment::new(binding))))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commitment(")?;
        self.to_bytes().iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

/// What a coordinator asks: sign this message, with these signers and their commitments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which of the coordinator's attempts it is; the reply repeats it.
    pub attempt: u32,
    /// What is signed.
    pub message: [u8; 32],
    /// Who signs, with what nonces.
    pub commitments: BTreeMap<Index, Commitment>,
}

impl Request {
    /// Attempt, message, number of signers, then index and commitment of each, ascending.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.attempt.to_be_bytes().to_vec();
        bytes.extend(self.message);
        bytes.extend((self.commitments.len() as u16).to_be_bytes());
        for (index, commitment) in &self.commitments {
            bytes.extend(index.get().to_be_bytes());
            bytes.extend(commitment.to_bytes());
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(Malformed::Length { got: bytes.len(), wanted: REQUEST_BYTES_MAX });
        }
        let mut reader = Reader::new(bytes);
        let (attempt, message, count) = (reader.u32()?, reader.array()?, reader.u16()?);
        let commitments = reader.ascending(count.into(), Commitment::read)?.into_iter().collect();
        reader.end()?;
        Ok(Self { attempt, message, commitments })
    }

    pub(super) fn package(&self) -> frost_core::SigningPackage<Suite> {
        let commitments = self.commitments.iter().map(|(index, commitment)| (Identifier::from(*index), commitment.0));
        frost_core::SigningPackage::new(commitments.collect(), &self.message)
    }
}

/// What a signer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The attempt that was asked for.
    pub attempt: u32,
    /// The share of the signature, a scalar.
    pub share: [u8; 32],
    /// For the next request.
    pub next: Commitment,
}

impl Reply {
    /// Attempt, share, next commitment.
    pub fn to_bytes(&self) -> [u8; REPLY_BYTES] {
        let mut bytes = [0; REPLY_BYTES];
        bytes[..4].copy_from_slice(&self.attempt.to_be_bytes());
        bytes[4..36].copy_from_slice(&self.share);
        bytes[36..].copy_from_slice(&self.next.to_bytes());
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let (attempt, share) = (reader.u32()?, reader.array()?);
        scalar_of(&share).ok_or(Malformed::Scalar)?;
        let next = Commitment::read(&mut reader)?;
        reader.end()?;
        Ok(Self { attempt, share, next })
    }
}

/// What everybody can compute of a request, once: it judges shares, and makes the signature of t good ones.
pub(super) struct Check {
    package: frost_core::SigningPackage<Suite>,
    factors: frost_core::BindingFactorList<Suite>,
    commitment: frost_core::GroupCommitment<Suite>,
    challenge: frost_core::Challenge<Suite>,
}

impl Check {
    /// `None` where the commitments add up to the identity or the challenge is zero.
    pub(super) fn new(public: &PublicKeys, request: &Request) -> Option<Self> {
        use frost_core::Ciphersuite as _;
        let key = VerifyingKey::new(public.group().point());
        let package = request.package();
        let factors = frost_core::compute_binding_factor_list(&package, &key, &[]).ok()?;
        let commitment = frost_core::compute_group_commitment(&package, &factors).ok()?;
        let challenge = Suite::challenge(&commitment.clone().to_element(), &key, &request.message).ok()?;
        Some(Self { package, factors, commitment, challenge })
    }

    pub(super) fn holds(&self, public: &PublicKeys, index: Index, share: &[u8; 32]) -> bool {
        let Some(half) = public.share(index) else { return false };
        let Ok(share) = round2::SignatureShare::deserialize(share) else { return false };
        frost_core::verify_signature_share_precomputed(
            index.into(),
            &self.package,
            &self.factors,
            &self.commitment,
            &share,
            &VerifyingShare::new(half),
            self.challenge,
        )
        .is_ok()
    }

    /// R of the signature.
    pub(super) fn commitment(&self) -> k256::ProjectivePoint {
        self.commitment.clone().to_element()
    }
}
