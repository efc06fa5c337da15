//! Network grants.

use super::Policy;
use super::env::{MOST_ENTRIES, check_count};
use crate::error::{ConfigKind, Error, Result};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A destination of TCP connections.
///
/// It is written as `host:port`. The host is a name, an address, or a network such as `10.0.0.0/8`. IPv6 is in
/// brackets: `[::1]:80` or `[2001:db8::/32]:443`. The port is a number, or `*` for all ports.
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::policy::Destination;
///
/// let destination: Destination = "Example.ORG.:443".parse()?;
/// assert_eq!(destination.to_string(), "example.org:443");
/// assert!("example.org".parse::<Destination>().is_err());
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination {
    host: Host,
    /// The port. `None` means all ports.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Host {
    /// Lower case, without a final dot.
    Name(String),
    /// A network or a single address.
    Network(IpNet),
}

impl Destination {
    /// Returns whether this is a network that includes the address and port.
    pub fn has_address(&self, address: SocketAddr) -> bool {
        let Host::Network(network) = &self.host else {
            return false;
        };
        self.has_port(address.port()) && network.contains(&address.ip().to_canonical())
    }

    /// Returns whether this is a network that includes the address, with any port.
    pub fn has_ip(&self, address: IpAddr) -> bool {
        matches!(&self.host, Host::Network(network) if network.contains(&address))
    }

    /// Returns whether this is the name `name`, which must be [plain](plain_name).
    pub fn has_name(&self, name: &str) -> bool {
        matches!(&self.host, Host::Name(granted) if granted == name)
    }

    pub(crate) fn has_port(&self, port: u16) -> bool {
        port != 0 && self.port.is_none_or(|granted| granted == port)
    }

    /// Creates a destination from a plain name. `None` means all ports.
    pub fn named(name: &str, port: Option<u16>) -> Self {
        Destination {
            host: Host::Name(name.to_owned()),
            port,
        }
    }
}

/// An index of destinations, for lookups that do not visit all of them.
pub(super) struct Reach<'a> {
    all: &'a BTreeSet<Destination>,
    /// For each port, or all ports, the networks that are not part of another, in order.
    networks: BTreeMap<Option<u16>, Vec<IpNet>>,
}

impl<'a> Reach<'a> {
    pub(super) fn new(all: &'a BTreeSet<Destination>) -> Self {
        let mut networks: BTreeMap<_, Vec<IpNet>> = BTreeMap::new();
        for Destination { host, port } in all {
            let Host::Network(network) = host else {
                continue;
            };
            let outer = networks.entry(*port).or_default();
            // A network sorts before the networks in it; the networks after those are disjoint from it.
            if outer.last().is_none_or(|last| !last.contains(network)) {
                outer.push(*network);
            }
        }
        Reach { all, networks }
    }

    /// Returns whether these destinations include all of `wanted`.
    pub(super) fn has(&self, wanted: &Destination) -> bool {
        match &wanted.host {
            Host::Name(name) => {
                self.all.contains(wanted) || self.all.contains(&Destination::named(name, None))
            }
            Host::Network(network) => [None, wanted.port].iter().any(|port| {
                let outer = self.networks.get(port).map_or(&[][..], Vec::as_slice);
                let behind = outer.partition_point(|other| other <= network);
                let before = behind.checked_sub(1).and_then(|at| outer.get(at));
                before.is_some_and(|other| other.contains(network))
            }),
        }
    }
}

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

impl FromStr for Destination {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let shown: String = text.chars().take(300).collect();
            Error::config(
                ConfigKind::Grant,
                format!("cannot grant connections to {shown:?}: {why}"),
            )
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(|| {
            wrong("it has no port; write HOST:PORT, such as example.org:443 or example.org:*")
        })?;
        let port = match port {
            "*" => None,
            port => match port.parse() {
                Ok(port) if port > 0 => Some(port),
                _ => return Err(wrong("the port must be a number from 1 to 65535, or *")),
            },
        };
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if bracketed.is_none() && host.contains(':') {
            return Err(wrong("an IPv6 address must be in brackets, as in [::1]:80"));
        }
        if let Some(network) = network(bracketed.unwrap_or(host)) {
            let host = Host::Network(network.map_err(wrong)?);
            return Ok(Destination { host, port });
        }
        if bracketed.is_some() {
            return Err(wrong("the brackets do not contain an IPv6 address"));
        }
        let name = plain_name(host);
        check_host_name(&name).map_err(wrong)?;
        Ok(Destination {
            host: Host::Name(name),
            port,
        })
    }
}

