//! The knock: the 97 bytes that a dialer sends before TLS, so that a listener answers nobody it does not know.
//!
//! The same pair of peers always makes the same knock; it proves who once spoke to whom, not that they speak now. That
//! is left to TLS.

use crate::{Keyring, PeerId};
use crypto::domain;

/// Bytes of a knock: version, dialer's key, signature.
pub const KNOCK_LEN: usize = 1 + 32 + 64;

const VERSION: u8 = 2;

/// The knock of `dialer` at the door of `listener`. Must be written in one piece: a reference node reads once.
pub fn build(dialer: &dyn Keyring, listener: PeerId) -> [u8; KNOCK_LEN] {
    let mut knock = [0; KNOCK_LEN];
    knock[0] = VERSION;
    knock[1..33].copy_from_slice(&dialer.peer_id().0);
    knock[33..].copy_from_slice(&dialer.sign(&signed(listener)));
    knock
}

/// Whom a knock names, whatever it is worth.
pub fn dialer(knock: &[u8; KNOCK_LEN]) -> PeerId {
    PeerId(core::array::from_fn(|i| knock[1 + i]))
}

/// Who claims to knock at `listener`'s door, without the proof. For turning strangers away before the signature is paid for.
pub fn claimed(knock: &[u8], listener: PeerId) -> Result<PeerId, KnockError> {
    let knock: &[u8; KNOCK_LEN] = knock.try_into().map_err(|_| KnockError::Length { got: knock.len() })?;
    if knock[0] != VERSION {
        return Err(KnockError::Version { got: knock[0] });
    }
    let dialer = dialer(knock);
    if dialer == listener {
        return Err(KnockError::Oneself);
    }
    Ok(dialer)
}

/// Who knocks at `listener`'s door, proved.
pub fn verify(knock: &[u8], listener: PeerId) -> Result<PeerId, KnockError> {
    let dialer = claimed(knock, listener)?;
    if !dialer.public_key().verify(&signed(listener), &knock[33..]) {
        return Err(KnockError::Signature { dialer });
    }
    Ok(dialer)
}

fn signed(listener: PeerId) -> [u8; domain::KNOCK.len() + 32] {
    let mut message = [0; domain::KNOCK.len() + 32];
    message[..domain::KNOCK.len()].copy_from_slice(domain::KNOCK);
    message[domain::KNOCK.len()..].copy_from_slice(&listener.0);
    message
}

/// Why a connection is hung up before TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KnockError {
    #[error("knock has {got} bytes, wanted {KNOCK_LEN}")]
    Length { got: usize },
    #[error("knock has version {got}, wanted {VERSION}")]
    Version { got: u8 },
    #[error("this host knocked at its own door")]
    Oneself,
    #[error("knock of {dialer} has a wrong signature")]
    Signature { dialer: PeerId },
}
