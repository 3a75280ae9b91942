//! Discovery: who listens where, learned from signed announcements that peers pass on, as one value.
//!
//! Messages and changes of membership go in, an ordered list of effects comes out; nothing after an [`Effect::Persist`]
//! happens before it is durable, so that a host that restarts never speaks with a counter it may have forgotten.

use crate::address::Locator;
use crate::announcement::{Announcement, AnnouncementError, Message, encode_announcement, encode_reconcile};
use crate::bucket::{Overdraft, TokenBucket};
use crate::limits::{DISCOVERY_BYTES_MAX, ORACLES_MAX};
use crate::{ConfigDigest, DISCOVERY, Keyring, PeerId, Priority, StreamConfig, StreamLimits};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;
use machine::Mono;

/// A receiver of the reference lets this many discovery messages in at once.
const BURST: u32 = 4;

/// How this host gossips.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiscoveryConfig {
    /// How often every peer is told everything it may know.
    pub reconcile_period: Duration,
    /// The longest period that any peer has configured. A receiver of the reference grants two messages in its own period and
    /// refuses **everything** to who sends more, so in the long run one message goes out in half of this.
    pub slowest_period: Duration,
}

impl Default for DiscoveryConfig {
    fn default() -> Self {
        Self { reconcile_period: Duration::from_secs(60), slowest_period: Duration::from_secs(60) }
    }
}

impl DiscoveryConfig {
    /// The stream that this host opens to every peer.
    pub fn stream(&self) -> StreamConfig {
        let rate = 2.0 / self.reconcile_period.as_secs_f64();
        StreamConfig {
            name: DISCOVERY.into(),
            limits: StreamLimits {
                message_bytes_max: DISCOVERY_BYTES_MAX,
                messages_rate: rate,
                messages_capacity: BURST,
                bytes_rate: rate * f64::from(DISCOVERY_BYTES_MAX),
                bytes_capacity: BURST * DISCOVERY_BYTES_MAX,
            },
            outgoing_messages_max: 2,
            incoming_messages_max: 2,
            priority: Priority::Default,
            requests: false,
        }
    }

    fn spacing(&self) -> Duration {
        self.slowest_period.max(self.reconcile_period) / 2
    }
}

/// What must happen, in this order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Store this announcement of this peer durably, then go on.
    Persist { peer: PeerId, announcement: Vec<u8> },
    /// Open the discovery stream to this peer.
    Open(PeerId),
    /// Close it; the peer is in no group any more.
    Close(PeerId),
    /// Send this on the discovery stream.
    Send { to: PeerId, message: Bytes },
    /// [`Discovery::addresses`] of this peer has changed.
    Addresses(PeerId),
}

/// What became of an announcement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It is the best of its peer now.
    Stored,
    /// It is what was known already, or older.
    Known,
    /// It is of this host, from an earlier life, with other addresses: a newer one was signed.
    Superseded,
}

/// Why a group cannot be added.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GroupError {
    #[error("a group of this config digest is open already")]
    Duplicate,
    #[error("{got} oracles over all groups, at most {ORACLES_MAX} are allowed")]
    TooManyOracles { got: usize },
}

/// The state of discovery of one host.
#[derive(Debug)]
pub struct Discovery {
    keyring: Arc<dyn Keyring>,
    me: PeerId,
    config: DiscoveryConfig,
    own_addresses: Vec<String>,
    groups: BTreeMap<ConfigDigest, Group>,
    /// The announcement with the highest counter of every oracle, and of this host.
    best: BTreeMap<PeerId, Announcement>,
    /// Everyone in a group but this host.
    correspondents: BTreeMap<PeerId, Correspondent>,
}

/// Who belongs together: the oracles of one protocol instance, and the bootstrap nodes that introduce them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    pub oracles: BTreeSet<PeerId>,
    pub bootstrappers: Vec<Locator>,
}

impl Group {
    /// Everyone, some perhaps twice.
    pub fn members(&self) -> impl Iterator<Item = PeerId> {
        self.oracles.iter().copied().chain(self.bootstrappers.iter().map(|locator| locator.peer))
    }

