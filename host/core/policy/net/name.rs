//! Names in network grants, and the addresses that they can refer to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns the form in which names are compared: lower case, without a final dot.
pub fn plain_name(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.to_ascii_lowercase()
}

/// Returns whether a granted name can refer to that address. The owner of a name can make it resolve to any
/// address, so a name never gives access to addresses of this machine or of private networks.
pub fn may_stand_for(name: &str, address: IpAddr) -> bool {
    match name {
        "localhost" => address.to_canonical().is_loopback(),
        _ => is_public(address),
    }
}

/// Returns whether an address is a public internet address.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224.., ..)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let bits = (u32::from(high) << 16) | u32::from(low);
        is_public_v4(Ipv4Addr::from_bits(bits))
    };
    match (a, b) {
        // Translated to IPv4, with the well-known or the private prefix (NAT64).
        (0x64, 0xff9b) => (c, d, e, f) == (0, 0, 0, 0) && embedded(g, h),
        // 6to4.
        (0x2002, _) => embedded(b, c),
        // Teredo, benchmarking, ORCHID and documentation.
        (0x2001, 0..=0x1ff | 0xdb8) => false,
        (0x3fff, 0..=0xfff) => false,
        // The only range of global unicast addresses.
        (a, _) => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N-3: A granted name resolves to an address of this machine or its local network.
    ///
    /// Outcome: DENY, and a connection uses the address that was checked.
    #[test]
    fn names_do_not_give_access_to_private_addresses() {
        let near = [
            "127.0.0.1",
            "10.1.2.3",
            "172.20.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fec0::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1.1.1.1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "::7f00:1",
        ];
        for address in near {
            let address: IpAddr = address.parse().unwrap();
            assert!(!may_stand_for("example.org", address), "{address}");
        }
        for far in [
            "1.1.1.1",
            "172.15.0.1",
            "2606:4700::1111",
            "64:ff9b::1.1.1.1",
        ] {
            let address: IpAddr = far.parse().unwrap();
            assert!(may_stand_for("example.org", address), "{address}");
            assert!(!may_stand_for("localhost", address), "{address}");
        }
        for own in ["127.0.0.1", "::1"] {
            assert!(may_stand_for("localhost", own.parse().unwrap()));
        }
    }
}
