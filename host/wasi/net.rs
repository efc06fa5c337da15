//! The network of an interpreter, as far as its policy grants it.

use crate::lock::lock;
use crate::telemetry::{self, Subject};
use crate::wasi::{HasWasi, Wasi};
use archipel_core::policy::{Destination, may_stand_for, plain_name};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, Host, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{
    self, ErrorCode, HostNetwork, IpAddress, IpAddressFamily, Network,
};
use wasmtime_wasi::p2::bindings::sockets::{
    instance_network, tcp_create_socket, udp_create_socket,
};
use wasmtime_wasi::p2::{DynPollable, SocketError, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsView};

/// The maximum number of addresses that an interpreter gets to know. An address counts once for
/// each name.
const MOST_ADDRESSES: usize = 4096;

/// The maximum number of lookups at a time: enough for a script, though each can occupy a thread.
const MOST_LOOKUPS: usize = 64;

/// The maximum number of lookups before libc asks for them: fewer than `MOST_LOOKUPS`.
const MOST_AHEAD: usize = 32;

/// The destinations that an interpreter may connect to.
pub(super) struct Net {
    subject: Subject,
    granted: BTreeSet<Destination>,
    /// The addresses of the granted names, as found by lookups.
    found: Mutex<HashMap<IpAddr, BTreeSet<String>>>,
    /// The names that are being looked up, by the indexes of their streams; `None` for an address.
    lookups: Mutex<HashMap<u32, Option<String>>>,
    /// Lookups that were started before libc asks for them, since libc's call blocks; the oldest
    /// first.
    ahead: Mutex<Vec<Ahead>>,
}

/// A lookup that libc has not asked for yet.
struct Ahead {
    /// The name in the guest's spelling.
    name: String,
    /// The index of the stream of addresses.
    stream: u32,
    /// The index of the pollable that is ready when the stream has an address.
    pollable: u32,
}

impl Net {
    pub(super) fn set(
        builder: &mut WasiCtxBuilder,
        subject: &Subject,
        granted: &BTreeSet<Destination>,
    ) -> Arc<Self> {
        let net = Arc::new(Net {
            subject: subject.clone(),
            granted: granted.clone(),
            found: Mutex::default(),
            lookups: Mutex::default(),
            ahead: Mutex::default(),
        });
        let any = !granted.is_empty();
        builder
            .allow_tcp(any)
            .allow_udp(false)
            // Names are checked in `may_look_up`; an address is its own name.
            .allow_ip_name_lookup(true);
        if any {
            let net = net.clone();
            builder.socket_addr_check(move |address, purpose| {
                let granted = net.has(address, purpose);
                if !granted {
                    net.log_denial(format_args!("{purpose:?} {address}"));
                }
                Box::pin(std::future::ready(granted))
            });
        }
        net
    }

    /// Logs a denial to the audit log.
    fn log_denial(&self, what: impl Display) {
        telemetry::denied(&self.subject, what);
    }

    fn has(&self, address: SocketAddr, purpose: SocketAddrUse) -> bool {
        match purpose {
            SocketAddrUse::TcpConnect => {
                let literal = self
                    .granted
                    .iter()
                    .any(|granted| granted.has_address(address));
                literal || self.has_found(address)
            }
            // Every connection starts with this bind.
            SocketAddrUse::TcpBind => {
                let any = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
                address.port() == 0 && any.contains(&address.ip())
            }
            _ => false,
        }
    }

    fn has_found(&self, address: SocketAddr) -> bool {
        let found = lock(&self.found);
        let Some(names) = found.get(&address.ip().to_canonical()) else {
            return false;
        };
        let mut ports = [None, Some(address.port())].into_iter();
        address.port() != 0
            && ports.any(|port| {
                let has = |name: &String| self.granted.contains(&Destination::named(name, port));
                names.iter().any(has)
            })
    }

    /// Returns the granted spelling of a name, `Some(None)` for an address, and `None` for a name
    /// that is not granted.
    fn may_look_up(&self, name: &str) -> Option<Option<String>> {
        if name.parse::<IpAddr>().is_ok() {
            return Some(None);
        }
        let name = plain_name(name);
        let granted = self.granted.iter().any(|granted| granted.has_name(&name));
        granted.then_some(Some(name))
    }

