//! The certificate: 178 bytes that follow from the key, and what a peer's certificate must be.
//!
//! TLS proves that the peer holds the key; of the certificate only the key counts. What else is in it must merely be what
//! the reference's parser takes for X.509, for a mixed network must agree on whom it talks to (networking spec 4.3).

use crate::{Keyring, PeerId};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Bytes of a host's own certificate.
pub const CERTIFICATE_LEN: usize = 178;

/// How TLS is set up (networking spec 4.1). Whoever brings TLS must show that it does this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TlsParameters {
    /// The one version, as on the wire.
    pub version: u16,
    /// Application protocols offered or selected.
    pub alpn: usize,
    /// Certificates in a host's own chain.
    pub certificates: usize,
    pub client_certificate_required: bool,
    pub signs_ed25519_only: bool,
    pub server_name_sent: bool,
}

/// The parameters of every connection.
pub const TLS: TlsParameters = TlsParameters {
    version: 0x0304,
    alpn: 0,
    certificates: 1,
    client_certificate_required: true,
    signs_ed25519_only: true,
    server_name_sent: false,
};

/// Where the part that is signed lies: after the outer header, up to and with the key.
const TBS: core::ops::Range<usize> = 3..104;

/// Version 3, serial number 0, no names, valid from year 1 to year 1, no extensions; all before the key.
const BEFORE_KEY: [u8; 72] = [
    0x30, 0x81, 0xaf, // Certificate
    0x30, 0x63, // TBSCertificate
    0xa0, 0x03, 0x02, 0x01, 0x02, // version 3
    0x02, 0x01, 0x00, // serial number
    0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, // Ed25519
    0x30, 0x00, // issuer
    0x30, 0x22, // validity
    0x18, 0x0f, b'0', b'0', b'0', b'1', b'0', b'1', b'0', b'1', b'0', b'0', b'0', b'0', b'0', b'0', b'Z', //
    0x18, 0x0f, b'0', b'0', b'0', b'1', b'0', b'1', b'0', b'1', b'0', b'0', b'0', b'0', b'0', b'0', b'Z', //
    0x30, 0x00, // subject
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, // key
];

/// Between key and signature: the algorithm again, and the header of the signature.
const AFTER_KEY: [u8; 10] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x41, 0x00];

const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The DER of the certificate of a host.
pub fn own(keyring: &dyn Keyring) -> Vec<u8> {
    let mut der = Vec::with_capacity(CERTIFICATE_LEN);
    der.extend_from_slice(&BEFORE_KEY);
    der.extend_from_slice(&keyring.peer_id().0);
    let signature = keyring.sign(&der[TBS]);
    der.extend_from_slice(&AFTER_KEY);
    der.extend_from_slice(&signature);
    der
}

/// The DER of a bare Ed25519 key, as TLS libraries want it to check a handshake's signature.
pub fn public_key_info(peer: PeerId) -> [u8; 44] {
    let mut der = [0; 44];
    der[..12].copy_from_slice(&BEFORE_KEY[60..]);
    der[12..].copy_from_slice(&peer.0);
    der
}

/// Whether this is the chain of `expected`: one certificate, with its key.
pub fn verify<'a>(chain: impl IntoIterator<Item = &'a [u8]>, expected: PeerId) -> Result<(), CertificateError> {
    let mut chain = chain.into_iter();
    let certificate = chain.next().ok_or(CertificateError::Chain { got: 0 })?;
    match chain.count() {
        0 => {}
        more => return Err(CertificateError::Chain { got: 1 + more }),
    }
    let got = key(certificate)?;
    if got != expected { Err(CertificateError::Key { got, wanted: expected }) } else { Ok(()) }
}

