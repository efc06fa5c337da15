//! Tests what an interpreter can do with the grants of its policy, and that it can do nothing else.

use crate::runtime;
use archipel::policy::{Access, Clock, Profile, Random};
use archipel::{Interpreter, Output, Policy, Value};
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

fn with(policy: Policy) -> Interpreter {
    runtime().interpreter().policy(policy).build().unwrap()
}

/// A temporary folder for one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("archipel-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Defines `attempt`, which returns the exception that a call raised: its error code, if it has one.
const ATTEMPT: &str = python!("policy/attempt.py");

/// Checks the outcome of each attempt.
fn attempts(interpreter: &Interpreter, rows: &[(&str, &str)]) {
    interpreter.exec(ATTEMPT).unwrap();
    for (attempt, outcome) in rows {
        let found = interpreter
            .eval::<Value>(format!("attempt(lambda: {attempt})"))
            .unwrap();
        assert_eq!(found, Value::from(*outcome), "{attempt}");
    }
}

#[test]
fn the_policy_sets_the_arguments() {
    let policy = Policy::new().args(["--one", "two"]).unwrap();
    let interpreter = with(policy.clone());
    interpreter
        .exec("import sys; found = sys.argv[1:]")
        .unwrap();
    let found = interpreter.eval::<Value>("' '.join(found)").unwrap();
    assert_eq!(found, "--one two");
    let print = "import sys; print(sys.argv)";
    for (given, printed) in [
        (vec![], "['s', '--one', 'two']\n"),
        (vec!["x".to_owned()], "['s', 'x']\n"),
    ] {
        let output = Output::captured(1000);
        let builder = runtime().interpreter().policy(policy.clone());
        let interpreter = builder.stdout(output.clone()).build().unwrap();
        interpreter.run(print, "s", given).unwrap();
        assert_eq!(output.take().text(), printed);
    }
}

/// Prints values that otherwise differ in every run.
const VARIES: &str = python!("policy/what_varies.py");

/// D-5: Two runs with the same seed and a frozen clock are compared.
///
/// Outcome: OK, identical.
#[test]
fn runs_with_equal_seeds_and_frozen_clocks_are_identical() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let run = |seed| {
        let policy = Policy::new().clock(Clock::Frozen(time)).unwrap();
        let policy = policy.random(Random::Seeded(seed)).children(4, 1).unwrap();
        let output = Output::captured(1 << 16);
        let builder = runtime().interpreter().policy(policy);
        let interpreter = builder.stdout(output.clone()).build().unwrap();
        interpreter.exec(VARIES).unwrap();
        output.take().text()
    };
    let first = run(1);
    assert!(first.contains("1700000000.0 0.0 0.0"), "{first}");
    assert!(first.contains("timed out at 0.04"), "{first}");
    assert_eq!(first, run(1));
    assert_ne!(first, run(2), "the seed has no effect");
    let last: Vec<&str> = first.lines().rev().take(2).collect();
    assert!(
        !last[1].starts_with(last[0]),
        "children share the random state: {last:?}"
    );
}

#[test]
fn clocks_are_shifted_or_frozen_as_granted() {
    let hour = 3600;
    let now = || {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
    };
    for offset in [-hour, 0, hour] {
        let policy = Policy::new().clock(Clock::Offset(offset)).unwrap();
        let before = now().as_secs() as i64 + offset;
        let time = with(policy)
            .eval::<Value>("int(__import__('time').time())")
            .unwrap();
        let after = now().as_secs() as i64 + offset;
        let time = time.as_i64().unwrap();
        assert!((before..=after).contains(&time), "{offset}");
    }
    // The loop reaches its deadline, and the clock stands still between two reads.
    let frozen = Policy::new()
        .clock(Clock::Frozen(SystemTime::UNIX_EPOCH))
        .unwrap();
    let interpreter = with(frozen);
    let source = python!("policy/sleep_to_a_deadline.py");
    interpreter.exec(source).unwrap();
    assert_eq!(
        interpreter.eval::<Value>("steps").unwrap().as_i64(),
        Some(5)
    );
    assert!(interpreter.eval::<bool>("stands").unwrap());
}

/// Starts a server that answers each connection with a short HTTP response, and returns its port.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        }
    });
    port
}

const FETCH: &str = python!("policy/network.py");

/// Returns the exception or the value of a call.
fn fetched(interpreter: &Interpreter, call: &str) -> String {
    let source =
        format!("try: found = repr({call})\nexcept OSError as error: found = type(error).__name__");
    interpreter.exec(source).unwrap();
    let found = interpreter.eval::<Value>("found").unwrap();
    found.as_str().unwrap().to_owned()
}

