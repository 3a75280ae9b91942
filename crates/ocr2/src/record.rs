//! What an oracle must not forget in a crash, and its byte form.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use bytes::Bytes;
use machine::{CorruptRecord, RecordReader, Wall, write_sized};
use ocr::{ConfigDigest, ContractConfig, limits::ORACLES_MAX};

use crate::{
    limits::CONFIGS_KEPT,
    message::{AttributedSignature, Final},
    round_id::{Epoch, RoundId},
};

/// One thing to remember. Received NewEpochs are not among them: DeltaResend restores them, and a liar could force writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The contract's configuration, and the digests of those before it whose records are kept, latest first.
    Config { current: Arc<ContractConfig>, former: Vec<ConfigDigest> },
    /// The epoch we are in and the highest that we have sent a NewEpoch for.
    Epoch { config_digest: ConfigDigest, epoch: Epoch, highest_sent: Epoch },
    /// The latest round that we began to lead or to observe in. After a restart nothing is said in it or before it.
    Entered { config_digest: ConfigDigest, at: RoundId },
    /// A report that we have to bring to the contract.
    Pending { config_digest: ConfigDigest, transmission: PendingTransmission },
    /// What this key held is of no use any more.
    Erased(RecordKey),
}

/// A report, and when it is our turn to bring it to the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingTransmission {
    pub due: Wall,
    pub report: Arc<Final>,
}

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKey {
    Config,
    Epoch(ConfigDigest),
    Entered(ConfigDigest),
    Pending(ConfigDigest, RoundId),
}

/// All that is remembered of one configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    pub epoch: Epoch,
    pub highest_sent: Epoch,
    /// The highest epoch that each oracle is known to have sent a NewEpoch for. Empty after a restart.
    pub received: Vec<Epoch>,
    pub entered: RoundId,
    pub pending: BTreeMap<RoundId, PendingTransmission>,
}

/// Of a configuration that was never run.
impl Default for Memory {
    fn default() -> Self {
        Self {
            epoch: Epoch::FIRST,
            highest_sent: Epoch(0),
            received: Vec::new(),
            entered: RoundId::default(),
            pending: BTreeMap::new(),
        }
    }
}

impl Memory {
    /// Every key under which something of it may be stored.
    pub fn keys(&self, config_digest: ConfigDigest) -> impl Iterator<Item = RecordKey> {
        [RecordKey::Epoch(config_digest), RecordKey::Entered(config_digest)]
            .into_iter()
            .chain(self.pending.keys().map(move |at| RecordKey::Pending(config_digest, *at)))
    }
}

const CONFIG: u8 = 1;
const EPOCH: u8 = 2;
const ENTERED: u8 = 3;
const PENDING: u8 = 4;
const ERASED: u8 = 5;

impl machine::Record for Record {
    type Key = RecordKey;

    fn key(&self) -> RecordKey {
        match self {
            Self::Config { .. } => RecordKey::Config,
            Self::Epoch { config_digest, .. } => RecordKey::Epoch(*config_digest),
            Self::Entered { config_digest, .. } => RecordKey::Entered(*config_digest),
            Self::Pending { config_digest, transmission } => RecordKey::Pending(*config_digest, transmission.report.at),
            Self::Erased(key) => *key,
        }
    }

    fn erases(&self) -> bool {
        matches!(self, Self::Erased(_))
    }