/// The Ed25519 key of a certificate.
pub fn key(certificate: &[u8]) -> Result<PeerId, CertificateError> {
    let mut outer = Der(certificate);
    let mut certificate = outer.sequence("certificate")?;
    outer.end("certificate")?;

    let mut tbs = certificate.sequence("to-be-signed part")?;
    let version = match tbs.optional(context(0), "version")? {
        None => 1,
        Some(mut explicit) => match explicit.integer("version")? {
            [version @ 0..=2] => version + 1,
            _ => return Err(CertificateError::Malformed("version")),
        },
    };
    if tbs.integer("serial number")?[0] & 0x80 != 0 {
        return Err(CertificateError::Malformed("serial number is negative"));
    }
    let inner_algorithm = tbs.sequence("signature algorithm")?;
    let outer_algorithm = certificate.clone().sequence("outer signature algorithm")?;
    if inner_algorithm.0 != outer_algorithm.0 {
        return Err(CertificateError::Malformed("inner and outer signature algorithm differ"));
    }
    algorithm(inner_algorithm)?;
    name(tbs.sequence("issuer")?)?;
    let mut validity = tbs.sequence("validity")?;
    time(&mut validity)?;
    time(&mut validity)?;
    name(tbs.sequence("subject")?)?;

    let mut key_info = tbs.sequence("public key")?;
    let (kind, parameters) = algorithm(key_info.sequence("public key algorithm")?)?;
    let key = key_info.bit_string("public key")?;
    if kind != ED25519 {
        return Err(CertificateError::NotEd25519);
    }
    if !parameters.0.is_empty() {
        return Err(CertificateError::Malformed("Ed25519 key with parameters"));
    }
    let key: [u8; 32] = key.try_into().map_err(|_| CertificateError::KeyLength { got: key.len() })?;

    if version > 1 {
        tbs.optional(primitive_context(1), "issuer id")?;
        tbs.optional(primitive_context(2), "subject id")?;
        if version == 3
            && let Some(mut explicit) = tbs.optional(context(3), "extensions")?
        {
            extensions(explicit.sequence("extensions")?)?;
        }
    }

    certificate.sequence("outer signature algorithm")?;
    certificate.bit_string("signature")?;
    Ok(PeerId(key))
}

/// An algorithm's identifier, and its parameters as they stand.
fn algorithm(mut der: Der<'_>) -> Result<(&[u8], Der<'_>), CertificateError> {
    let identifier = der.element(OBJECT_IDENTIFIER, "algorithm")?.0;
    let parameters = der.clone();
    if !der.0.is_empty() {
        der.any("algorithm parameters")?;
    }
    Ok((identifier, parameters))
}

/// A name is a sequence of sets of (type, value).
fn name(mut der: Der<'_>) -> Result<(), CertificateError> {
    while !der.0.is_empty() {
        let mut set = der.element(SET, "name")?;
        while !set.0.is_empty() {
            let mut attribute = set.sequence("name")?;
            attribute.element(OBJECT_IDENTIFIER, "name")?;
            attribute.any("name")?;
        }
    }
    Ok(())
}

fn extensions(mut der: Der<'_>) -> Result<(), CertificateError> {
    let mut seen = BTreeSet::new();
    while !der.0.is_empty() {
        let mut extension = der.sequence("extension")?;
        let identifier = extension.element(OBJECT_IDENTIFIER, "extension")?.0;
        if let Some(critical) = extension.optional(BOOLEAN, "extension")?
            && !matches!(critical.0, [0x00 | 0xff])
        {
            return Err(CertificateError::Malformed("extension"));
        }
        extension.element(OCTET_STRING, "extension")?;
        if !seen.insert(identifier) {
            return Err(CertificateError::Malformed("an extension twice"));
        }
    }
    Ok(())
}