    fn has(&self, peer: PeerId) -> bool {
        self.oracles.contains(&peer) || self.bootstrappers.iter().any(|locator| locator.peer == peer)
    }
}

/// What this host owes one peer.
#[derive(Debug)]
struct Correspondent {
    /// Messages flow to it.
    enabled: bool,
    /// The counters that it has shown or been sent on this connection.
    known: BTreeMap<PeerId, u64>,
    /// Since when there is something it was not told.
    news_since: Option<Mono>,
    /// When it is told everything again.
    everything_at: Mono,
    /// What its bucket surely holds.
    bucket: TokenBucket,
}

impl Correspondent {
    /// When it is to be written to. The last token is kept for a change of this host's own address.
    fn due(&mut self, now: Mono, spacing: Duration) -> Option<Mono> {
        if !self.enabled {
            return None;
        }
        let allowed = self.bucket.when(now, 2)?;
        // News come in bunches when a network starts. The fewer tokens are left, the longer they are gathered.
        let gather = match self.bucket.available(now) {
            0..=2 => spacing / 6,
            3 => spacing / 60,
            _ => Duration::ZERO,
        };
        let news = self.news_since.map(|since| since + gather);
        Some(news.map_or(self.everything_at, |news| news.min(self.everything_at)).max(allowed))
    }
}

impl Discovery {
    /// A host that listens at `own_addresses` and last spoke of itself with `stored`, if its store remembers.
    /// Signs, and asks to persist, a new announcement unless the stored one still holds.
    pub fn new(
        keyring: Arc<dyn Keyring>,
        own_addresses: Vec<String>,
        config: DiscoveryConfig,
        stored: Option<&[u8]>,
        effects: &mut Vec<Effect>,
    ) -> Result<Self, AnnouncementError> {
        let me = keyring.peer_id();
        let mut discovery = Self {
            me,
            config,
            groups: BTreeMap::new(),
            best: BTreeMap::new(),
            correspondents: BTreeMap::new(),
            own_addresses,
            keyring,
        };
        let stored = stored
            .and_then(|bytes| Announcement::decode(bytes).ok())
            .filter(|announcement| announcement.peer == me && announcement.verify());
        match stored {
            Some(announcement) if announcement.addresses == discovery.own_addresses => {
                discovery.best.insert(me, announcement);
            }
            Some(earlier) => discovery.announce_myself(earlier.counter.wrapping_add(1), effects)?,
            None => discovery.announce_myself(0, effects)?,
        }
        Ok(discovery)
    }

    fn announce_myself(&mut self, counter: u64, effects: &mut Vec<Effect>) -> Result<(), AnnouncementError> {
        let own = Announcement::sign(&*self.keyring, self.own_addresses.clone(), counter)?;
        effects.push(Effect::Persist { peer: self.me, announcement: own.encode() });
        self.best.insert(self.me, own);
        Ok(())
    }

    /// Adds the group of a protocol instance. `stored` are announcements of its oracles that the store remembers; what
    /// is wrong with one is told in `refused`.
    pub fn add_group(
        &mut self,
        now: Mono,
        digest: ConfigDigest,
        group: Group,
        stored: impl IntoIterator<Item = Vec<u8>>,
        effects: &mut Vec<Effect>,
        refused: &mut Vec<AnnouncementError>,
    ) -> Result<(), GroupError> {
        if self.groups.contains_key(&digest) {
            return Err(GroupError::Duplicate);
        }
        let all: BTreeSet<_> = self.groups.values().flat_map(|group| &group.oracles).chain(&group.oracles).collect();
        if all.len() > ORACLES_MAX {
            return Err(GroupError::TooManyOracles { got: all.len() });
        }
        let members: Vec<_> = group.members().filter(|member| *member != self.me).collect();
        self.groups.insert(digest, group);
        for member in members {
            self.correspondents.entry(member).or_insert_with(|| {
                effects.push(Effect::Open(member));
                let rate = crate::bucket::millitokens(1.0 / self.config.spacing().as_secs_f64());
                Correspondent {
                    enabled: false,
                    known: BTreeMap::new(),
                    news_since: None,
                    everything_at: now + self.config.reconcile_period,
                    bucket: TokenBucket::new(rate, BURST, true, now),
                }
            });
            effects.push(Effect::Addresses(member));
        }
        for bytes in stored {
            let taken = Announcement::decode(&bytes).and_then(|announcement| self.take(now, announcement, effects));
            refused.extend(taken.err());
        }
        // Membership alone changes who may know what.
        self.note_news(now);
        Ok(())
    }