    /// Records an address that was found, and returns whether the guest may know it.
    fn note(&self, name: &str, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if !may_stand_for(name, address) {
            // The address itself may be granted, which is checked when connecting.
            return self.granted.iter().any(|granted| granted.has_ip(address));
        }
        let mut found = lock(&self.found);
        let known = found
            .get(&address)
            .is_some_and(|names| names.contains(name));
        if known {
            return true;
        }
        // An address counts once for each of its names, since names are what is stored and
        // searched.
        let count: usize = found.values().map(BTreeSet::len).sum();
        if count >= MOST_ADDRESSES {
            return false;
        }
        found.entry(address).or_default().insert(name.to_owned());
        true
    }
}

/// Adds the name lookup and the creation of sockets to `linker`. wasmtime's lookup allows all names
/// or none, and its creation of sockets refuses some without a log entry.
pub(super) fn add_to_linker<T: HasWasi>(linker: &mut Linker<T>) -> Result<()> {
    ip_name_lookup::add_to_linker::<T, HasLookups>(linker, |state| lookups(state.wasi_mut()))?;
    tcp_create_socket::add_to_linker::<T, HasLookups>(linker, |state| lookups(state.wasi_mut()))?;
    udp_create_socket::add_to_linker::<T, HasLookups>(linker, |state| lookups(state.wasi_mut()))
}

fn lookups(state: &mut Wasi) -> Lookups<'_> {
    Lookups {
        net: state.net.clone(),
        state,
    }
}

struct HasLookups;

impl HasData for HasLookups {
    type Data<'a> = Lookups<'a>;
}

struct Lookups<'a> {
    state: &'a mut Wasi,
    net: Arc<Net>,
}

impl network::Host for Lookups<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> Result<ErrorCode> {
        self.state.sockets().convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> Result<Option<ErrorCode>> {
        self.state.sockets().network_error_code(error)
    }
}

impl HostNetwork for Lookups<'_> {
    fn drop(&mut self, network: Resource<Network>) -> Result<()> {
        HostNetwork::drop(&mut self.state.sockets(), network)
    }
}

impl tcp_create_socket::Host for Lookups<'_> {
    fn create_tcp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> Result<Resource<TcpSocket>, SocketError> {
        if self.net.granted.is_empty() {
            self.net
                .log_denial("creating a TCP socket: the policy grants no destination");
            return Err(ErrorCode::AccessDenied.into());
        }
        let held = match self.state.has_room_to_open() {
            true => self.state.another_descriptor_now(),
            false => None,
        };
        let Some(held) = held else {
            return Err(ErrorCode::NewSocketLimit.into());
        };
        let mut wasi = self.state.sockets();
        let socket = tcp_create_socket::Host::create_tcp_socket(&mut wasi, family)?;
        self.state.opened_socket(&socket, held);
        Ok(socket)
    }
}

impl udp_create_socket::Host for Lookups<'_> {
    async fn create_udp_socket(
        &mut self,
        _family: IpAddressFamily,
    ) -> Result<Resource<UdpSocket>, SocketError> {
        self.net
            .log_denial("creating a UDP socket: no policy can grant it");
        Err(ErrorCode::AccessDenied.into())
    }
}

