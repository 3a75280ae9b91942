//! Ports for a committee, kept from everybody else until it takes them.
//!
//! Port 0 would do for a program that keeps what it gets. A seat file names its port before anybody listens there, and the
//! ports that a system gives by itself are also those of outgoing connections: one of them could come in between, and when
//! an oracle is killed it could come in between for good. So these lie below.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};

/// Above the ports of well-known services, below those that systems give by themselves (Linux: from 32768).
const RANGE: std::ops::Range<u16> = 10_240..32_000;

/// Ports that follow one another, held open. Each is let go when its program starts.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    held: BTreeMap<u16, TcpListener>,
}

impl Ports {
    /// Takes `count` free ports of loopback that follow one another. `seed` says where the search begins, so that two
    /// suites on one machine do not look at the same place first.
    pub fn hold(count: u16, seed: u32) -> Result<Ports, String> {
        let places = u32::from((RANGE.end - RANGE.start) / count.max(1));
        for place in 0..places {
            let place = u16::try_from((seed.wrapping_add(place)) % places).unwrap_or_default();
            let first = RANGE.start + place * count;
            let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(|listener| (port, listener));
            if let Ok(held) = (first..first + count).map(listen).collect() {
                return Ok(Ports { first, held });
            }
        }
        Err(format!("no {count} free ports follow one another between {} and {}", RANGE.start, RANGE.end))
    }

    /// Holds nothing.
    pub fn none() -> Ports {
        Ports { first: 0, held: BTreeMap::new() }
    }

    /// The first of them.
    pub fn first(&self) -> u16 {
        self.first
    }

    /// The last of them.
    pub fn last(&self) -> u16 {
        self.held.keys().next_back().copied().unwrap_or(self.first)
    }

    /// Lets one go for the program that will listen there; a second time changes nothing.
    pub fn release(&mut self, port: u16) {
        self.held.remove(&port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_held_until_they_are_released_and_nobody_gets_them_twice() {
        let mut ports = Ports::hold(3, 7).unwrap();
        let others = Ports::hold(3, 7).unwrap();
        assert!(others.first() >= ports.first() + 3 || others.first() + 3 <= ports.first());
        let second = (Ipv4Addr::LOCALHOST, ports.first() + 1);
        assert!(TcpListener::bind(second).is_err());
        ports.release(second.1);
        assert!(TcpListener::bind(second).is_ok());
    }
}