/// Parses an address or a network. Returns `None` if `host` is neither.
fn network(host: &str) -> Option<Result<IpNet, &'static str>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(Ok(address.to_canonical().into()));
    }
    let (address, _) = host.split_once('/')?;
    Some(match (host.parse::<IpNet>(), address.parse::<IpAddr>()) {
        (Ok(network), _) if network.trunc() != network => {
            Err("the network has bits set after its prefix")
        }
        (Ok(IpNet::V6(network)), _) if network.addr().to_ipv4_mapped().is_some() => {
            Err("an IPv4-mapped network must be written in IPv4 form")
        }
        (Ok(network), _) => Ok(network),
        (Err(_), Ok(_)) => Err("the prefix length after the slash is invalid"),
        (Err(_), Err(_)) => Err("only an address can have a prefix length, as in 10.0.0.0/8"),
    })
}

fn check_host_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it has no host");
    }
    if name.len() > 253 {
        return Err("the name is longer than 253 bytes");
    }
    let mut labels = name.split('.');
    let plain = |label: &str| {
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        (1..=63).contains(&label.len()) && label.chars().all(letters)
    };
    if !labels.clone().all(plain) {
        return Err(
            "a name consists of ASCII letters, digits and hyphens, with single dots between its parts; \
             write other characters in xn-- form",
        );
    }
    // Resolvers parse such names as addresses: 127.1, 2130706433, 0x7f.1.
    let last = labels.next_back().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x");
    let is_number = last.chars().all(|c| c.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()));
    if is_number {
        return Err("its last part is a number; write a full address such as 127.0.0.1");
    }
    Ok(())
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => f.write_str(name)?,
            Host::Network(network) => {
                let all = network.prefix_len() == network.max_prefix_len();
                match (network, all) {
                    (IpNet::V4(network), true) => network.addr().fmt(f)?,
                    (IpNet::V4(network), false) => network.fmt(f)?,
                    (IpNet::V6(network), true) => write!(f, "[{}]", network.addr())?,
                    (IpNet::V6(network), false) => write!(f, "[{network}]")?,
                }
            }
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => f.write_str(":*"),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

