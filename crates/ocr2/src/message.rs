//! What oracles say to each other: seven kinds of message, and their bytes (OCR2 spec 4.1 to 4.3).
//!
//! Decoded is exactly what protobuf-go decodes, with its truncations and merges; the byte strings of a message are slices
//! of the frame it came in. Nothing but the transport says whom a message is from.

use alloc::{collections::VecDeque, sync::Arc, vec::Vec};

use bytes::Bytes;
use ocr::limits::ORACLES_MAX;
use protobuf::{Malformed, Reader, Value, Writer};

use crate::{
    limits::ECHO_FRAMES_KEPT,
    round_id::{Epoch, Round, RoundId},
    transport::PluginLimits,
};

/// One message. What is large and kept is shared, so that keeping or passing it on copies nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// I want this epoch. To all.
    NewEpoch(Epoch),
    /// A leader asks for observations. To all.
    ObserveReq(ObserveReq),
    /// An observation, signed. To the leader.
    Observe(Observe),
    /// A leader asks for reports made from these observations. To all.
    ReportReq(Arc<ReportReq>),
    /// A report, signed, or the decision to make none. To the leader.
    Report(Report),
    /// A report with a quorum of signatures. From the leader to all.
    Final(Arc<Final>),
    /// The same from anyone to all.
    FinalEcho(Arc<Final>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObserveReq {
    pub at: RoundId,
    pub query: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observe {
    pub at: RoundId,
    pub signed: SignedObservation,
}

/// The signature is over [`crate::signing::observation_digest`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedObservation {
    pub observation: Bytes,
    pub signature: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportReq {
    pub at: RoundId,
    pub query: Bytes,
    pub observations: Vec<AttributedObservation>,
}

/// A signed observation and whose it is said to be: the number of an oracle, or of nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributedObservation {
    pub signed: SignedObservation,
    pub observer: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub at: RoundId,
    /// With `skip`, report and signature must be empty; it is signed otherwise.
    pub skip: bool,
    pub report: Bytes,
    /// Over [`crate::signing::ReportContext::report_digest`].
    pub signature: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Final {
    pub at: RoundId,
    /// What the signatures bind the report to: [`crate::signing::extra_hash`] of the round, as far as they verify over it.
    pub extra_hash: [u8; 32],
    pub report: Bytes,
    pub signatures: Vec<AttributedSignature>,
}

/// A signature and whose it is said to be: the number of an oracle, or of nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributedSignature {
    pub signature: Bytes,
    pub signer: u8,
}

impl Message {
    /// Decodes a payload by the rules of protobuf-go (OCR2 spec 4.2). Lengths are judged by [`Message::check_size`].
    pub fn decode(frame: &Bytes) -> Result<Self, DecodeError> {
        let mut wrapper = RawMessage::None;
        wrapper.merge(frame)?;
        let message = wrapper.finish(frame)?;
        // A frame that is mostly what nobody reads would be kept alive by a few bytes of it, past every bound on what is
        // kept. An encoding of ours is never so much longer than the hint, so this happens once.
        if frame.len() > 2 * message.size_hint() { Self::decode(&message.encode().into()) } else { Ok(message) }
    }

    /// Encodes as the reference does: ascending fields, defaults left out.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size_hint());
        let out = &mut Writer::new(&mut bytes);
        match self {
            Self::NewEpoch(epoch) => out.message(2, |out| out.varint(1, epoch.0.into())),
            Self::ObserveReq(m) => out.message(3, |out| {
                write_at(out, m.at);
                out.bytes(3, &m.query);
            }),
            Self::Observe(m) => out.message(4, |out| {
                write_at(out, m.at);
                out.message(3, |out| m.signed.write(out));
            }),
            Self::ReportReq(m) => out.message(5, |out| {
                write_at(out, m.at);
                out.bytes(3, &m.query);
                for entry in &m.observations {
                    out.message(4, |out| {
                        out.message(1, |out| entry.signed.write(out));
                        out.varint(2, entry.observer.into());
                    });
                }
            }),
            Self::Report(m) => out.message(6, |out| {
                write_at(out, m.at);
                out.message(3, |out| {
                    out.varint(3, m.skip.into());
                    out.bytes(4, &m.report);
                    out.bytes(5, &m.signature);
                });
            }),
            Self::Final(m) => out.message(7, |out| m.write(out)),
            Self::FinalEcho(m) => out.message(8, |out| out.message(1, |out| m.write(out))),
        }
        bytes
    }

    /// Bytes of an encoding, or a little more: saves growing the buffer.
    fn size_hint(&self) -> usize {
        const FRAMING: usize = 32;
        FRAMING
            + match self {
                Self::NewEpoch(_) => 0,
                Self::ObserveReq(m) => m.query.len(),
                Self::Observe(m) => m.signed.observation.len() + m.signed.signature.len(),
                Self::ReportReq(m) => {
                    let entry = |entry: &AttributedObservation| {
                        FRAMING + entry.signed.observation.len() + entry.signed.signature.len()
                    };
                    m.query.len() + m.observations.iter().map(entry).sum::<usize>()
                }
                Self::Report(m) => m.report.len() + m.signature.len(),
                Self::Final(m) | Self::FinalEcho(m) => {
                    let entry = |entry: &AttributedSignature| FRAMING + entry.signature.len();
                    FRAMING + m.report.len() + m.signatures.iter().map(entry).sum::<usize>()
                }
            }
    }

    /// Judges lengths and counts by the plugin's limits (OCR2 spec 4.3): what fails is neither sent nor taken.
    pub fn check_size(&self, limits: &PluginLimits) -> Result<(), TooLarge> {
        match self {
            Self::NewEpoch(_) => Ok(()),
            Self::ObserveReq(m) => query_fits(&m.query, limits),
            Self::Observe(m) => observation_fits(&m.signed.observation, limits),
            Self::ReportReq(m) => {
                query_fits(&m.query, limits)?;
                fits("observations", m.observations.len(), ORACLES_MAX)?;
                m.observations.iter().try_for_each(|entry| observation_fits(&entry.signed.observation, limits))
            }
            Self::Report(m) => report_fits(&m.report, limits),
            Self::Final(m) | Self::FinalEcho(m) => {
                fits("signatures", m.signatures.len(), ORACLES_MAX)?;
                report_fits(&m.report, limits)
            }
        }
    }

    /// The round a message is about; `None` for NewEpoch.
    pub fn at(&self) -> Option<RoundId> {
        match self {
            Self::NewEpoch(_) => None,
            Self::ObserveReq(m) => Some(m.at),
            Self::Observe(m) => Some(m.at),
            Self::ReportReq(m) => Some(m.at),
            Self::Report(m) => Some(m.at),
            Self::Final(m) | Self::FinalEcho(m) => Some(m.at),
        }
    }

    /// Which of the seven it is.
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::NewEpoch(_) => MessageKind::NewEpoch,
            Self::ObserveReq(_) => MessageKind::ObserveReq,
            Self::Observe(_) => MessageKind::Observe,
            Self::ReportReq(_) => MessageKind::ReportReq,
            Self::Report(_) => MessageKind::Report,
            Self::Final(_) => MessageKind::Final,
            Self::FinalEcho(_) => MessageKind::FinalEcho,
        }
    }

    /// Bytes of payload it keeps alive, framing left aside.
    pub(crate) fn bytes_kept(&self) -> usize {
        self.size_hint()
    }
}