    /// Removes a group; a digest that is not there is no error. Announcements of oracles that are in no other group are
    /// persisted and forgotten.
    pub fn remove_group(&mut self, digest: &ConfigDigest, effects: &mut Vec<Effect>) {
        let Some(group) = self.groups.remove(digest) else { return };
        let members: BTreeSet<_> = group.members().filter(|member| *member != self.me).collect();
        for member in members {
            if !self.is_oracle(member)
                && let Some(announcement) = self.best.remove(&member)
            {
                effects.push(Effect::Persist { peer: member, announcement: announcement.encode() });
            }
            if !self.groups.values().any(|group| group.has(member)) {
                self.correspondents.remove(&member);
                effects.push(Effect::Close(member));
            }
            effects.push(Effect::Addresses(member));
        }
    }

    fn is_oracle(&self, peer: PeerId) -> bool {
        self.groups.values().any(|group| group.oracles.contains(&peer))
    }

    /// Who may be told where `subject` listens: every member of every group in which it is an oracle.
    pub fn audience(&self, subject: PeerId) -> BTreeSet<PeerId> {
        self.correspondents.keys().copied().filter(|peer| self.may_know(*peer, subject)).collect()
    }

    fn may_know(&self, peer: PeerId, subject: PeerId) -> bool {
        self.groups.values().any(|group| group.oracles.contains(&subject) && group.has(peer))
    }

    /// Where to dial a peer: as configured for a bootstrap node first, then as announced, without duplicates.
    pub fn addresses(&self, peer: PeerId) -> Vec<String> {
        let locators = self.groups.values().flat_map(|group| &group.bootstrappers);
        let configured = locators.filter(|locator| locator.peer == peer).flat_map(|locator| &locator.addresses);
        let announced = self.best.get(&peer).into_iter().flat_map(|announcement| &announcement.addresses);
        let mut addresses: Vec<String> = Vec::new();
        for address in configured.chain(announced) {
            if !addresses.contains(address) {
                addresses.push(address.clone());
            }
        }
        addresses
    }

    /// The best announcement of a peer, or this host's own.
    pub fn announcement(&self, peer: PeerId) -> Option<&Announcement> {
        self.best.get(&peer)
    }

    /// All announcements that the store should hold, this host's own among them.
    pub fn announcements(&self) -> impl Iterator<Item = &Announcement> {
        self.best.values()
    }

    /// How many oracles there are over all groups, and of how many an announcement is known.
    pub fn oracles(&self) -> (usize, usize) {
        let all: BTreeSet<_> = self.groups.values().flat_map(|group| &group.oracles).collect();
        let known = all.iter().filter(|oracle| self.best.contains_key(oracle)).count();
        (all.len(), known)
    }

    /// The discovery stream to a peer flows: it is told what it may know.
    pub fn on_enabled(&mut self, now: Mono, peer: PeerId) {
        let Some(correspondent) = self.correspondents.get_mut(&peer) else { return };
        correspondent.enabled = true;
        // The peer may have lost its memory since.
        correspondent.known.clear();
        correspondent.news_since = None;
        self.note_news(now);
    }

    /// It flows no longer.
    pub fn on_disabled(&mut self, peer: PeerId) {
        if let Some(correspondent) = self.correspondents.get_mut(&peer) {
            correspondent.enabled = false;
        }
    }

