//! How many may stand at the door: connections that are not authenticated yet, in all and per source address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The caps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GateLimits {
    pub total_max: usize,
    /// Per IPv4 address, or per /64 of IPv6. A whole committee may sit behind one address.
    pub source_max: usize,
}

impl Default for GateLimits {
    fn default() -> Self {
        Self { total_max: 256, source_max: 64 }
    }
}

/// Knows who stands there.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: GateLimits,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// In the order of arrival.
    places: BTreeMap<u64, Place>,
    next: u64,
}

#[derive(Debug)]
struct Place {
    source: IpAddr,
    /// Sends it away. `None` once it has knocked.
    leave: Option<oneshot::Sender<Crowded>>,
}

/// Which cap is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Crowded {
    InAll,
    FromSource,
}

/// Stands for one connection at the door, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    id: u64,
}

impl Gate {
    pub fn new(limits: GateLimits) -> Arc<Self> {
        Arc::new(Self { limits, waiting: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more, if there is room, or if someone gives way who has not knocked: an honest dialer knocks at once, so that
    /// who came first and is still silent most likely wants to keep others out. The receiver tells when to give way.
    pub fn enter(self: &Arc<Self>, from: IpAddr) -> Result<(Pass, oneshot::Receiver<Crowded>), Crowded> {
        let source = source(from);
        let Waiting { places, next } = &mut *self.lock();
        let from_source = places.values().filter(|place| place.source == source).count();
        let crowded = if from_source >= self.limits.source_max {
            Some(Crowded::FromSource)
        } else {
            (places.len() >= self.limits.total_max).then_some(Crowded::InAll)
        };
        if let Some(crowded) = crowded {
            let gives_way =
                |place: &Place| place.leave.is_some() && (crowded == Crowded::InAll || place.source == source);
            let first = places.iter().find(|(_, place)| gives_way(place)).map(|(id, _)| *id);
            let leave = first.and_then(|id| places.remove(&id)?.leave).ok_or(crowded)?;
            // It may be leaving by itself at this moment.
            let _ = leave.send(crowded);
        }
        let (leave, told_to_leave) = oneshot::channel();
        let id = *next;
        *next += 1;
        places.insert(id, Place { source, leave: Some(leave) });
        Ok((Pass { gate: self.clone(), id }, told_to_leave))
    }
}

impl Pass {
    /// The connection has knocked, and keeps its place.
    pub fn knocked(&self) {
        if let Some(place) = self.gate.lock().places.get_mut(&self.id) {
            place.leave = None;
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.lock().places.remove(&self.id);
    }
}

/// What one party surely holds many of: the 2⁶⁴ addresses of its network count as one.
fn source(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_caps_hold_and_leaving_makes_room() {
        let gate = Gate::new(GateLimits { total_max: 3, source_max: 2 });
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let enter = |text: &str| -> Result<Pass, Crowded> {
            let (pass, _) = gate.enter(ip(text))?;
            pass.knocked();
            Ok(pass)
        };
        let first = enter("1.2.3.4").unwrap();
        let _second = enter("::ffff:1.2.3.4").unwrap();
        assert_eq!(enter("1.2.3.4").unwrap_err(), Crowded::FromSource);
        let third = enter("2001:db8::1").unwrap();
        assert_eq!(enter("9.9.9.9").unwrap_err(), Crowded::InAll);
        drop(first);
        let _fourth = enter("2001:db8::2").unwrap();
        drop(third);
        assert_eq!(gate.lock().places.len(), 2);
    }

    #[test]
    fn who_has_not_knocked_gives_way_first_come_first() {
        let gate = Gate::new(GateLimits { total_max: 3, source_max: 2 });
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let (knocked, mut stays) = gate.enter(ip("1.1.1.1")).unwrap();
        knocked.knocked();
        let (silent, mut goes) = gate.enter(ip("1.1.1.1")).unwrap();
        let (_other, mut goes_later) = gate.enter(ip("2.2.2.2")).unwrap();
        let (_, mut new) = gate.enter(ip("1.1.1.1")).unwrap();
        assert_eq!(goes.try_recv(), Ok(Crowded::FromSource));
        assert_eq!(gate.lock().places.len(), 2, "the new one has gone again by itself");
        let _filling = [gate.enter(ip("3.3.3.3")).unwrap(), gate.enter(ip("3.3.3.3")).unwrap()];
        assert_eq!(goes_later.try_recv(), Ok(Crowded::InAll));
        assert!(stays.try_recv().is_err() && new.try_recv().is_err());
        drop(silent);
        assert_eq!(gate.lock().places.len(), 3, "who was sent away has no place to give back");
    }
}
