//! Every domain tag: the constant text that keeps a hash or signature made for one purpose from counting for another.
//!
//! A tag lives here even if one crate alone uses it, so that two purposes with one tag would be seen.
//! OCR2 signs no tag: its observations and reports are separated by the config digest alone (OCR2 spec 12.1, rule 21).

/// Derives the key of the leader order from the shared secret (OCR1 and OCR2; the text says v1 for both). OCR2 spec 3.6.
pub const LEADER_SELECTION_KEY: &[u8] = b"chainlink offchain reporting v1 leader selection key";

/// Derives the key of the transmission order from the shared secret (OCR1 and OCR2). OCR2 spec 3.6.
pub const TRANSMISSION_ORDER_KEY: &[u8] = b"chainlink offchain reporting v1 transmission order key";

/// Opens what a dialer signs in its knock; the listener's public key follows. Networking spec 3.
pub const KNOCK: &[u8] = b"ragep2p 1.0.0 knock knock";

/// Opens the digest of a signed peer announcement. Networking spec 11.2.
pub const PEER_ANNOUNCEMENT: &[u8] = b"announcement for chainlink peer discovery v2.0.0";

/// Opens everything that a signer of a threshold signature hashes but the challenge, which is the contract's.
pub const THRESHOLD_SIGNING: &[u8] = b"dodona threshold signing v1";

/// Opens the digest of the terms of a key generation: who takes part, how many must sign, which attempt it is.
pub const THRESHOLD_TERMS: &[u8] = b"dodona threshold key generation terms v1";

/// Opens what an oracle signs with its own key in a key generation; the digest of the terms and the message follow.
pub const THRESHOLD_MESSAGE: &[u8] = b"dodona threshold key generation message v1";

/// Opens what a dealer signs with its part of the group key, to prove that it knows it; the terms' digest, its index and
/// its commitments follow.
pub const THRESHOLD_POSSESSION: &[u8] = b"dodona threshold key generation possession v1";
