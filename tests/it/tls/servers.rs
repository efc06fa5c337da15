//! TLS servers in this process, good and bad.

use super::authorities::{Authority, Identity, self_signed};
use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// Servers on ephemeral ports of this machine, which live as long as the process.
pub struct Servers {
    ports: Vec<(&'static str, u16)>,
    authority: Authority,
    client: Identity,
}

impl Servers {
    pub fn start() -> Self {
        let authority = Authority::new("test authority");
        let stranger = Authority::new("another authority");
        let years = (2020, 2090);
        let good = || authority.sign("localhost", years);
        let both: &[_] = &[&TLS13, &TLS12];
        let ports = vec![
            ("good", tls(config(good(), both, None), echo)),
            ("tls12", tls(config(good(), &[&TLS12], None), echo)),
            ("http", tls(config(good(), both, None), http)),
            (
                "expired",
                tls(
                    config(authority.sign("localhost", (2020, 2021)), both, None),
                    echo,
                ),
            ),
            (
                "early",
                tls(
                    config(authority.sign("localhost", (2089, 2090)), both, None),
                    echo,
                ),
            ),
            (
                "wrong",
                tls(
                    config(authority.sign("other.example", years), both, None),
                    echo,
                ),
            ),
            (
                "stranger",
                tls(config(stranger.sign("localhost", years), both, None), echo),
            ),
            (
                "self",
                tls(config(self_signed("localhost"), both, None), echo),
            ),
            (
                "client",
                tls(config(good(), &[&TLS12], Some(&authority)), echo),
            ),
            ("ragged", tls(config(good(), both, None), ragged)),
            // The answer of a server that knows TLS 1.0 only.
            (
                "old",
                serve(|mut stream| answer(&mut stream, b"\x15\x03\x01\x00\x02\x02\x46")),
            ),
            (
                "plain",
                serve(|mut stream| answer(&mut stream, b"HTTP/1.0 400 Bad Request\r\n\r\n")),
            ),
            // A record that ends early, and one that was changed.
            (
                "truncated",
                serve(|mut stream| answer(&mut stream, b"\x16\x03\x03\x40\x00\x02\x00")),
            ),
            (
                "huge",
                serve(|mut stream| answer(&mut stream, b"\x16\x03\x03\xff\xff\x02\x00")),
            ),
            ("empty", serve(|mut stream| answer(&mut stream, b""))),
            ("stall", serve(std::mem::forget)),
        ];
        let client = authority.sign("client", years);
        Servers {
            ports,
            authority,
            client,
        }
    }

    /// Returns `NAME=PORT` of each server, the client's certificate with its key, and the authority's certificate.
    pub fn arguments(&self) -> Vec<String> {
        let ports = self.ports.iter();
        let ports = ports.map(|(name, port)| format!("{name}={port}"));
        let identity = format!("client-file={}", self.client.pem);
        ports.chain([identity, self.authority.pem()]).collect()
    }
}

fn config(
    identity: Identity,
    versions: &[&'static SupportedProtocolVersion],
    clients: Option<&Authority>,
) -> Arc<ServerConfig> {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let mut config = builder
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Serves each connection on a thread, and returns the port.
pub fn serve(each: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // An answer in two pieces would otherwise wait for a delayed acknowledgement.
            stream.set_nodelay(true).unwrap();
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
    port
}

fn tls(config: Arc<ServerConfig>, each: fn(Stream)) -> u16 {
    serve(move |stream| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        each(StreamOwned::new(connection, stream));
    })
}

/// Answers the first bytes, and ends the connection when the client does.
fn answer(stream: &mut TcpStream, with: &[u8]) {
    let mut bytes = [0; 4096];
    if stream.read(&mut bytes).is_ok() && stream.write_all(with).is_ok() {
        let _ = stream.shutdown(std::net::Shutdown::Write);
        while let Ok(1..) = stream.read(&mut bytes) {}
    }
}

/// Returns its input in upper case, until the client ends the session.
fn echo(mut stream: Stream) {
    let mut bytes = [0; 1 << 16];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        bytes[..count].make_ascii_uppercase();
        if stream.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

/// Ends the connection in the middle of the session.
fn ragged(mut stream: Stream) {
    let mut bytes = [0; 1 << 16];
    if stream.read(&mut bytes).is_ok() && stream.write_all(b"part").is_ok() {
        let _ = stream.flush();
    }
}

/// Answers `GET /COUNT` with as many bytes.
fn http(mut stream: Stream) {
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        request.extend_from_slice(&bytes[..count]);
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        request.clear();
        let path = text.split(' ').nth(1).unwrap_or_default();
        let count: usize = path.trim_start_matches('/').parse().unwrap_or(0);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {count}\r\n\r\n");
        if stream.write_all(head.as_bytes()).is_err() {
            return;
        }
        let piece = [b'x'; 1 << 16];
        let mut left = count;
        while left > 0 {
            let now = left.min(piece.len());
            if stream.write_all(&piece[..now]).is_err() {
                return;
            }
            left -= now;
        }
        let _ = stream.flush();
    }
}
