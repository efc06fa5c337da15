//! Tests TLS against servers in this process.

mod authorities;
pub mod servers;

use crate::harness::Test;
use crate::runtime;
use crate::script::{check_alone, name, paths};
use archipel::{Interpreter, Limits, Policy};
use servers::Servers;

fn policy() -> Policy {
    let policy = Policy::new().children(2, 1).unwrap();
    let policy = policy.net("127.0.0.1:*").unwrap();
    policy.net("localhost:*").unwrap()
}

/// Returns the test of each script in `tests/tls`: `tls::SCRIPT`. The arguments of a script are the names and ports of
/// the servers, and the certificate of their authority.
pub fn tests() -> impl Iterator<Item = Test> {
    paths("tests/tls").into_iter().map(|path| {
        let name = format!("tls::{}", name(&path));
        Test::new(name, move || {
            check_alone(&path, policy(), Servers::start().arguments())
        })
    })
}

/// Returns an interpreter with the names `ports` and `context`.
fn connected(servers: &Servers, limits: Limits) -> Interpreter {
    let interpreter = runtime()
        .interpreter()
        .policy(policy())
        .limits(limits)
        .build()
        .unwrap();
    let mut ports = servers.arguments();
    let authority = ports.pop().unwrap();
    interpreter
        .exec(format!(
            "import socket, ssl\n\
             ports = dict(item.split('=', 1) for item in {ports:?})\n\
             context = ssl.create_default_context(cadata={authority:?})\n\
             def connect(name='good'):\n\
             \x20   s = socket.create_connection(('localhost', int(ports[name])))\n\
             \x20   return context.wrap_socket(s, server_hostname='localhost')"
        ))
        .unwrap();
    interpreter
}

#[test]
fn a_copy_uses_contexts_of_its_original_but_not_its_sessions() {
    let servers = Servers::start();
    let interpreter = connected(&servers, Limits::new());
    interpreter
        .exec(
            "i, o = ssl.MemoryBIO(), ssl.MemoryBIO()\n\
             session = context.wrap_bio(i, o, server_hostname='localhost')\n\
             try: session.do_handshake()\n\
             except ssl.SSLWantReadError: pass",
        )
        .unwrap();
    let copy = interpreter.fork().unwrap();
    // Others have its numbers in the copy.
    copy.exec("others = [context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='x') for _ in range(9)]")
        .unwrap();
    let error = copy.exec("i.write(b'x'); session.do_handshake()");
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("SSLError") && error.contains("of which this one is a copy"),
        "{error}"
    );
    copy.exec("del session; s = connect(); s.sendall(b'a'); assert s.recv(9) == b'A'")
        .unwrap();
    interpreter
        .exec("s = connect(); s.sendall(b'b'); assert s.recv(9) == b'B'; assert session.version() is None")
        .unwrap();
}

#[test]
fn sessions_count_as_handles_and_as_memory() {
    let servers = Servers::start();
    let many = "sessions = [context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='x') for _ in range(2000)]";
    for (limits, kind) in [
        (Limits::new().handles(100), "handles"),
        (Limits::new().memory(128 << 20), "memory"),
    ] {
        let interpreter = connected(&servers, limits);
        let script = format!(
            "from archipel import LimitExceeded\n\
             try:\n    {many}\n\
             except LimitExceeded as error:\n    assert error.kind == {kind:?}, error\n\
             else:\n    raise AssertionError('no limit')\n\
             s = connect(); s.sendall(b'a'); assert s.recv(9) == b'A'"
        );
        interpreter.exec(script).unwrap();
    }
}

#[test]
fn a_forged_number_names_nothing() {
    let servers = Servers::start();
    let interpreter = connected(&servers, Limits::new());
    interpreter
        .exec(
            "from wit_world.imports import tls\n\
             from componentize_py_types import Err\n\
             s = connect()\n\
             number = s._sslobj._number\n\
             for forged in (0, 1, number & 0xffffffff, number ^ 1 << 40, 2**64 - 1, s.fileno()):\n\
             \x20   for call in (lambda: tls.advance(forged, b'x', b''), lambda: tls.finish(forged), lambda: tls.describe(forged), lambda: tls.connect(forged, 'x')):\n\
             \x20       try: call()\n\
             \x20       except Err as error: assert type(error.value) is tls.Error_Absent\n\
             \x20       else: raise AssertionError(forged)\n\
             \x20   tls.forget(forged)\n\
             for size in (1 << 20) + 1, 64 << 20:\n\
             \x20   try: tls.advance(number, bytes(size), b'')\n\
             \x20   except Err as error: assert type(error.value) is tls.Error_Wrong\n\
             \x20   else: raise AssertionError(size)\n\
             s.sendall(b'a'); assert s.recv(9) == b'A'",
        )
        .unwrap();
}
