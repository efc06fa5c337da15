//! Searches in destinations.

use super::{Destination, Host};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// An index of destinations, for lookups that do not visit all of them.
pub(in crate::policy) struct Reach<'a> {
    all: &'a BTreeSet<Destination>,
    /// For each port, or all ports, the networks that are not part of another, in order.
    networks: BTreeMap<Option<u16>, Vec<IpNet>>,
}

impl<'a> Reach<'a> {
    pub(in crate::policy) fn new(all: &'a BTreeSet<Destination>) -> Self {
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
    pub(in crate::policy) fn has(&self, wanted: &Destination) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

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
