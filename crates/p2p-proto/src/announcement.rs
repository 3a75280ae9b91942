//! Announcements: a peer's signed word on where it listens, and the messages that carry them.

use crate::address::{AddressError, announced};
use crate::limits::{ADDRESSES_MAX, ORACLES_MAX};
use crate::{Keyring, PeerId};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use crypto::domain;
use protobuf::{Malformed, Reader, Value, Writer};

/// A well-formed announcement. Whether its signature is right, [`Announcement::verify`] says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announcement {
    pub peer: PeerId,
    /// Literal `ip:port` texts, 1 to 10, in the order in which they should be tried.
    pub addresses: Vec<String>,
    /// The announcement with the highest counter counts.
    pub counter: u64,
    /// Not empty; only 64 bytes can be right.
    pub signature: Vec<u8>,
}

impl Announcement {
    /// Signs that the holder of `keyring` listens at `addresses`.
    pub fn sign(keyring: &dyn Keyring, addresses: Vec<String>, counter: u64) -> Result<Self, AnnouncementError> {
        check_addresses(&addresses)?;
        let signature = keyring.sign(&digest(&addresses, counter)).to_vec();
        Ok(Self { peer: keyring.peer_id(), addresses, counter, signature })
    }

    /// Whether the peer has signed this.
    pub fn verify(&self) -> bool {
        self.peer.public_key().verify(&self.digest(), &self.signature)
    }

    /// What is signed.
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.addresses, self.counter)
    }

    /// The form in which announcements are stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut Writer::new(&mut out));
        out
    }

    /// Reads that form.
    pub fn decode(bytes: &[u8]) -> Result<Self, AnnouncementError> {
        let mut fields = Fields::default();
        fields.merge(bytes)?;
        fields.check()
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.addresses.iter().for_each(|address| writer.bytes_always(1, address.as_bytes()));
        writer.varint(2, self.counter);
        writer.bytes(3, &self.peer.0);
        writer.bytes(4, &self.signature);
    }
}

fn digest(addresses: &[String], counter: u64) -> [u8; 32] {
    let mut hash = crypto::Sha256::new().chain(domain::PEER_ANNOUNCEMENT);
    hash.update(&(addresses.len() as u32).to_le_bytes());
    for address in addresses {
        hash.update(&(address.len() as u32).to_le_bytes());
        hash.update(address.as_bytes());
    }
    hash.chain(&counter.to_le_bytes()).finish()
}

fn check_addresses(addresses: &[String]) -> Result<(), AnnouncementError> {
    if !(1..=ADDRESSES_MAX).contains(&addresses.len()) {
        return Err(AnnouncementError::Addresses { got: addresses.len() });
    }
    for address in addresses {
        announced(address)?;
    }
    Ok(())
}

/// An announcement as it came, field by field, well-formed or not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fields {
    pub addresses: Vec<Vec<u8>>,
    pub counter: u64,
    pub public_key: Vec<u8>,
    /// Empty: absent.
    pub signature: Vec<u8>,
}

impl Fields {
    /// Reads `bytes` into these fields, as protobuf merges: lists grow, the last scalar counts.
    fn merge(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        for field in Reader::new(bytes) {
            match field? {
                (1, Value::Bytes(address)) => self.addresses.push(address.to_vec()),
                (2, Value::Varint(counter)) => self.counter = counter,
                (3, Value::Bytes(key)) => self.public_key = key.to_vec(),
                (4, Value::Bytes(signature)) => self.signature = signature.to_vec(),
                // Unknown, or of another wire type than it should have, which is the same.
                (_, Value::Varint(_) | Value::Fixed64(_) | Value::Bytes(_) | Value::Group | Value::Fixed32(_)) => {}
            }
        }
        Ok(())
    }

