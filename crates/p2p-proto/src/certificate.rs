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
        Some(mut explicit) => {
            let version = explicit.integer("version")?;
            explicit.end("version")?;
            match version {
                [version @ 0..=2] => version + 1,
                _ => return Err(CertificateError::Malformed("version")),
            }
        }
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
    let (key, unused_bits) = key_info.bit_string("public key")?;
    if kind != ED25519 {
        return Err(CertificateError::NotEd25519);
    }
    if !parameters.0.is_empty() {
        return Err(CertificateError::Malformed("Ed25519 key with parameters"));
    }
    let key: [u8; 32] = key.try_into().map_err(|_| CertificateError::KeyLength { got: key.len() })?;
    // The last bit is the last of the key: unused ones stand before the first.
    let key = core::array::from_fn(|i| {
        let before = if i == 0 { 0 } else { key[i - 1] };
        (u16::from_be_bytes([before, key[i]]) >> unused_bits) as u8
    });

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
    let identifier = der.identifier("algorithm")?;
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
            attribute.identifier("name")?;
            let (tag, value) = attribute.any("name")?;
            if !is_text(tag, value.0) {
                return Err(CertificateError::Malformed("name"));
            }
        }
    }
    Ok(())
}

/// Whether these are characters of the kind of text that the tag says.
fn is_text(tag: u8, value: &[u8]) -> bool {
    match tag {
        UTF8_STRING => core::str::from_utf8(value).is_ok(),
        NUMERIC_STRING => value.iter().all(|byte| byte.is_ascii_digit() || *byte == b' '),
        // With `*` and `&`, which should not be there but often are.
        PRINTABLE_STRING => value.iter().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(byte)),
        T61_STRING => true,
        IA5_STRING => value.is_ascii(),
        // One may end it.
        BMP_STRING => {
            let value = value.strip_suffix(&[0, 0]).unwrap_or(value);
            value.len().is_multiple_of(2)
                && value.chunks(2).all(|unit| {
                    !matches!(u16::from_be_bytes([unit[0], unit[1]]), 0xd800..=0xdfff | 0xfdd0..=0xfdef | 0xfffe..)
                })
        }
        _ => false,
    }
}

