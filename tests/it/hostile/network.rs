//! Hostile network cases, with listeners for traffic that must never arrive.

use super::lane::Lane;
use archipel::{Interpreter, Policy, Value};
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};

/// Listeners of the host. Whatever they receive was let through.
struct Ears {
    tcp: TcpListener,
    udp: UdpSocket,
}

impl Ears {
    fn new() -> Self {
        let (tcp, udp) = (
            TcpListener::bind("127.0.0.1:0").unwrap(),
            UdpSocket::bind("127.0.0.1:0").unwrap(),
        );
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        Ears { tcp, udp }
    }

    fn ports(&self) -> (u16, u16) {
        let tcp = self.tcp.local_addr().unwrap().port();
        (tcp, self.udp.local_addr().unwrap().port())
    }

    fn heard_nothing(&self) {
        let silent = |error: std::io::Error| error.kind() == ErrorKind::WouldBlock;
        assert!(self.tcp.accept().is_err_and(silent), "a connection arrived");
        assert!(
            self.udp.recv(&mut [0; 8]).is_err_and(silent),
            "a packet arrived"
        );
    }
}

const ATTEMPT: &str = python!("hostile/network/attempt.py");

fn attempts(interpreter: &Interpreter, rows: &[(String, &str)]) {
    interpreter.exec(ATTEMPT).unwrap();
    for (call, outcome) in rows {
        let found = interpreter
            .eval::<Value>(format!("attempt(lambda: {call})"))
            .unwrap();
        assert_eq!(found, *outcome, "{call}");
    }
}

/// N-1: It uses the network without a grant in every way, while the host listens.
///
/// Outcome: DENY; nothing arrives.
#[test]
fn n_1_nothing_arrives_without_a_grant() {
    let (lane, ears) = (Lane::new(), Ears::new());
    let (tcp, udp) = ears.ports();
    let interpreter = lane.interpreter(Policy::new());
    let rows = [
        (format!("connect('127.0.0.1', {tcp})"), "PermissionError"),
        (format!("connect('localhost', {tcp})"), "PermissionError"),
        (format!("connect('::1', {tcp})"), "PermissionError"),
        (format!("datagram('127.0.0.1', {udp})"), "PermissionError"),
        (
            format!("urllib.request.urlopen('http://127.0.0.1:{tcp}/')"),
            "PermissionError",
        ),
        (
            format!("asyncio.run(asyncio.open_connection('127.0.0.1', {tcp}))"),
            "PermissionError",
        ),
        (
            "socket.create_server(('127.0.0.1', 0))".to_owned(),
            "PermissionError",
        ),
    ];
    attempts(&interpreter, &rows);
    ears.heard_nothing();
    drop(interpreter);
    lane.is_as_before().unwrap();
}

/// N-2: It writes a destination in every way that could be mistaken for another one.
///
/// Outcome: DENY; only the address of the connection and its grant count.
#[test]
fn n_2_other_spellings_are_denied() {
    let (lane, ears) = (Lane::new(), Ears::new());
    let (tcp, udp) = ears.ports();
    let policy = Policy::new()
        .net("example.org:443")
        .unwrap()
        .net("10.0.0.0/8:*")
        .unwrap();
    let interpreter = lane.interpreter(policy);
    let hosts = [
        "127.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "example.org@127.0.0.1",
        "example.org.127.0.0.1",
        "0.0.0.0",
        "::",
    ];
    let rows = hosts.map(|host| {
        // WASI connects neither to IPv4 addresses through IPv6 sockets nor to unspecified addresses.
        let impossible = host.starts_with("::ffff") || ["0.0.0.0", "::"].contains(&host);
        let outcome = if impossible {
            "OSError"
        } else {
            "PermissionError"
        };
        (format!("connect('{host}', {tcp})"), outcome)
    });
    attempts(&interpreter, &rows);
    let rows = [
        // This name is not valid for a lookup.
        (
            format!("connect('example.org\\r\\nHost: x', {tcp})"),
            "PermissionError",
        ),
        (
            format!("connect('ex\\u00e4mple.org', {tcp})"),
            "PermissionError",
        ),
        (format!("datagram('10.0.0.1', {udp})"), "PermissionError"),
    ];
    attempts(&interpreter, &rows);
    ears.heard_nothing();
    drop(interpreter);
    lane.is_as_before().unwrap();
}

/// N-5: It searches its descriptors for sockets of the host.
///
/// Outcome: DENY; it has none.
#[test]
fn n_5_host_sockets_are_not_inherited() {
    let (lane, ears) = (Lane::new(), Ears::new());
    let interpreter = lane.interpreter(Policy::new());
    interpreter
        .exec(python!("hostile/network/search_descriptors.py"))
        .unwrap();
    let found = interpreter.eval::<Value>("found, opened").unwrap();
    assert_eq!(found.to_string(), "([], [])");
    ears.heard_nothing();
    drop(interpreter);
    lane.is_as_before().unwrap();
}