    /// A discovery message of a peer. What is not taken is told in `refused`.
    pub fn on_message(
        &mut self,
        now: Mono,
        from: PeerId,
        bytes: &[u8],
        effects: &mut Vec<Effect>,
        refused: &mut Vec<AnnouncementError>,
    ) {
        let announcements = match Message::decode(bytes).and_then(|message| message.check()) {
            Ok(announcements) => announcements,
            Err(error) => return refused.push(error),
        };
        for announcement in announcements {
            let (subject, counter) = (announcement.peer, announcement.counter);
            match self.take(now, announcement, effects) {
                Ok(Taken::Stored | Taken::Known | Taken::Superseded) => {
                    if let Some(sender) = self.correspondents.get_mut(&from) {
                        sender.known.insert(subject, counter);
                    }
                }
                Err(error) => refused.push(error),
            }
        }
        self.note_news(now);
    }

    /// Judges one announcement and keeps it if it is the best of its peer.
    pub fn take(
        &mut self,
        now: Mono,
        announcement: Announcement,
        effects: &mut Vec<Effect>,
    ) -> Result<Taken, AnnouncementError> {
        let peer = announcement.peer;
        if !self.is_oracle(peer) {
            return Err(AnnouncementError::Stranger { peer });
        }
        let old = self.best.get(&peer);
        // Most of what is gossiped is known to the byte, and then its signature has been checked.
        if old == Some(&announcement) {
            return Ok(Taken::Known);
        }
        if !announcement.verify() {
            return Err(AnnouncementError::Signature { peer });
        }
        if old.is_some_and(|old| {
            announcement.counter < old.counter || peer != self.me && announcement.counter == old.counter
        }) {
            return Ok(Taken::Known);
        }
        if peer == self.me && announcement.addresses != self.own_addresses {
            self.announce_myself(announcement.counter.wrapping_add(1), effects)?;
            self.tell_all(now, effects);
            return Ok(Taken::Superseded);
        }
        if peer == self.me {
            effects.push(Effect::Persist { peer, announcement: announcement.encode() });
        }
        self.best.insert(peer, announcement);
        effects.push(Effect::Addresses(peer));
        Ok(Taken::Stored)
    }

    /// Sends this host's own announcement to everyone who may have it, now.
    fn tell_all(&mut self, now: Mono, effects: &mut Vec<Effect>) {
        let Some(own) = self.best.get(&self.me) else { return };
        let message = Bytes::from(encode_announcement(own));
        for peer in self.audience(self.me) {
            let Some(correspondent) = self.correspondents.get_mut(&peer) else { continue };
            if correspondent.enabled && correspondent.bucket.take(now, 1, Overdraft::Keeps) {
                correspondent.known.insert(self.me, own.counter);
                effects.push(Effect::Send { to: peer, message: message.clone() });
            }
        }
    }

    /// Finds the correspondents for whom there is something new.
    fn note_news(&mut self, now: Mono) {
        let is_news = |peer: PeerId, correspondent: &Correspondent| {
            self.best.values().any(|best| {
                correspondent.known.get(&best.peer) != Some(&best.counter) && self.may_know(peer, best.peer)
            })
        };
        let news: Vec<PeerId> = self
            .correspondents
            .iter()
            .filter(|(peer, it)| it.enabled && it.news_since.is_none() && is_news(**peer, it))
            .map(|(peer, _)| *peer)
            .collect();
        for peer in news {
            self.correspondents.get_mut(&peer).expect("found above").news_since = Some(now);
        }
    }

