//! Every bound of this module, each with its reason.

use crate::ed25519;

/// Most oracles that share one key: the contract names contributors in a word of 256 bits.
pub const SIGNERS_MAX: u16 = 256;

/// Nonces that a signer keeps open for one coordinator. A coordinator needs one for each message that it has signed at
/// the same time; an oracle that leads a few feeds at once needs a few. The oldest makes room, so that a coordinator who
/// asks for too many harms itself alone.
pub const OPEN_NONCES_PER_COORDINATOR_MAX: usize = 16;

/// Bytes of a compressed point.
pub const POINT_BYTES: usize = 33;

/// Bytes of a nonce commitment: two points.
pub const COMMITMENT_BYTES: usize = 2 * POINT_BYTES;

/// Bytes of the longest request: attempt, message, count, and an index and a commitment of everybody.
pub const REQUEST_BYTES_MAX: usize = 4 + 32 + 2 + SIGNERS_MAX as usize * (2 + COMMITMENT_BYTES);

/// Bytes of a reply: attempt, share of the signature, the next commitment.
pub const REPLY_BYTES: usize = 4 + 32 + COMMITMENT_BYTES;

/// Bytes of the longest message of a key generation. A deal with t = n: kind, sender, commitments to all coefficients,
/// proof of possession, signature. A vote is shorter: a hash of 32 bytes where a deal has a point.
pub const DKG_MESSAGE_BYTES_MAX: usize =
    1 + 2 + SIGNERS_MAX as usize * POINT_BYTES + super::key::SIGNATURE_BYTES + ed25519::SIGNATURE_LEN;
