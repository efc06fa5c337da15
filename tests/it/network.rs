//! Tests sockets, alone and in an interpreter's waits, against servers in this process.

use crate::harness::Test;
use crate::runtime;
use crate::script::{check_alone, name, paths};
use crate::tls::servers::serve;
use archipel::{Error, Interpreter, Policy, Value};
use rustix::net::sockopt::set_socket_linger;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Servers on ephemeral ports, which live as long as the process.
struct Servers {
    /// Returns its input in upper case.
    echo: u16,
    /// Resets each connection after the first byte.
    reset: u16,
    /// Never reads, and keeps connections open.
    stall: u16,
    /// A port without a listener.
    dead: u16,
}

impl Servers {
    fn start() -> Self {
        // While the process holds the address, no other process gets it and connections are refused.
        let unused = TcpListener::bind("127.0.0.1:0").unwrap();
        let dead = unused.local_addr().unwrap().port();
        drop(unused);
        Servers {
            echo: serve(|mut stream| {
                let mut bytes = [0; 1 << 16];
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    bytes[..count].make_ascii_uppercase();
                    if stream.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
            }),
            reset: serve(|mut stream| {
                if stream.read_exact(&mut [0]).is_ok() {
                    set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
                }
            }),
            stall: serve(std::mem::forget),
            dead,
        }
    }

    fn arguments(&self) -> [String; 4] {
        [self.echo, self.reset, self.stall, self.dead].map(|port| port.to_string())
    }
}

fn policy() -> Policy {
    let policy = Policy::new().children(4, 1).unwrap();
    let policy = policy.net("127.0.0.1:*").unwrap();
    let policy = policy.net("localhost:*").unwrap();
    (0..50).fold(policy, |policy, n| {
        policy.net(format!("host{n}.invalid:80")).unwrap()
    })
}

fn interpreter() -> Interpreter {
    let interpreter = runtime().interpreter().policy(policy()).build().unwrap();
    interpreter.exec("import asyncio, socket").unwrap();
    interpreter
}

/// Returns the test of each script in `tests/network`: `network::SCRIPT`.
pub fn tests() -> impl Iterator<Item = Test> {
    paths("tests/network").into_iter().map(|path| {
        let name = format!("network::{}", name(&path));
        Test::new(name, move || {
            check_alone(&path, policy(), Servers::start().arguments())
        })
    })
}

/// Runs each kind of wait for a socket without data, and calls `end` to end the wait.
fn each_wait(
    port: u16,
    mut end: impl FnMut(&str, &Interpreter, thread::JoinHandle<archipel::Result<()>>),
) {
    let connect = format!("s = socket.create_connection(('127.0.0.1', {port}))\nready.send(1)\n");
    for wait in [
        "s.recv(1)",
        "s.settimeout(600); s.recv(1)",
        "s.sendall(b'x' * (64 << 20))",
        "import select; select.select([s], [], [])",
        "import selectors; p = selectors.DefaultSelector(); p.register(s, 1); p.select()",
        "s.setblocking(False)\nasync def read(): await asyncio.get_running_loop().sock_recv(s, 1)\nasyncio.run(read())",
        "async def read():\n    reader, _ = await asyncio.open_connection(sock=s)\n    await reader.read(1)\nasyncio.run(read())",
    ] {
        let interpreter = interpreter();
        let (ready, is_ready) = runtime().channel(archipel::Capacity::Rendezvous).unwrap();
        interpreter.prepare_main([("ready", ready.into())]).unwrap();
        let (waiting, script) = (interpreter.clone(), format!("{connect}{wait}"));
        let thread = thread::spawn(move || waiting.exec(script));
        is_ready.recv().expect("the script says that it is ready");
        end(wait, &interpreter, thread);
    }
}

#[test]
fn an_interruption_ends_every_wait_for_a_socket() {
    let servers = Servers::start();
    each_wait(servers.stall, |wait, interpreter, thread| {
        interpreter.interrupt();
        match thread.join().unwrap() {
            Err(Error::Raised(raised)) => assert_eq!(raised.name, "KeyboardInterrupt", "{wait}"),
            other => panic!("{wait}: {other:?}"),
        }
        // The interpreter remains usable.
        assert_eq!(interpreter.eval::<i64>("1 + 1").unwrap(), 2, "{wait}");
    });
}

#[test]
fn a_kill_ends_every_wait_for_a_socket() {
    let servers = Servers::start();
    each_wait(servers.stall, |wait, interpreter, thread| {
        interpreter.kill();
        let ended = thread.join().unwrap();
        assert!(matches!(ended, Err(Error::Killed)), "{wait}: {ended:?}");
    });
}

#[test]
fn an_alias_is_called_while_its_owner_waits_for_a_socket() {
    let servers = Servers::start();
    let interpreter = interpreter();
    let (done, result) = mpsc::channel();
    let script = format!(
        "
import archipel, interpreters, socket
s = socket.create_connection(('127.0.0.1', {}))
child = archipel.create()
child.alias('send', lambda: s.send(b'called'))
task = child.call_in_thread(exec, 'send()')
got = s.recv(6)
task.join()
",
        servers.echo
    );
    let guest = interpreter.clone();
    thread::spawn(move || done.send(guest.exec(script)));
    let ended = result
        .recv_timeout(Duration::from_secs(60))
        .expect("the alias is answered during the wait");
    ended.unwrap();
    assert_eq!(
        interpreter.eval::<Value>("got").unwrap().to_string(),
        "b'CALLED'"
    );
}

/// A peer that does not read delays no close, and data written before a close still arrives.
#[test]
fn data_written_before_a_close_arrives() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let interpreter = interpreter();
    interpreter
        .exec(format!(
            "
s = socket.create_connection(('127.0.0.1', {}))
s.setblocking(False)
sent = 0
try:
    while True:
        sent += s.send(b'x' * 65536)
except BlockingIOError:
    s.close()
",
            address.port()
        ))
        .unwrap();
    let sent = interpreter.eval::<Value>("sent").unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert_eq!(sent, i64::try_from(got.len()).unwrap());
}
