//! How many may stand at the door: connections that are not authenticated yet, in all and per source address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Counts who stands there.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: GateLimits,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    total: usize,
    sources: BTreeMap<IpAddr, usize>,
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
    source: IpAddr,
}

impl Gate {
    pub fn new(limits: GateLimits) -> Arc<Self> {
        Arc::new(Self { limits, waiting: Mutex::default() })
    }

    /// One more, if there is room.
    pub fn enter(self: &Arc<Self>, from: IpAddr) -> Result<Pass, Crowded> {
        let source = source(from);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.total >= self.limits.total_max {
            return Err(Crowded::InAll);
        }
        let count = waiting.sources.entry(source).or_default();
        if *count >= self.limits.source_max {
            return Err(Crowded::FromSource);
        }
        *count += 1;
        waiting.total += 1;
        Ok(Pass { gate: self.clone(), source })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut waiting = self.gate.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.total -= 1;
        if let Some(count) = waiting.sources.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                waiting.sources.remove(&self.source);
            }
        }
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
        let first = gate.enter(ip("1.2.3.4")).unwrap();
        let _second = gate.enter(ip("::ffff:1.2.3.4")).unwrap();
        assert_eq!(gate.enter(ip("1.2.3.4")).unwrap_err(), Crowded::FromSource);
        let third = gate.enter(ip("2001:db8::1")).unwrap();
        assert_eq!(gate.enter(ip("9.9.9.9")).unwrap_err(), Crowded::InAll);
        drop(first);
        let _fourth = gate.enter(ip("2001:db8::2")).unwrap();
        drop(third);
        assert_eq!(gate.waiting.lock().unwrap().sources.len(), 2);
    }
}