    /// The announcement, if it is well-formed.
    pub fn check(&self) -> Result<Announcement, AnnouncementError> {
        let key: [u8; 32] = self
            .public_key
            .as_slice()
            .try_into()
            .map_err(|_| AnnouncementError::PublicKey { got: self.public_key.len() })?;
        if self.signature.is_empty() {
            return Err(AnnouncementError::Unsigned);
        }
        let text = |address: &Vec<u8>| {
            core::str::from_utf8(address).map(ToString::to_string).map_err(|_| AnnouncementError::NotText)
        };
        let addresses = self.addresses.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        check_addresses(&addresses)?;
        Ok(Announcement { peer: PeerId(key), addresses, counter: self.counter, signature: self.signature.clone() })
    }
}

/// Why an announcement is not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AnnouncementError {
    #[error("an announcement of {got} addresses, 1 to {ADDRESSES_MAX} are allowed")]
    Addresses { got: usize },
    #[error("an announced address is not text")]
    NotText,
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("a public key of {got} bytes, wanted 32")]
    PublicKey { got: usize },
    #[error("an announcement without a signature")]
    Unsigned,
    #[error("the announcement of {peer} has a wrong signature")]
    Signature { peer: PeerId },
    #[error("{peer} announces itself and is no oracle here")]
    Stranger { peer: PeerId },
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("a reconcile of {got} announcements, at most {ORACLES_MAX} are allowed")]
    TooMany { got: usize },
    #[error("a discovery message without content")]
    NoContent,
}

/// What a discovery stream carries: one message each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// The sender's own announcement has changed.
    Announcement(Fields),
    /// What the sender knows and the receiver may know.
    Reconcile(Vec<Fields>),
}

impl Message {
    /// Reads a message. Its announcements may be ill-formed.
    pub fn decode(bytes: &[u8]) -> Result<Self, AnnouncementError> {
        let mut message = None;
        for field in Reader::new(bytes) {
            match field? {
                (2, Value::Bytes(content)) => {
                    // The last variant counts; the same variant again is merged into the first.
                    let mut fields = match message.take() {
                        Some(Message::Announcement(fields)) => fields,
                        Some(Message::Reconcile(_)) | None => Fields::default(),
                    };
                    fields.merge(content)?;
                    message = Some(Message::Announcement(fields));
                }
                (3, Value::Bytes(content)) => {
                    let mut list = match message.take() {
                        Some(Message::Reconcile(list)) => list,
                        Some(Message::Announcement(_)) | None => Vec::new(),
                    };
                    for field in Reader::new(content) {
                        match field? {
                            (1, Value::Bytes(content)) => {
                                let mut fields = Fields::default();
                                fields.merge(content)?;
                                list.push(fields);
                            }
                            (
                                _,
                                Value::Varint(_)
                                | Value::Fixed64(_)
                                | Value::Bytes(_)
                                | Value::Group
                                | Value::Fixed32(_),
                            ) => {}
                        }
                    }
                    message = Some(Message::Reconcile(list));
                }
                (_, Value::Varint(_) | Value::Fixed64(_) | Value::Bytes(_) | Value::Group | Value::Fixed32(_)) => {}
            }
        }
        message.ok_or(AnnouncementError::NoContent)
    }

    /// The announcements, if all are well-formed: one that is not condemns the message.
    pub fn check(&self) -> Result<Vec<Announcement>, AnnouncementError> {
        match self {
            Message::Announcement(fields) => Ok(Vec::from([fields.check()?])),
            Message::Reconcile(list) if list.len() > ORACLES_MAX => Err(AnnouncementError::TooMany { got: list.len() }),
            Message::Reconcile(list) => list.iter().map(Fields::check).collect(),
        }
    }
}

/// The message that carries one announcement.
pub fn encode_announcement(announcement: &Announcement) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::new(&mut out).message(2, |message| announcement.write(message));
    out
}

/// The message that carries many.
pub fn encode_reconcile<'a>(announcements: impl IntoIterator<Item = &'a Announcement>) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::new(&mut out).message(3, |list| {
        announcements.into_iter().for_each(|announcement| list.message(1, |one| announcement.write(one)));
    });
    out
}