    /// Writes to whom it is time to write to.
    pub fn on_deadline(&mut self, now: Mono, effects: &mut Vec<Effect>) {
        let spacing = self.config.spacing();
        let mut due = Vec::new();
        for (peer, correspondent) in &mut self.correspondents {
            if correspondent.due(now, spacing).is_some_and(|due| due <= now) {
                due.push((*peer, correspondent.everything_at <= now));
            }
        }
        for (peer, everything) in due {
            let subjects: Vec<PeerId> =
                self.best.keys().copied().filter(|subject| self.may_know(peer, *subject)).collect();
            let Some(correspondent) = self.correspondents.get_mut(&peer) else { continue };
            correspondent.news_since = None;
            if everything {
                correspondent.everything_at = now + self.config.reconcile_period;
                correspondent.known.clear();
            }
            let news: Vec<&Announcement> = subjects
                .iter()
                .filter_map(|subject| self.best.get(subject))
                .filter(|announcement| correspondent.known.get(&announcement.peer) != Some(&announcement.counter))
                .collect();
            if news.is_empty() {
                continue;
            }
            correspondent.known.extend(news.iter().map(|announcement| (announcement.peer, announcement.counter)));
            correspondent.bucket.take(now, 1, Overdraft::Keeps);
            effects.push(Effect::Send { to: peer, message: Bytes::from(encode_reconcile(news)) });
        }
    }

