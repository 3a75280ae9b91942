//! Which responses may come in: those that were asked for, once, in time, and no larger than was said.

use crate::limits::REQUESTS_OPEN_MAX;
use crate::{Refusal, RequestId, StreamId};
use alloc::collections::{BTreeMap, BTreeSet};
use machine::Mono;

/// What a request grants its response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResponsePolicy {
    /// Bytes of the payload.
    pub bytes_max: u32,
    /// From this instant on it is too late.
    pub expiry: Mono,
}

/// The requests of one peer that wait for their response. They outlive the connection on which they were sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenRequests {
    open: BTreeMap<RequestId, (StreamId, ResponsePolicy)>,
    by_expiry: BTreeSet<(Mono, RequestId)>,
}

impl OpenRequests {
    /// A request goes out now. Expired ones go, and beyond the bound the one that would expire next.
    pub fn insert(&mut self, now: Mono, id: RequestId, stream: StreamId, policy: ResponsePolicy) {
        while let Some(&(expiry, oldest)) = self.by_expiry.first() {
            if expiry > now && self.open.len() < REQUESTS_OPEN_MAX {
                break;
            }
            self.remove(oldest);
        }
        self.remove(id);
        self.open.insert(id, (stream, policy));
        self.by_expiry.insert((policy.expiry, id));
    }

    fn remove(&mut self, id: RequestId) {
        if let Some((_, policy)) = self.open.remove(&id) {
            self.by_expiry.remove(&(policy.expiry, id));
        }
    }

    /// Judges a response of `length` bytes. The first that reaches the check of its size uses the grant up.
    pub fn admit(&mut self, now: Mono, id: RequestId, stream: StreamId, length: u32) -> Result<(), Refusal> {
        let &(asked_on, policy) = self.open.get(&id).ok_or(Refusal::ResponseUnasked)?;
        if asked_on != stream {
            return Err(Refusal::ResponseOnOtherStream);
        }
        if now >= policy.expiry {
            return Err(Refusal::ResponseLate);
        }
        self.remove(id);
        if length > policy.bytes_max {
            return Err(Refusal::ResponseTooLong { got: length, max: policy.bytes_max });
        }
        Ok(())
    }

    /// The stream was closed here.
    pub fn forget(&mut self, stream: StreamId) {
        let gone: alloc::vec::Vec<_> =
            self.open.iter().filter(|(_, (asked_on, _))| *asked_on == stream).map(|(id, _)| *id).collect();
        gone.into_iter().for_each(|id| self.remove(id));
    }
}