    fn encode_key(key: &RecordKey, out: &mut Vec<u8>) {
        match key {
            RecordKey::Config => out.push(CONFIG),
            RecordKey::Epoch(digest) => {
                out.push(EPOCH);
                out.extend_from_slice(&digest.0);
            }
            RecordKey::Entered(digest) => {
                out.push(ENTERED);
                out.extend_from_slice(&digest.0);
            }
            RecordKey::Pending(digest, at) => {
                out.push(PENDING);
                out.extend_from_slice(&digest.0);
                write_at(out, *at);
            }
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Erased(_) => out.push(ERASED),
            Self::Config { .. } | Self::Epoch { .. } | Self::Entered { .. } | Self::Pending { .. } => {}
        }
        Self::encode_key(&self.key(), out);
        match self {
            Self::Config { current, former } => {
                current.encode(out);
                out.push(u8::try_from(former.len()).expect("no more than CONFIGS_KEPT are kept"));
                former.iter().for_each(|digest| out.extend_from_slice(&digest.0));
            }
            Self::Epoch { epoch, highest_sent, .. } => {
                out.extend_from_slice(&epoch.0.to_be_bytes());
                out.extend_from_slice(&highest_sent.0.to_be_bytes());
            }
            Self::Entered { at, .. } => write_at(out, *at),
            Self::Pending { transmission: PendingTransmission { due, report }, .. } => {
                out.extend_from_slice(&due.0.to_be_bytes());
                out.extend_from_slice(&report.extra_hash);
                write_sized(out, &report.report);
                out.push(u8::try_from(report.signatures.len()).expect("a verified report has at most 31 signatures"));
                for AttributedSignature { signature, signer } in &report.signatures {
                    out.push(*signer);
                    write_sized(out, signature);
                }
            }
            Self::Erased(_) => {}
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, CorruptRecord> {
        let mut reader = RecordReader::new(bytes);
        let record = match reader.u8("the kind of a record")? {
            ERASED => {
                let tag = reader.u8("the kind of an erased record")?;
                Self::Erased(read_key(tag, &mut reader)?)
            }
            tag => {
                let key = read_key(tag, &mut reader)?;
                read_content(key, &mut reader)?
            }
        };
        reader.end()?;
        Ok(record)
    }
}

fn read_key(tag: u8, reader: &mut RecordReader<'_>) -> Result<RecordKey, CorruptRecord> {
    Ok(match tag {
        CONFIG => RecordKey::Config,
        EPOCH => RecordKey::Epoch(read_digest(reader)?),
        ENTERED => RecordKey::Entered(read_digest(reader)?),
        PENDING => RecordKey::Pending(read_digest(reader)?, read_at(reader)?),
        _ => return Err(reader.corrupt("a known kind of record")),
    })
}

fn read_content(key: RecordKey, reader: &mut RecordReader<'_>) -> Result<Record, CorruptRecord> {
    Ok(match key {
        RecordKey::Config => {
            let current = Arc::new(ContractConfig::decode(reader)?);
            let count = usize::from(reader.u8("a number of former configs")?);
            if count > CONFIGS_KEPT {
                return Err(reader.corrupt("no more former configs than are kept"));
            }
            let former = (0..count).map(|_| read_digest(reader)).collect::<Result<_, _>>()?;
            Record::Config { current, former }
        }
        RecordKey::Epoch(config_digest) => {
            let epoch = Epoch(reader.u32("an epoch")?);
            let highest_sent = Epoch(reader.u32("the highest epoch sent")?);
            // Whoever enters an epoch has raised what it sends to it before.
            if epoch < Epoch::FIRST || highest_sent < epoch {
                return Err(reader.corrupt("an epoch from 1 and a highest epoch sent that is not below it"));
            }
            Record::Epoch { config_digest, epoch, highest_sent }
        }
        RecordKey::Entered(config_digest) => Record::Entered { config_digest, at: read_at(reader)? },
        RecordKey::Pending(config_digest, at) => {
            let due = Wall(reader.u64("a time")?);
            let extra_hash = reader.array("an extra hash")?;
            let report = Bytes::copy_from_slice(reader.sized("a report")?);
            let count = usize::from(reader.u8("a number of signatures")?);
            if count > ORACLES_MAX {
                return Err(reader.corrupt("no more signatures than oracles"));
            }
            let signature = |reader: &mut RecordReader<'_>| {
                let signer = reader.u8("a signer")?;
                Ok(AttributedSignature { signature: Bytes::copy_from_slice(reader.sized("a signature")?), signer })
            };
            let signatures = (0..count).map(|_| signature(reader)).collect::<Result<_, CorruptRecord>>()?;
            let report = Arc::new(Final { at, extra_hash, report, signatures });
            Record::Pending { config_digest, transmission: PendingTransmission { due, report } }
        }
    })
}

fn read_digest(reader: &mut RecordReader<'_>) -> Result<ConfigDigest, CorruptRecord> {
    reader.array("a config digest").map(ConfigDigest)
}

fn write_at(out: &mut Vec<u8>, at: RoundId) {
    out.extend_from_slice(&at.epoch.0.to_be_bytes());
    out.push(at.round.0);
}

fn read_at(reader: &mut RecordReader<'_>) -> Result<RoundId, CorruptRecord> {
    Ok(RoundId::new(reader.u32("an epoch")?, reader.u8("a round")?))
}
