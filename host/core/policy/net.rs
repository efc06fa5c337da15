//! Network grants.

mod name;
mod reach;

pub use name::{may_stand_for, plain_name};
pub(super) use reach::Reach;

use super::Policy;
use super::env::{MOST_ENTRIES, check_count};
use crate::error::{ConfigKind, Error, Result};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
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
}