/// Decodes what peers send, and knows again what it has decoded just now: the FinalEchoes of a round are the same bytes from
/// everyone.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    echoes: VecDeque<(Bytes, Arc<Message>)>,
}

impl Decoder {
    /// What [`Message::decode`] gives.
    pub fn decode(&mut self, frame: &Bytes) -> Result<Arc<Message>, DecodeError> {
        if let Some((_, message)) = self.echoes.iter().find(|(known, _)| known == frame) {
            return Ok(message.clone());
        }
        let message = Arc::new(Message::decode(frame)?);
        if let Message::FinalEcho(_) = *message {
            if self.echoes.len() == ECHO_FRAMES_KEPT {
                self.echoes.pop_front();
            }
            self.echoes.push_back((frame.clone(), message.clone()));
        }
        Ok(message)
    }
}

/// A query fits a message.
pub(crate) fn query_fits(query: &[u8], limits: &PluginLimits) -> Result<(), TooLarge> {
    fits("bytes in the query", query.len(), limits.query_bytes_max as usize)
}

/// An observation fits a message.
pub(crate) fn observation_fits(observation: &[u8], limits: &PluginLimits) -> Result<(), TooLarge> {
    fits("bytes in the observation", observation.len(), limits.observation_bytes_max as usize)
}

/// A report fits a message.
pub(crate) fn report_fits(report: &[u8], limits: &PluginLimits) -> Result<(), TooLarge> {
    fits("bytes in the report", report.len(), limits.report_bytes_max as usize)
}

