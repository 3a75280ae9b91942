//! Which addresses are public: where a URL from outside may lead.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether the address is one of the open internet, not of this machine, its network, a group, or a cloud's inside
/// (node spec 4.6).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    // Azure's inner services answer at a public address.
    let azure = Ipv4Addr::new(168, 63, 129, 16);
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local() // also the metadata of most clouds, 169.254.169.254
        || address.is_multicast()
        || address.is_documentation()
        || a == 0 // this network (RFC 1122)
        || (a == 100 && b & 0xc0 == 64) // carriers' NAT (RFC 6598); also Alibaba's metadata
        || (a == 192 && b == 0 && c == 0) // protocol assignments (RFC 6890)
        || (a == 198 && b & 0xfe == 18) // benchmarks (RFC 2544)
        || a >= 240 // reserved, broadcast
        || address == azure)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        // ::, ::1 and the obsolete form of embedding.
        [0, 0, 0, 0, 0, 0, _, _] => false,
        // An IPv4 address in a mapped, translated (RFC 6052) or 6to4 form leads where the IPv4 address leads.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            is_public_v4(v4(high, low))
        }
        // Global unicast is 2000::/3; of it, 2001::/23 is for protocols and 2001:db8::/32 for documents.
        [first, second, ..] => {
            let is_protocols = first == 0x2001 && (second < 0x200 || second == 0xdb8);
            first & 0xe000 == 0x2000 && !is_protocols
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_open_internet_are_public() {
        for address in [
            "8.8.8.8",
            "1.1.1.1",
            "100.63.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "127.255.0.3",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "203.0.113.1",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