fn extensions(mut der: Der<'_>) -> Result<(), CertificateError> {
    let mut seen = BTreeSet::new();
    while !der.0.is_empty() {
        let mut extension = der.sequence("extension")?;
        let identifier = extension.identifier("extension")?;
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
            // An offset of zero is written Z. One of a whole day is let pass.
            offset.len() == 4
                && offset.iter().all(u8::is_ascii_digit)
                && two(offset, 0) <= 24
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
const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const T61_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const BMP_STRING: u8 = 0x1e;
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

    /// A bit string: its bytes, and how many bits at their end are none of it. Those must be zero.
    fn bit_string(&mut self, what: &'static str) -> Result<(&'a [u8], u8), CertificateError> {
        match self.element(BIT_STRING, what)?.0 {
            [0] => Ok((&[], 0)),
            [unused @ 0..=7, bytes @ ..] if bytes.last().is_some_and(|last| last & ((1 << unused) - 1) == 0) => {
                Ok((bytes, *unused))
            }
            _ => Err(CertificateError::Malformed(what)),
        }
    }

    /// An object identifier, as it stands: at least one number, each below 2³¹ and in the fewest bytes.
    fn identifier(&mut self, what: &'static str) -> Result<&'a [u8], CertificateError> {
        let identifier = self.element(OBJECT_IDENTIFIER, what)?.0;
        let numbers = identifier.split_inclusive(|byte| byte & 0x80 == 0);
        let is_number = |number: &[u8]| match number {
            [0x80, ..] => false,
            [first, _, _, _, _] => *first < 0x88,
            _ => number.len() < 5,
        };
        let is_whole = identifier.last().is_some_and(|last| last & 0x80 == 0);
        if is_whole && numbers.into_iter().all(is_number) {
            Ok(identifier)
        } else {
            Err(CertificateError::Malformed(what))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let long = if length < 0x80 { Vec::from([length as u8]) } else { Vec::from([0x81, length as u8]) };
        [&[tag][..], &long, content].concat()
    }

    /// The parts that a test changes; the rest is as it must be.
    struct Parts {
        version: Vec<u8>,
        issuer: Vec<u8>,
        algorithm: Vec<u8>,
        key: Vec<u8>,
        signature: Vec<u8>,
        time: Vec<u8>,
    }

    fn parts() -> Parts {
        Parts {
            version: Vec::from([0x02, 0x01, 0x02]),
            issuer: Vec::new(),
            algorithm: Vec::from([0x2b, 0x65, 0x70]),
            key: [&[0][..], &[7; 32]].concat(),
            signature: Vec::from([0, 1]),
            time: der(UTC_TIME, b"200101000000Z"),
        }
    }

    fn read(parts: &Parts) -> Result<PeerId, CertificateError> {
        let algorithm = der(SEQUENCE, &der(OBJECT_IDENTIFIER, &parts.algorithm));
        let key_algorithm = der(SEQUENCE, &der(OBJECT_IDENTIFIER, ED25519));
        let tbs = [
            der(context(0), &parts.version),
            der(INTEGER, &[0]),
            algorithm.clone(),
            der(SEQUENCE, &parts.issuer),
            der(SEQUENCE, &parts.time.repeat(2)),
            der(SEQUENCE, &[]),
            der(SEQUENCE, &[key_algorithm, der(BIT_STRING, &parts.key)].concat()),
        ];
        let all = [der(SEQUENCE, &tbs.concat()), algorithm, der(BIT_STRING, &parts.signature)];
        key(&der(SEQUENCE, &all.concat()))
    }

    #[test]
    fn unused_bits_of_a_bit_string_must_be_zero_and_move_the_key() {
        assert_eq!(read(&parts()), Ok(PeerId([7; 32])));
        assert_eq!(read(&Parts { signature: Vec::from([4, 0xf0]), ..parts() }), Ok(PeerId([7; 32])));
        assert!(read(&Parts { signature: Vec::from([4, 0xf8]), ..parts() }).is_err());
        assert!(read(&Parts { signature: Vec::from([8, 0]), ..parts() }).is_err());
        assert!(read(&Parts { signature: Vec::from([1]), ..parts() }).is_err());
        assert_eq!(read(&Parts { signature: Vec::from([0]), ..parts() }), Ok(PeerId([7; 32])));
        let shifted = [&[1][..], &[0xfe; 32]].concat();
        let mut wanted = [0x7f; 32];
        wanted[1..].fill(0x7f);
        assert_eq!(read(&Parts { key: shifted, ..parts() }), Ok(PeerId(wanted)));
    }

    #[test]
    fn identifiers_are_numbers_below_2_31_in_the_fewest_bytes() {
        let reads = |identifier: &[u8]| read(&Parts { algorithm: identifier.to_vec(), ..parts() }).is_ok();
        assert!(reads(&[0x2b, 0x87, 0xff, 0xff, 0xff, 0x7f]) && reads(&[0xff, 0x7f]));
        for wrong in [&[][..], &[0x2b, 0x81], &[0x2b, 0x80, 0x01], &[0x2b, 0x88, 0x80, 0x80, 0x80, 0x00]] {
            assert!(!reads(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_is_text_of_the_kind_that_its_tag_says() {
        let reads = |tag: u8, text: &[u8]| {
            let attribute = [der(OBJECT_IDENTIFIER, &[0x55, 0x04, 0x03]), der(tag, text)].concat();
            read(&Parts { issuer: der(SET, &der(SEQUENCE, &attribute)), ..parts() }).is_ok()
        };
        assert!(reads(UTF8_STRING, "\u{e9}".as_bytes()) && !reads(UTF8_STRING, &[0xff]));
        assert!(reads(PRINTABLE_STRING, b"a*&") && !reads(PRINTABLE_STRING, b"a@"));
        assert!(reads(NUMERIC_STRING, b"1 2") && !reads(NUMERIC_STRING, b"a"));
        assert!(reads(IA5_STRING, b"a@b") && !reads(IA5_STRING, &[0x80]));
        assert!(reads(T61_STRING, &[0xff]));
        assert!(reads(BMP_STRING, &[0, 0x61, 0, 0]) && !reads(BMP_STRING, &[0]) && !reads(BMP_STRING, &[0xd8, 0]));
        assert!(!reads(INTEGER, &[1]));
    }

    #[test]
    fn an_offset_from_utc_is_a_day_at_most_and_not_zero() {
        let reads = |offset: &str| {
            let time = der(UTC_TIME, &[b"0001262304", offset.as_bytes()].concat());
            read(&Parts { time, ..parts() }).is_ok()
        };
        assert!(["Z", "+0100", "-2359", "+2400", "-2459"].into_iter().all(reads));
        assert!(!["", "z", "+0000", "-0000", "+2500", "+0060", "+01", "+01000"].into_iter().any(reads));
    }

    #[test]
    fn nothing_stands_behind_the_version() {
        assert!(read(&Parts { version: Vec::from([0x02, 0x01, 0x02, 0x05, 0x00]), ..parts() }).is_err());
    }
}