impl Wasi {
    /// Starts a lookup of `name` before libc asks for it, and returns the pollable for its answer,
    /// or `None` if there is nothing to wait for. Lookups of the pollables in `wanted` continue.
    pub(crate) fn look_up(
        &mut self,
        name: &str,
        wanted: &[Resource<DynPollable>],
    ) -> Result<Option<Resource<DynPollable>>> {
        let mut lookups = lookups(self);
        let net = lookups.net.clone();
        let known = lock(&net.ahead)
            .iter()
            .find(|ahead| ahead.name == name)
            .map(|ahead| ahead.pollable);
        if let Some(pollable) = known {
            return Ok(Some(Resource::new_borrow(pollable)));
        }
        // The lookup by libc then reports the denial.
        if net.may_look_up(name).is_none() {
            return Ok(None);
        }
        let unwanted = {
            let mut ahead = lock(&net.ahead);
            let is_wanted = |ahead: &Ahead| wanted.iter().any(|p| p.rep() == ahead.pollable);
            match ahead.iter().position(|ahead| !is_wanted(ahead)) {
                _ if ahead.len() < MOST_AHEAD => None,
                Some(oldest) => Some(ahead.remove(oldest)),
                None => return Ok(None),
            }
        };
        if let Some(unwanted) = unwanted {
            let stream = lookups.take_begun(unwanted)?;
            HostResolveAddressStream::drop(&mut lookups, stream)?;
        }
        let network = instance_network::Host::instance_network(&mut lookups.state.sockets())?;
        let again = Resource::new_borrow(network.rep());
        let begun = lookups.resolve_addresses(again, name.to_owned());
        HostNetwork::drop(&mut lookups, network)?;
        let Ok(stream) = begun else {
            return Ok(None);
        };
        let again = Resource::new_borrow(stream.rep());
        let pollable = HostResolveAddressStream::subscribe(&mut lookups, again)?.rep();
        lock(&net.ahead).push(Ahead {
            name: name.to_owned(),
            stream: stream.rep(),
            pollable,
        });
        Ok(Some(Resource::new_borrow(pollable)))
    }
}

impl Lookups<'_> {
    /// Returns the addresses of `name`, if a lookup was started.
    fn take_ahead(&mut self, name: &str) -> Result<Option<Resource<ResolveAddressStream>>> {
        let found = {
            let mut ahead = lock(&self.net.ahead);
            let place = ahead.iter().position(|ahead| ahead.name == name);
            place.map(|place| ahead.remove(place))
        };
        found.map(|found| self.take_begun(found)).transpose()
    }

    /// Returns the addresses of a started lookup, and removes its pollable.
    fn take_begun(&mut self, ahead: Ahead) -> Result<Resource<ResolveAddressStream>> {
        let pollable = Resource::<DynPollable>::new_own(ahead.pollable);
        self.state.table.delete(pollable)?;
        Ok(Resource::new_own(ahead.stream))
    }
}

impl Host for Lookups<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        let Some(granted) = self.net.may_look_up(&name) else {
            let shown: String = name.chars().take(253).collect();
            self.net.log_denial(format_args!("looking up {shown:?}"));
            return Err(ErrorCode::AccessDenied.into());
        };
        if let Some(stream) = self.take_ahead(&name).map_err(SocketError::trap)? {
            return Ok(stream);
        }
        if lock(&self.net.lookups).len() >= MOST_LOOKUPS {
            return Err(ErrorCode::NewSocketLimit.into());
        }
        let asked = granted.clone().unwrap_or(name);
        let stream = self.state.sockets().resolve_addresses(network, asked)?;
        lock(&self.net.lookups).insert(stream.rep(), granted);
        Ok(stream)
    }
}

impl HostResolveAddressStream for Lookups<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let name = lock(&self.net.lookups)
            .get(&stream.rep())
            .cloned()
            .flatten();
        loop {
            let again = Resource::new_borrow(stream.rep());
            let Some(found) = self.state.sockets().resolve_next_address(again)? else {
                return Ok(None);
            };
            let Some(name) = &name else {
                return Ok(Some(found));
            };
            if self.net.note(name, plain_address(found)) {
                return Ok(Some(found));
            }
            self.net.log_denial(format_args!(
                "the name {name:?} resolves to {found:?}, which its grant does not cover"
            ));
        }
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Resource<DynPollable>> {
        HostResolveAddressStream::subscribe(&mut self.state.sockets(), stream)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> Result<()> {
        lock(&self.net.lookups).remove(&stream.rep());
        HostResolveAddressStream::drop(&mut self.state.sockets(), stream)
    }
}

fn plain_address(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => Ipv6Addr::new(a, b, c, d, e, f, g, h).into(),
    }
}