/// A UTCTime or GeneralizedTime that names a moment.
fn time(der: &mut Der<'_>) -> Result<(), CertificateError> {
    let malformed = CertificateError::Malformed("time");
    let (tag, content) = der.any("time")?;
    let (year_digits, seconds_optional) = match tag {
        UTC_TIME => (2, true),
        GENERALIZED_TIME => (4, false),
        _ => return Err(malformed),
    };
    let digits = content.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (moment, zone) = content.0.split_at(digits);
    let zone_valid = match zone {
        b"Z" => true,
        [b'+' | b'-', offset @ ..] => {
            // An offset of zero is written Z.
            offset.len() == 4
                && offset.iter().all(u8::is_ascii_digit)
                && two(offset, 0) < 24
                && two(offset, 2) < 60
                && offset != b"0000"
        }
        _ => false,
    };
    let with_seconds = digits == year_digits + 10;
    if !zone_valid || !(with_seconds || seconds_optional && digits == year_digits + 8) {
        return Err(malformed);
    }
    let year = match year_digits {
        2 if two(moment, 0) < 50 => 2000 + two(moment, 0),
        2 => 1900 + two(moment, 0),
        _ => 100 * two(moment, 0) + two(moment, 2),
    };
    let [month, day, hour, minute] = core::array::from_fn(|i| two(moment, year_digits + 2 * i));
    let second = if with_seconds { two(moment, year_digits + 8) } else { 0 };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return Err(malformed),
    };
    if (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60 { Ok(()) } else { Err(malformed) }
}

/// Two decimal digits.
fn two(digits: &[u8], at: usize) -> u32 {
    u32::from(digits[at] - b'0') * 10 + u32::from(digits[at + 1] - b'0')
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

const fn context(number: u8) -> u8 {
    0xa0 | number
}

const fn primitive_context(number: u8) -> u8 {
    0x80 | number
}

/// What is left of a DER value's content. Strict: one encoding for everything.
#[derive(Clone)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element, whatever it is.
    fn any(&mut self, what: &'static str) -> Result<(u8, Der<'a>), CertificateError> {
        self.next().ok_or(CertificateError::Malformed(what))
    }

    fn next(&mut self) -> Option<(u8, Der<'a>)> {
        let (&tag, rest) = self.0.split_first()?;
        // Tags of several bytes have no use here.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = bytes.iter().fold(0, |length: usize, byte| length << 8 | usize::from(*byte));
                // The shortest form only.
                if bytes[0] == 0 || length < 0x80 {
                    return None;
                }
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, Der(content)))
    }

    fn element(&mut self, wanted: u8, what: &'static str) -> Result<Der<'a>, CertificateError> {
        match self.any(what)? {
            (tag, content) if tag == wanted => Ok(content),
            _ => Err(CertificateError::Malformed(what)),
        }
    }

    fn sequence(&mut self, what: &'static str) -> Result<Der<'a>, CertificateError> {
        self.element(SEQUENCE, what)
    }

    fn optional(&mut self, wanted: u8, what: &'static str) -> Result<Option<Der<'a>>, CertificateError> {
        if self.0.first() == Some(&wanted) { self.element(wanted, what).map(Some) } else { Ok(None) }
    }

    /// An integer's bytes, at least one, without needless ones.
    fn integer(&mut self, what: &'static str) -> Result<&'a [u8], CertificateError> {
        match self.element(INTEGER, what)?.0 {
            [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(CertificateError::Malformed(what)),
            bytes => Ok(bytes),
        }
    }

    /// A bit string of whole bytes.
    fn bit_string(&mut self, what: &'static str) -> Result<&'a [u8], CertificateError> {
        match self.element(BIT_STRING, what)?.0 {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(CertificateError::Malformed(what)),
        }
    }

    fn end(&self, what: &'static str) -> Result<(), CertificateError> {
        if self.0.is_empty() { Ok(()) } else { Err(CertificateError::Malformed(what)) }
    }
}

/// Why a certificate does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("a chain of {got} certificates, wanted one")]
    Chain { got: usize },
    #[error("malformed certificate: {0}")]
    Malformed(&'static str),
    #[error("the certificate's key is not Ed25519")]
    NotEd25519,
    #[error("an Ed25519 key of {got} bytes, wanted 32")]
    KeyLength { got: usize },
    #[error("the certificate is of {got}, wanted {wanted}")]
    Key { got: PeerId, wanted: PeerId },
}
