//! What happened how often, for whoever turns it into metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One thing that is counted.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// How often so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }
}

macro_rules! counters {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident,)* }) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        pub struct $name {
            $($(#[$doc])* pub $field: Counter,)*
        }

        impl $name {
            /// Every counter with its name.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field.get()),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Counted over a whole host. Nothing is refused without a count.
    Counters {
        /// TCP connections accepted, before the knock.
        accepted,
        /// Accepting failed; the listener goes on.
        accept_errors,
        /// Hung up at once: too many connections wait to be authenticated.
        refused_crowded,
        /// Hung up at once: too many of them from this address.
        refused_crowded_source,
        /// No whole knock in time.
        refused_knock_timeout,
        /// The connection ended before its knock did.
        refused_knock_cut,
        /// A knock of another version.
        refused_knock_version,
        /// This host knocked at its own door.
        refused_knock_oneself,
        /// A knock with a wrong signature.
        refused_knock_signature,
        /// A knock of someone who is in no group.
        refused_stranger,
        /// A peer with too many handshakes at a time.
        refused_handshakes,
        /// No TLS handshake in time.
        refused_tls_timeout,
        /// A TLS handshake failed: another key, another protocol, or the other side hung up.
        refused_tls,
        /// A peer that connects too often.
        refused_too_often,
        /// Connections established, by either side.
        established,
        /// Of these, dialed by the peer.
        established_inbound,
        /// Established connections that have ended.
        ended,
        /// Of these, closed from this side for breaking a rule.
        closed_violation,
        /// Of these, closed from this side because the peer took or sent nothing.
        closed_stalled,
        /// Attempts to dial that did not lead to a connection.
        dial_failures,
        /// Messages handed to endpoints.
        received_messages,
        /// Messages accepted from endpoints, counted per receiver.
        sent_messages,
        /// Messages not accepted from endpoints: too long, or the endpoint is closed.
        refused_send,
        /// Queued messages that newer ones have displaced.
        displaced_outgoing,
        /// Received messages that newer ones have displaced.
        displaced_incoming,
        /// Messages for a stream that is not open here.
        refused_unknown_stream,
        /// Messages longer than their stream allows.
        refused_message_too_long,
        /// Messages above the rate of messages.
        refused_messages_over_limit,
        /// Messages above the rate of bytes.
        refused_bytes_over_limit,
        /// Responses that were not asked for, late, too long, or on another stream.
        refused_response,
        /// Requests and responses where nobody expects any.
        refused_class,
        /// Bytes read from sockets after the knock.
        raw_bytes_read,
        /// Bytes written to sockets after the knock.
        raw_bytes_written,
        /// Bytes of frames read.
        bytes_read,
        /// Of these, payload of refused messages.
        bytes_skipped,
        /// Bytes of frames written.
        bytes_written,
        /// Discovery messages read.
        discovery_messages,
        /// Announcements, or whole discovery messages, that were not taken.
        refused_announcements,
        /// Discovery messages or events that came faster than they were handled.
        displaced_discovery,
        /// Announcements of others that could not be stored.
        store_failures,
        /// Oracles over all groups, now.
        oracles,
        /// Of these, those whose address is known, now.
        oracles_discovered,
    }
}

counters! {
    /// Counted per peer, since it became known.
    PeerCounters {
        established,
        established_inbound,
        raw_bytes_read,
        raw_bytes_written,
        bytes_read,
        bytes_skipped,
        bytes_written,
    }
}