fn fits(what: &'static str, got: usize, allowed: usize) -> Result<(), TooLarge> {
    if got <= allowed { Ok(()) } else { Err(TooLarge { what, got, allowed }) }
}

/// The seven kinds of message by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    NewEpoch,
    ObserveReq,
    Observe,
    ReportReq,
    Report,
    Final,
    FinalEcho,
}

fn write_at(out: &mut Writer<'_>, at: RoundId) {
    out.varint(1, at.epoch.0.into());
    out.varint(2, at.round.0.into());
}

impl SignedObservation {
    fn write(&self, out: &mut Writer<'_>) {
        out.bytes(1, &self.observation);
        out.bytes(2, &self.signature);
    }
}

impl Final {
    fn write(&self, out: &mut Writer<'_>) {
        write_at(out, self.at);
        out.bytes(4, &self.extra_hash);
        out.message(5, |out| {
            out.bytes(3, &self.report);
            for entry in &self.signatures {
                out.message(4, |out| {
                    out.bytes(1, &entry.signature);
                    out.varint(2, entry.signer.into());
                });
            }
        });
    }
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("{0}")]
    Malformed(Malformed),
    #[error("none of the seven kinds of message")]
    NoMessage,
    #[error("{kind:?} without {what}")]
    Missing { kind: MessageKind, what: &'static str },
    #[error("{kind:?} with an h of {got} bytes, wanted 32")]
    ExtraHash { kind: MessageKind, got: usize },
}

impl From<Malformed> for DecodeError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// A length or count above what the plugin's limits allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{got} {what}, allowed are {allowed}")]
pub struct TooLarge {
    pub what: &'static str,
    pub got: usize,
    pub allowed: usize,
}

/// A message as far as its fields have been read: the last of a scalar, all of a list, messages merged. What has another
/// wire type than declared is unknown and skipped.
trait Merge<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed>;

    fn merge(&mut self, bytes: &'a [u8]) -> Result<(), Malformed> {
        Reader::new(bytes).try_for_each(|field| field.and_then(|(number, value)| self.field(number, value)))
    }
}

/// Merges into what is there, or into a new one.
fn merge_into<'a, T: Merge<'a> + Default>(slot: &mut Option<T>, bytes: &'a [u8]) -> Result<(), Malformed> {
    slot.get_or_insert_default().merge(bytes)
}

