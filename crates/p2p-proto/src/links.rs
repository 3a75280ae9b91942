//! Which of several connections to one peer counts.
//!
//! There is no tie-break on the wire. A reference node keeps the newest connection and closes the other at once. Two of ours
//! that dialed each other at the same time keep the one that the larger key dialed, so that both keep the same; the
//! other one stays in reserve for a moment, in case the peer is a reference node that has chosen it.

use crate::PeerId;
use crate::limits::{RESERVE_FOR, SIMULTANEOUS_WITHIN};
use machine::Mono;

/// Names a connection within its host.
pub type LinkId = u64;

/// An authenticated connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Link {
    id: LinkId,
    /// This side has dialed it.
    dialed: bool,
    since: Mono,
}

/// The connections to one peer: one that is written to, and perhaps one in reserve.
#[derive(Clone, Debug)]
pub struct Links {
    /// The connection that this side dials wins over one that the peer dials at the same time.
    our_dial_wins: bool,
    current: Option<Link>,
    reserve: Option<(Link, Mono)>,
}

impl Links {
    /// None yet.
    pub fn new(me: PeerId, peer: PeerId) -> Self {
        Self { our_dial_wins: me > peer, current: None, reserve: None }
    }

    /// The connection to write to.
    pub fn current(&self) -> Option<LinkId> {
        self.current.map(|link| link.id)
    }

    /// Whether this is one of the connections that are kept.
    pub fn has(&self, id: LinkId) -> bool {
        self.current() == Some(id) || self.reserve.is_some_and(|(link, _)| link.id == id)
    }

    /// A connection has been authenticated. Whatever [`Links::has`] no longer is to be closed.
    pub fn on_established(&mut self, now: Mono, id: LinkId, dialed: bool) {
        let new = Link { id, dialed, since: now };
        let Some(old) = self.current else {
            self.current = Some(new);
            return;
        };
        let simultaneous = old.dialed != dialed && now - old.since <= SIMULTANEOUS_WITHIN;
        let loser = if simultaneous && dialed != self.our_dial_wins {
            new
        } else {
            self.current = Some(new);
            old
        };
        self.reserve = simultaneous.then_some((loser, now + RESERVE_FOR));
    }

    /// A connection has ended. If it was the current one, the reserve takes over.
    pub fn on_ended(&mut self, id: LinkId) {
        self.reserve = self.reserve.filter(|(link, _)| link.id != id);
        if self.current() == Some(id) {
            self.current = self.reserve.take().map(|(link, _)| link);
        }
    }

    /// When the reserve is given up, if there is one.
    pub fn deadline(&self) -> Option<Mono> {
        self.reserve.map(|(_, until)| until)
    }

    /// Gives the reserve up when its time is over.
    pub fn on_deadline(&mut self, now: Mono) {
        self.reserve = self.reserve.filter(|(_, until)| *until > now);
    }

    /// Closes all.
    pub fn clear(&mut self) {
        (self.current, self.reserve) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn links(larger: bool) -> Links {
        let (a, b) = (PeerId([1; 32]), PeerId([2; 32]));
        if larger { Links::new(b, a) } else { Links::new(a, b) }
    }

    #[test]
    fn both_ends_keep_the_same_of_two_simultaneous_connections_in_whatever_order_they_see_them() {
        for first_at_larger in [0, 1] {
            for first_at_smaller in [0, 1] {
                // Connection 0 is dialed by the larger key, 1 by the smaller.
                let kept = [(links(true), 0, first_at_larger), (links(false), 1, first_at_smaller)].map(
                    |(mut links, dials, first)| {
                        for id in [first, 1 - first] {
                            links.on_established(Mono(id * 1_000_000), id, id == dials);
                        }
                        assert!(links.has(0) && links.has(1));
                        links.on_deadline(Mono(0) + Duration::from_secs(1));
                        assert!(!links.has(1));
                        links.current()
                    },
                );
                assert_eq!(kept, [Some(0), Some(0)]);
            }
        }
    }

    #[test]
    fn the_reserve_takes_over_when_the_peer_closes_the_other() {
        let mut links = links(true);
        links.on_established(Mono(0), 0, true);
        links.on_established(Mono(1), 1, false);
        assert_eq!(links.current(), Some(0));
        links.on_ended(0);
        assert_eq!(links.current(), Some(1));
        assert_eq!(links.deadline(), None);
        links.on_ended(1);
        assert_eq!(links.current(), None);
    }

    #[test]
    fn a_later_connection_replaces_one_that_the_peer_must_have_lost() {
        for dialed in [true, false] {
            let mut links = links(true);
            links.on_established(Mono(0), 0, true);
            links.on_established(Mono(0) + Duration::from_secs(2), 1, dialed);
            assert_eq!((links.current(), links.has(0)), (Some(1), false));
        }
        // The peer has dialed twice: it has given up the first, however young that is.
        let mut links = links(true);
        links.on_established(Mono(0), 0, false);
        links.on_established(Mono(1), 1, false);
        assert_eq!((links.current(), links.has(0)), (Some(1), false));
    }
}