/// N-2: It connects to granted destinations under other names and spellings, and to others.
///
/// Outcome: DENY.
#[test]
fn only_granted_addresses_can_be_connected() {
    let (granted, other) = (server(), server());
    let policy = Policy::new().net(format!("127.0.0.1:{granted}")).unwrap();
    let interpreter = with(policy);
    interpreter.exec(FETCH).unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = datagrams.local_addr().unwrap().port();
    let rows = [
        (format!("fetch('127.0.0.1', {granted})"), "b'hello'"),
        (format!("connect('127.0.0.1', {granted})"), "None"),
        (format!("connect('127.0.0.1', {other})"), "PermissionError"),
        (
            format!("connect('127.0.0.2', {granted})"),
            "PermissionError",
        ),
        ("listen()".to_owned(), "PermissionError"),
        ("listen_unbound()".to_owned(), "PermissionError"),
        (format!("datagram({port})"), "PermissionError"),
        // Only addresses were granted: no names for them, and no other spellings.
        (
            format!("connect('localhost', {granted})"),
            "PermissionError",
        ),
        (
            format!("connect('2130706433', {granted})"),
            "PermissionError",
        ),
        (format!("connect('0x7f.1', {granted})"), "PermissionError"),
        ("connect('x@127.0.0.1', 80)".to_owned(), "PermissionError"),
    ];
    for (call, outcome) in rows {
        assert_eq!(fetched(&interpreter, &call), outcome, "{call}");
    }
    datagrams.set_nonblocking(true).unwrap();
    assert!(datagrams.recv(&mut [0; 8]).is_err(), "a datagram was sent");
}

#[test]
fn connections_without_a_grant_are_denied() {
    let port = server();
    let interpreter = with(Policy::new());
    interpreter.exec(FETCH).unwrap();
    for (call, outcome) in [
        (format!("connect('127.0.0.1', {port})"), "PermissionError"),
        (format!("connect('localhost', {port})"), "PermissionError"),
        ("listen()".to_owned(), "PermissionError"),
        (format!("datagram({port})"), "PermissionError"),
    ] {
        assert_eq!(fetched(&interpreter, &call), outcome, "{call}");
    }
}

#[test]
fn only_granted_names_can_be_resolved() {
    let port = server();
    let policy = Policy::new().net(format!("localhost:{port}")).unwrap();
    let interpreter = with(policy);
    interpreter.exec(FETCH).unwrap();
    // An address resolved from a granted name is allowed only after the resolution.
    let address = format!("connect('127.0.0.1', {port})");
    assert_eq!(fetched(&interpreter, &address), "PermissionError");
    for name in ["localhost", "LOCALHOST", "localhost."] {
        let call = format!("fetch('{name}', {port})");
        assert_eq!(fetched(&interpreter, &call), "b'hello'", "{name}");
    }
    assert_eq!(fetched(&interpreter, &address), "None");
    let other = format!("connect('localhost', {})", server());
    assert_eq!(fetched(&interpreter, &other), "PermissionError");
    assert_eq!(
        fetched(&interpreter, "connect('example.org', 80)"),
        "PermissionError"
    );
}

#[test]
fn a_write_quota_counts_every_way_to_write() {
    let folder = Folder::new("quota");
    std::fs::write(folder.0.join("old"), vec![0; 1000]).unwrap();
    let policy = Policy::new()
        .dir_with_quota(&folder.0, "/data", 100)
        .unwrap();
    let interpreter = with(policy.clone());
    interpreter.exec(python!("policy/write.py")).unwrap();
    let rows = [
        ("write('a', 60)", "done"),
        ("write('a', 41)", "EIO"),
        // A gap behind the end of a file counts.
        ("write('a', 1, 'r+b', 2**62)", "ENOSPC"),
        ("write('b', 1, 'wb', 40)", "ENOSPC"),
        ("truncate('b', 2**63 - 1)", "ENOSPC"),
        ("truncate('b', 41)", "ENOSPC"),
        ("truncate('b', 10)", "done"),
        ("truncate('b', 0)", "done"),
        ("write('c', 10, 'ab')", "done"),
        // Existing data does not count, but overwriting it does.
        ("write('old', 10, 'r+b', 500)", "done"),
        ("write('old', 11, 'r+b', 500)", "EIO"),
        ("truncate('old', 1)", "done"),
        // Deleting does not restore the quota.
        ("os.unlink('/data/a')", "done"),
        ("write('d', 11)", "EIO"),
        ("write('d', 10)", "done"),
        ("write('d', 1)", "ENOSPC"),
        ("write('d', 0)", "done"),
        ("open('/data/c').close()", "done"),
    ];
    attempts(&interpreter, &rows);
    assert_eq!(std::fs::read(folder.0.join("c")).unwrap().len(), 10);
    // Another interpreter of the host has its own quota.
    let another = with(policy);
    attempts(
        &another,
        &[("open('/data/e', 'wb').write(bytes(100))", "done")],
    );
}