/// The oneof: a kind other than the one at hand begins anew, the same is merged.
enum RawMessage<'a> {
    None,
    NewEpoch(RawAt),
    ObserveReq(RawObserveReq<'a>),
    Observe(RawObserve<'a>),
    ReportReq(RawReportReq<'a>),
    Report(RawReport<'a>),
    Final(RawFinal<'a>),
    FinalEcho(RawFinalEcho<'a>),
}

impl<'a> Merge<'a> for RawMessage<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        let Value::Bytes(bytes) = value else { return Ok(()) };
        macro_rules! one_of {
            ($($number:literal => $kind:ident($raw:ty),)*) => {
                match number {
                    $($number => {
                        if !matches!(self, Self::$kind(_)) {
                            *self = Self::$kind(<$raw>::default());
                        }
                        let Self::$kind(raw) = self else { return Ok(()) };
                        raw.merge(bytes)
                    })*
                    _ => Ok(()),
                }
            };
        }
        one_of! {
            2 => NewEpoch(RawAt),
            3 => ObserveReq(RawObserveReq<'a>),
            4 => Observe(RawObserve<'a>),
            5 => ReportReq(RawReportReq<'a>),
            6 => Report(RawReport<'a>),
            7 => Final(RawFinal<'a>),
            8 => FinalEcho(RawFinalEcho<'a>),
        }
    }
}

impl RawMessage<'_> {
    fn finish(self, frame: &Bytes) -> Result<Message, DecodeError> {
        let missing = |kind, what| DecodeError::Missing { kind, what };
        Ok(match self {
            Self::None => return Err(DecodeError::NoMessage),
            Self::NewEpoch(raw) => Message::NewEpoch(raw.at.epoch),
            Self::ObserveReq(raw) => {
                Message::ObserveReq(ObserveReq { at: raw.at.at, query: frame.slice_ref(raw.query) })
            }
            Self::Observe(raw) => {
                let signed = raw.signed.ok_or(missing(MessageKind::Observe, "a signed observation"))?.finish(frame);
                Message::Observe(Observe { at: raw.at.at, signed })
            }
            Self::ReportReq(raw) => {
                let observation = |raw: RawAttributed<'_>| {
                    let signed = raw.signed.ok_or(missing(MessageKind::ReportReq, "a signed observation"))?;
                    Ok(AttributedObservation { signed: signed.finish(frame), observer: raw.observer })
                };
                Message::ReportReq(Arc::new(ReportReq {
                    at: raw.at.at,
                    query: frame.slice_ref(raw.query),
                    observations: raw.observations.into_iter().map(observation).collect::<Result<_, DecodeError>>()?,
                }))
            }
            Self::Report(raw) => {
                let one = raw.attested.ok_or(missing(MessageKind::Report, "an attested report"))?;
                Message::Report(Report {
                    at: raw.at.at,
                    skip: one.skip,
                    report: frame.slice_ref(one.report),
                    signature: frame.slice_ref(one.signature),
                })
            }
            Self::Final(raw) => Message::Final(raw.finish(frame, MessageKind::Final)?),
            Self::FinalEcho(raw) => {
                let last = raw.last.ok_or(missing(MessageKind::FinalEcho, "a final"))?;
                Message::FinalEcho(last.finish(frame, MessageKind::FinalEcho)?)
            }
        })
    }
}

/// Fields 1 and 2 of all kinds. An epoch keeps its low 32 bits, a round its low 8.
#[derive(Default)]
struct RawAt {
    at: RoundId,
}

impl Merge<'_> for RawAt {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Malformed> {
        match (number, value) {
            (1, Value::Varint(epoch)) => self.at.epoch = Epoch(epoch as u32),
            (2, Value::Varint(round)) => self.at.round = Round(round as u8),
            _ => {}
        }
        Ok(())
    }
}

#[derive(Default)]
struct RawObserveReq<'a> {
    at: RawAt,
    query: &'a [u8],
}

impl<'a> Merge<'a> for RawObserveReq<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (3, Value::Bytes(query)) => self.query = query,
            _ => self.at.field(number, value)?,
        }
        Ok(())
    }
}

#[derive(Default)]
struct RawReportReq<'a> {
    at: RawAt,
    query: &'a [u8],
    observations: Vec<RawAttributed<'a>>,
}

impl<'a> Merge<'a> for RawReportReq<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (3, Value::Bytes(query)) => self.query = query,
            (4, Value::Bytes(bytes)) => {
                let mut entry = RawAttributed::default();
                entry.merge(bytes)?;
                self.observations.push(entry);
            }
            _ => self.at.field(number, value)?,
        }
        Ok(())
    }
}

#[derive(Default)]
struct RawObserve<'a> {
    at: RawAt,
    signed: Option<RawSigned<'a>>,
}

impl<'a> Merge<'a> for RawObserve<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (3, Value::Bytes(bytes)) => merge_into(&mut self.signed, bytes),
            _ => self.at.field(number, value),
        }
    }
}