    /// When [`Discovery::on_deadline`] has something to do.
    pub fn deadline(&mut self, now: Mono) -> Option<Mono> {
        let spacing = self.config.spacing();
        self.correspondents.values_mut().filter_map(|correspondent| correspondent.due(now, spacing)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::ed25519::SecretKey;

    const DIGEST: ConfigDigest = [7; 32];

    fn key(seed: u8) -> Arc<SecretKey> {
        Arc::new(SecretKey::from_seed(&[seed; 32]))
    }

    fn id(seed: u8) -> PeerId {
        key(seed).peer_id()
    }

    fn host(seed: u8, effects: &mut Vec<Effect>) -> Discovery {
        let address = alloc::format!("127.0.0.1:{}", 1000 + u16::from(seed));
        Discovery::new(key(seed), [address].into(), DiscoveryConfig::default(), None, effects).unwrap()
    }

    fn join(host: &mut Discovery, oracles: &[u8], effects: &mut Vec<Effect>) {
        let mut refused = Vec::new();
        host.add_group(Mono(0), DIGEST, group(oracles.iter().map(|seed| id(*seed))), [], effects, &mut refused)
            .unwrap();
        assert_eq!(refused, []);
    }

    fn group(oracles: impl Iterator<Item = PeerId>) -> Group {
        Group { oracles: oracles.collect(), bootstrappers: Vec::new() }
    }

    fn sent(effects: &[Effect]) -> Vec<(PeerId, Vec<Announcement>)> {
        let sent = effects.iter().filter_map(|effect| match effect {
            Effect::Send { to, message } => Some((*to, Message::decode(message).unwrap().check().unwrap())),
            Effect::Persist { .. } | Effect::Open(_) | Effect::Close(_) | Effect::Addresses(_) => None,
        });
        sent.collect()
    }

    fn seconds(seconds: u64) -> Mono {
        Mono(seconds * 1_000_000_000)
    }

    #[test]
    fn the_own_announcement_is_persisted_before_it_is_spoken() {
        let mut effects = Vec::new();
        let mut host = host(1, &mut effects);
        join(&mut host, &[1, 2], &mut effects);
        host.on_enabled(Mono(0), id(2));
        host.on_deadline(Mono(0), &mut effects);
        let persisted = effects.iter().position(|it| matches!(it, Effect::Persist { peer, .. } if *peer == id(1)));
        let spoken = effects.iter().position(|it| matches!(it, Effect::Send { .. }));
        assert!(persisted.unwrap() < spoken.unwrap(), "{effects:?}");
        let (to, announcements) = &sent(&effects)[0];
        assert_eq!((*to, announcements[0].peer, announcements[0].counter), (id(2), id(1), 0));
    }

    #[test]
    fn a_stored_announcement_is_kept_if_it_holds_and_surpassed_if_not() {
        let stored = Announcement::sign(&*key(1), ["1.2.3.4:5".into()].into(), 41).unwrap().encode();
        let start = |address: &str| {
            let mut effects = Vec::new();
            let config = DiscoveryConfig::default();
            let host = Discovery::new(key(1), [address.into()].into(), config, Some(&stored), &mut effects).unwrap();
            (host.announcement(id(1)).unwrap().counter, effects.len())
        };
        assert_eq!(start("1.2.3.4:5"), (41, 0));
        assert_eq!(start("1.2.3.4:6"), (42, 1));
    }

    #[test]
    fn what_is_learned_is_passed_on_to_who_may_know_it_and_not_back() {
        let mut effects = Vec::new();
        let mut host = host(1, &mut effects);
        join(&mut host, &[2, 3], &mut effects);
        host.on_enabled(Mono(0), id(2));
        host.on_enabled(Mono(0), id(3));
        let announcement = Announcement::sign(&*key(2), ["1.2.3.4:5".into()].into(), 3).unwrap();
        effects.clear();
        let mut refused = Vec::new();
        host.on_message(Mono(0), id(2), &encode_reconcile([&announcement]), &mut effects, &mut refused);
        host.on_deadline(Mono(0), &mut effects);
        assert_eq!(sent(&effects), [(id(3), Vec::from([announcement]))]);
        assert_eq!(host.addresses(id(2)), ["1.2.3.4:5"]);
    }

    #[test]
    fn a_group_closes_what_it_opened_and_forgets_who_is_in_no_other() {
        let mut effects = Vec::new();
        let mut host = host(1, &mut effects);
        join(&mut host, &[1, 2], &mut effects);
        let again = host.add_group(Mono(0), DIGEST, group([id(3)].into_iter()), [], &mut effects, &mut Vec::new());
        assert_eq!(again, Err(GroupError::Duplicate));
        host.take(Mono(0), Announcement::sign(&*key(2), ["1.2.3.4:5".into()].into(), 3).unwrap(), &mut effects)
            .unwrap();
        effects.clear();
        host.remove_group(&DIGEST, &mut effects);
        host.remove_group(&DIGEST, &mut effects);
        assert_eq!(effects.iter().filter(|it| **it == Effect::Close(id(2))).count(), 1);
        assert!(host.addresses(id(2)).is_empty());
    }

    #[test]
    fn at_most_165_oracles_are_known() {
        let mut host = host(1, &mut Vec::new());
        let many = (0..166_u8).map(|seed| PeerId([seed; 32]));
        let refused = host.add_group(Mono(0), DIGEST, group(many), [], &mut Vec::new(), &mut Vec::new());
        assert_eq!(refused, Err(GroupError::TooManyOracles { got: 166 }));
        assert_eq!(host.oracles(), (0, 0));
    }

    /// The bucket of a receiver of the reference empties when overdrawn, so one message too many is fatal.
    #[test]
    fn gossip_never_overdraws_a_reference_receiver_whatever_happens() {
        let mut effects = Vec::new();
        let mut host = host(1, &mut effects);
        join(&mut host, &[1, 2, 3], &mut effects);
        host.on_enabled(Mono(0), id(2));
        let mut receiver = TokenBucket::new(crate::bucket::millitokens(2.0 / 60.0), 4, true, Mono(0));
        let mut sent_in_all = 0;
        for second in 0..1200_u64 {
            let now = seconds(second);
            effects.clear();
            if second % 7 == 0 {
                let news = Announcement::sign(&*key(3), ["1.2.3.4:5".into()].into(), second).unwrap();
                host.take(now, news, &mut effects).unwrap();
                host.note_news(now);
            }
            if second % 31 == 0 {
                host.on_disabled(id(2));
                host.on_enabled(now, id(2));
            }
            if second % 300 == 17 {
                let own = Announcement::sign(&*key(1), ["9.9.9.9:9".into()].into(), second).unwrap();
                host.take(now, own, &mut effects).unwrap();
            }
            host.on_deadline(now, &mut effects);
            for _ in sent(&effects) {
                sent_in_all += 1;
                assert!(receiver.take(now, 1, Overdraft::Empties), "after {second} s");
            }
        }
        assert!((30..=44).contains(&sent_in_all), "{sent_in_all}");
    }
}