#[test]
fn a_write_quota_is_shared_by_a_family() {
    let folder = Folder::new("shared");
    let policy = Policy::new().children(2, 1).unwrap();
    let policy = policy.dir_with_quota(&folder.0, "/data", 100).unwrap();
    let interpreter = with(policy);
    interpreter
        .exec(
            "
import interpreters
child = interpreters.create(isolated=False)
child.run(\"open('/data/a', 'wb', 0).write(bytes(70))\")
",
        )
        .unwrap();
    attempts(
        &interpreter,
        &[
            ("open('/data/b', 'wb', 0).write(bytes(31))", "EIO"),
            ("open('/data/b', 'wb', 0).write(bytes(30))", "done"),
        ],
    );
    let copy = interpreter.fork().unwrap();
    attempts(
        &copy,
        &[("open('/data/c', 'wb', 0).write(bytes(1))", "ENOSPC")],
    );
}

#[test]
fn a_flood_of_file_names_is_bounded() {
    let folder = Folder::new("names");
    let policy = Policy::new().dir_with_quota(&folder.0, "/data", 1).unwrap();
    let interpreter = with(policy);
    interpreter
        .exec("import os\nfor n in range(1000): os.mkdir(f'/data/{n}')")
        .unwrap();
    let rows = [
        ("os.mkdir('/data/x')", "ENOSPC"),
        ("os.symlink('0', '/data/x')", "ENOSPC"),
        ("open('/data/x', 'w')", "ENOSPC"),
    ];
    attempts(&interpreter, &rows);
}

/// F-14: It opens pipes, sockets, devices, and links to them.
///
/// Outcome: DENY.
#[cfg(unix)]
#[test]
fn pipes_sockets_and_devices_are_not_opened() {
    use rustix::fs::{CWD, Mode, mkfifoat};
    let folder = Folder::new("pipes");
    mkfifoat(CWD, folder.0.join("pipe"), Mode::RWXU).unwrap();
    std::os::unix::fs::symlink("pipe", folder.0.join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.0.join("socket")).unwrap();
    std::fs::write(folder.0.join("file"), "x").unwrap();
    std::fs::create_dir(folder.0.join("folder")).unwrap();
    let policy = Policy::new()
        .dir(&folder.0, "/data", Access::ReadWrite)
        .unwrap();
    let interpreter = with(policy);
    interpreter.exec("import os").unwrap();
    let rows = [
        ("open('/data/pipe')", "EPERM"),
        ("open('/data/pipe', 'w')", "EPERM"),
        ("open('/data/folder/../pipe')", "EPERM"),
        (
            "os.open('/data/pipe', os.O_RDONLY | os.O_NONBLOCK)",
            "EPERM",
        ),
        ("open('/data/link')", "EPERM"),
        ("open('/data/socket')", "EPERM"),
        ("open('/data/file')", "done"),
        ("open('/data/new', 'w')", "done"),
        ("open('/data/new', 'x')", "EEXIST"),
        ("open('/data/none')", "ENOENT"),
        ("os.listdir('/data/folder')", "done"),
        ("os.stat('/data/pipe')", "done"),
    ];
    attempts(&interpreter, &rows);
}

#[test]
fn the_documented_policy_file_is_valid() {
    let folder = Folder::new("profile");
    let text = std::fs::read_to_string(crate::root().join("docs/policy.md")).unwrap();
    let (_, rest) = text.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    for name in ["data", "scratch"] {
        std::fs::create_dir(folder.0.join(name)).unwrap();
    }
    let file = folder.0.join("policy.toml");
    std::fs::write(&file, example).unwrap();
    let profile = Profile::read(&file).unwrap();
    let again = Profile::from_toml(&profile.to_toml().unwrap()).unwrap();
    assert_eq!(profile, again);
    // The example contains every key.
    let limits = archipel::LimitKind::ALL;
    let unset = limits
        .iter()
        .find(|kind| profile.limits.get(**kind).is_none());
    assert_eq!(unset, None);
    for part in [
        "use ",
        "environment",
        "arguments",
        "import from",
        "standard input",
        "connect to",
        "clock",
        "random",
        "children",
        "no module",
        "wants alias",
    ] {
        assert!(
            profile.policy.to_string().contains(part),
            "{part}: {}",
            profile.policy
        );
    }
    let wanted: Vec<String> = profile.policy.wanted_aliases().map(str::to_owned).collect();
    let given = wanted.iter().fold(profile.policy, |policy, name| {
        policy.alias(name.as_str(), |_| Ok(Value::None)).unwrap()
    });
    with(given).exec("pass").unwrap();
}
