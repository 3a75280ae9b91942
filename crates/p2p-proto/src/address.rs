//! Addresses: what may be announced, what this host announces, and where a bootstrap node is said to be.

use crate::PeerId;
use crate::limits::{ADDRESS_BYTES_MAX, ADDRESSES_MAX};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;
use crypto::peer_id::PeerIdError;

/// Reads an address as announcements carry it: a literal IP and a port, no name, no zone, at most 53 bytes. The text is
/// what is signed, so it is never written anew.
pub fn announced(text: &str) -> Result<SocketAddr, AddressError> {
    if text.len() > ADDRESS_BYTES_MAX {
        return Err(AddressError::TooLong { got: text.len() });
    }
    if text.contains('%') {
        return Err(AddressError::NotLiteral { got: text.into() });
    }
    text.parse().map_err(|_| AddressError::NotLiteral { got: text.into() })
}

/// Why a text is no address to announce.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    #[error("an address of {got} bytes, at most {ADDRESS_BYTES_MAX} are allowed")]
    TooLong { got: usize },
    #[error("{got:?} is not a literal ip:port")]
    NotLiteral { got: String },
    #[error("no address to announce: all are unspecified and this host's own addresses cannot be listed")]
    NoInterfaces,
}

/// What this host announces: `configured` in order, an unspecified address replaced by this host's `interfaces` of its
/// family (public ones first, then private and link-local, then loopback; `None`: they cannot be listed), without
/// duplicates, at most ten. The result may be empty; then there is nothing to sign.
pub fn own(configured: &[String], interfaces: Option<&[IpAddr]>) -> Result<Vec<String>, AddressError> {
    let mut own: Vec<String> = Vec::new();
    for text in configured {
        let address = announced(text)?;
        let expanded = match (address.ip().is_unspecified(), interfaces) {
            (false, _) => Vec::from([text.clone()]),
            (true, Some(interfaces)) => expand(address, interfaces),
            (true, None) => Vec::new(),
        };
        for text in expanded {
            if own.len() < ADDRESSES_MAX && !own.contains(&text) {
                own.push(text);
            }
        }
    }
    if own.is_empty() && interfaces.is_none() && !configured.is_empty() {
        return Err(AddressError::NoInterfaces);
    }
    Ok(own)
}

fn expand(unspecified: SocketAddr, interfaces: &[IpAddr]) -> Vec<String> {
    let mut ranked: Vec<_> = interfaces
        .iter()
        .filter(|ip| ip.is_ipv4() == unspecified.is_ipv4())
        .map(|ip| (distance(*ip), SocketAddr::new(*ip, unspecified.port()).to_string()))
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, text)| text).collect()
}

/// From how far away an address may be reached: 0 the world, 1 the site, 2 this machine.
fn distance(ip: IpAddr) -> u8 {
    let site = match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    if ip.is_loopback() { 2 } else { u8::from(site) }
}

/// A bootstrap node as configurations name it: `PEERID@host:port/host:port`. Hosts may be names; there may be none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Locator {
    pub peer: PeerId,
    pub addresses: Vec<String>,
}

impl FromStr for Locator {
    type Err = LocatorError;

    fn from_str(text: &str) -> Result<Self, LocatorError> {
        let (peer, addresses) = text.split_once('@').ok_or(LocatorError::At)?;
        if addresses.contains('@') {
            return Err(LocatorError::At);
        }
        let peer = peer.parse()?;
        let mut locator = Locator { peer, addresses: Vec::new() };
        for address in addresses.split('/').filter(|_| !addresses.is_empty()) {
            let valid = address.rsplit_once(':').is_some_and(|(host, port)| {
                let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
                !host.is_empty() && (bare.is_some() || !host.contains(':')) && port.parse::<u16>().is_ok()
            });
            if !valid {
                return Err(LocatorError::Address { got: address.into() });
            }
            locator.addresses.push(address.into());
        }
        Ok(locator)
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.peer, self.addresses.join("/"))
    }
}

/// Why a text names no bootstrap node.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LocatorError {
    #[error("a locator is PEERID@host:port/host:port with exactly one @")]
    At,
    #[error(transparent)]
    Peer(#[from] PeerIdError),
    #[error("{got:?} is not host:port")]
    Address { got: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locator_reads_back_as_written() {
        for text in [
            "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5@",
            "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5@boot.example:6690/[::1]:80",
        ] {
            assert_eq!(text.parse::<Locator>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_locator_says_what_is_wrong() {
        let id = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5";
        assert_eq!(id.parse::<Locator>(), Err(LocatorError::At));
        assert_eq!(alloc::format!("{id}@a:1@b:2").parse::<Locator>(), Err(LocatorError::At));
        for bad in ["a", "a:", ":1", "a:1/", "a:99999", "::1:80"] {
            assert!(
                matches!(alloc::format!("{id}@{bad}").parse::<Locator>(), Err(LocatorError::Address { .. })),
                "{bad}"
            );
        }
    }
}