#[derive(Default)]
struct RawSigned<'a> {
    observation: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Merge<'a> for RawSigned<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (1, Value::Bytes(observation)) => self.observation = observation,
            (2, Value::Bytes(signature)) => self.signature = signature,
            _ => {}
        }
        Ok(())
    }
}

impl RawSigned<'_> {
    fn finish(self, frame: &Bytes) -> SignedObservation {
        SignedObservation { observation: frame.slice_ref(self.observation), signature: frame.slice_ref(self.signature) }
    }
}

#[derive(Default)]
struct RawAttributed<'a> {
    signed: Option<RawSigned<'a>>,
    observer: u8,
}

impl<'a> Merge<'a> for RawAttributed<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (1, Value::Bytes(bytes)) => return merge_into(&mut self.signed, bytes),
            (2, Value::Varint(observer)) => self.observer = observer as u8,
            _ => {}
        }
        Ok(())
    }
}

#[derive(Default)]
struct RawReport<'a> {
    at: RawAt,
    attested: Option<RawOne<'a>>,
}

impl<'a> Merge<'a> for RawReport<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (3, Value::Bytes(bytes)) => merge_into(&mut self.attested, bytes),
            _ => self.at.field(number, value),
        }
    }
}

#[derive(Default)]
struct RawOne<'a> {
    skip: bool,
    report: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Merge<'a> for RawOne<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (3, Value::Varint(skip)) => self.skip = skip != 0,
            (4, Value::Bytes(report)) => self.report = report,
            (5, Value::Bytes(signature)) => self.signature = signature,
            _ => {}
        }
        Ok(())
    }
}

#[derive(Default)]
struct RawFinal<'a> {
    at: RawAt,
    extra_hash: &'a [u8],
    attested: Option<RawMany<'a>>,
}

impl<'a> Merge<'a> for RawFinal<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (4, Value::Bytes(extra_hash)) => self.extra_hash = extra_hash,
            (5, Value::Bytes(bytes)) => return merge_into(&mut self.attested, bytes),
            _ => self.at.field(number, value)?,
        }
        Ok(())
    }
}

impl RawFinal<'_> {
    fn finish(self, frame: &Bytes, kind: MessageKind) -> Result<Arc<Final>, DecodeError> {
        let many = self.attested.ok_or(DecodeError::Missing { kind, what: "an attested report" })?;
        let got = self.extra_hash.len();
        Ok(Arc::new(Final {
            at: self.at.at,
            extra_hash: self.extra_hash.try_into().map_err(|_| DecodeError::ExtraHash { kind, got })?,
            report: frame.slice_ref(many.report),
            signatures: (many.signatures.into_iter())
                .map(|raw| AttributedSignature { signature: frame.slice_ref(raw.signature), signer: raw.signer })
                .collect(),
        }))
    }
}

#[derive(Default)]
struct RawFinalEcho<'a> {
    last: Option<RawFinal<'a>>,
}

impl<'a> Merge<'a> for RawFinalEcho<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (1, Value::Bytes(bytes)) => merge_into(&mut self.last, bytes),
            _ => Ok(()),
        }
    }
}

#[derive(Default)]
struct RawMany<'a> {
    report: &'a [u8],
    signatures: Vec<RawSignature<'a>>,
}

impl<'a> Merge<'a> for RawMany<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (3, Value::Bytes(report)) => self.report = report,
            (4, Value::Bytes(bytes)) => {
                let mut entry = RawSignature::default();
                entry.merge(bytes)?;
                self.signatures.push(entry);
            }
            _ => {}
        }
        Ok(())
    }
}

#[derive(Default)]
struct RawSignature<'a> {
    signature: &'a [u8],
    signer: u8,
}

impl<'a> Merge<'a> for RawSignature<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match (number, value) {
            (1, Value::Bytes(signature)) => self.signature = signature,
            (2, Value::Varint(signer)) => self.signer = signer as u8,
            _ => {}
        }
        Ok(())
    }
}