impl Policy {
    /// Grants TCP connections to `destination`, in the form `HOST:PORT`: see [`Destination`].
    ///
    /// The host checks the address of each connection. Granting a name also allows looking it up, and allows
    /// connections to the public addresses that the host found when the interpreter looked it up. Addresses of
    /// this machine, of private networks and of links must be granted as addresses, whatever a name resolves
    /// to. The name `localhost` refers to this machine only. UDP and listening for connections cannot be
    /// granted.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] if `destination` is invalid, or if the policy has 4,096 destinations already.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new()
    ///     .net("example.org:443")?
    ///     .net("10.1.0.0/16:5432")?
    ///     .net("[::1]:*")?;
    /// let error = Policy::new().net("example.org").unwrap_err().to_string();
    /// assert!(error.contains("has no port"));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn net(mut self, destination: impl AsRef<str>) -> Result<Self> {
        self.net.insert(destination.as_ref().parse()?);
        check_count("destinations", self.net.len(), MOST_ENTRIES)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displayed_destinations_are_read_back() {
        let rows = [
            ("example.org:443", "example.org:443"),
            ("Example.ORG.:443", "example.org:443"),
            ("localhost:*", "localhost:*"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("10.0.0.0/8:80", "10.0.0.0/8:80"),
            ("[::1]:80", "[::1]:80"),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80"),
            ("[2001:db8::/32]:*", "[2001:db8::/32]:*"),
            ("xn--bcher-kva.example:1", "xn--bcher-kva.example:1"),
        ];
        for (text, shown) in rows {
            let read: Destination = text.parse().unwrap();
            assert_eq!(read.to_string(), shown);
            assert_eq!(shown.parse::<Destination>().unwrap(), read);
        }
    }

    #[test]
    fn invalid_destinations_are_refused() {
        let long = format!("{}:1", "a.".repeat(200));
        let rows = [
            ("", "no port"),
            ("example.org", "no port"),
            ("example.org:", "port"),
            ("example.org:0", "port"),
            ("example.org:65536", "port"),
            ("example.org:-1", "port"),
            (":80", "no host"),
            ("::1:80", "brackets"),
            ("[::1", "brackets"),
            ("[example.org]:80", "brackets"),
            ("[fe80::1%eth0]:80", "brackets"),
            ("127.1:80", "number"),
            ("2130706433:80", "number"),
            ("0x7f.0x1:80", "number"),
            ("010.0.0.1:80", "number"),
            ("10.0.0.1/8:80", "bits set"),
            ("10.0.0.0/33:80", "prefix"),
            ("example.org/8:80", "prefix"),
            ("a b:80", "ASCII"),
            ("a\0b:80", "ASCII"),
            ("a\r\nb:80", "ASCII"),
            ("user@example.org:80", "ASCII"),
            ("b\u{fc}cher.example:80", "xn--"),
            ("a..b:80", "dots"),
            (&long, "longer"),
        ];
        for (text, why) in rows {
            let error = text.parse::<Destination>().unwrap_err().to_string();
            assert!(error.contains(why), "{text:?}: {error}");
            assert!(!error.contains(['\n', '\0']), "{error}");
        }
    }

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

    #[test]
    fn networks_include_addresses_with_granted_ports() {
        let network: Destination = "10.0.0.0/8:80".parse().unwrap();
        let rows = [
            ("10.255.0.1:80", true),
            ("[::ffff:10.0.0.1]:80", true),
            ("10.0.0.1:81", false),
            ("11.0.0.1:80", false),
            ("[::1]:80", false),
        ];
        for (address, granted) in rows {
            assert_eq!(network.has_address(address.parse().unwrap()), granted);
        }
        let any: Destination = "10.0.0.1:*".parse().unwrap();
        assert!(!any.has_address("10.0.0.1:0".parse().unwrap()));
    }

    #[test]
    fn reach_agrees_with_a_linear_search() {
        let parse = |text: &str| text.parse::<Destination>().unwrap();
        let all = [
            "10.0.0.0/8:80",
            "10.0.0.0/16:80",
            "10.1.0.0/16:*",
            "10.1.2.0/24:443",
            "10.1.2.3:80",
            "11.0.0.0/9:80",
            "0.0.0.0/0:53",
            "[::]/0:53",
            "[2001:db8::/32]:80",
            "[2001:db8:1::/48]:*",
            "a.example:80",
            "b.example:*",
            "b.example:80",
        ];
        let all: Vec<_> = all.iter().filter_map(|text| text.parse().ok()).collect();
        let is_within = |own: &Destination, other: &Destination| {
            let port = other.port.is_none() || own.port == other.port;
            port && match (&own.host, &other.host) {
                (Host::Name(own), Host::Name(others)) => own == others,
                (Host::Network(own), Host::Network(others)) => others.contains(own),
                _ => false,
            }
        };
        // All ranges of neighbouring destinations, with each destination as the wanted one.
        for from in 0..all.len() {
            for to in from..=all.len() {
                let some: BTreeSet<Destination> = all[from..to].iter().cloned().collect();
                let reach = Reach::new(&some);
                for wanted in &all {
                    let walked = some.iter().any(|other| is_within(wanted, other));
                    assert_eq!(reach.has(wanted), walked, "{wanted} in {some:?}");
                }
            }
        }
        assert!(!Reach::new(&BTreeSet::from([parse("10.0.0.1:80")])).has(&parse("10.0.0.1:*")));
    }
}
