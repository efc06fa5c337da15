//! Locks on files between interpreters, and between them and other processes, as SQLite uses them.

use crate::runtime;
use archipel::policy::Access;
use archipel::{Interpreter, LimitKind, Policy, Value};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Defines `ask`, which returns the rows of a statement as text, or the error that it ends with.
const ASK: &str = python!("locks/ask.py");

const LOCKED: &str = "database is locked";

/// A holder of a connection to the database of the test.
trait Peer {
    fn ask(&mut self, statement: &str) -> String;

    fn is(&mut self, statement: &str, answer: &str) {
        assert_eq!(self.ask(statement), answer, "{statement}");
    }
}

/// A Python of the system's own.
struct Native {
    process: Child,
    statements: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Native {
    fn new(folder: &Path, timeout: u32) -> Self {
        let name = folder.join("x.db");
        let source = format!(
            "{ASK}
import sys
connection = connect({:?}, {timeout})
for line in sys.stdin:
    print(ask(connection, line), flush=True)
",
            name.to_str().unwrap()
        );
        let mut process = Command::new("python3")
            .args(["-c", &source])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Native {
            statements: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }
}

impl Peer for Native {
    fn ask(&mut self, statement: &str) -> String {
        writeln!(self.statements, "{statement}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn guest(folder: &Path, access: Access) -> Interpreter {
    let policy = Policy::new().dir(folder, "/data", access).unwrap();
    let policy = policy.children(4, 2).unwrap();
    let guest = runtime().interpreter().policy(policy).build().unwrap();
    let mode = match access {
        Access::ReadOnly => "ro",
        Access::ReadWrite => "rw",
    };
    let connects = format!("connection = connect('file:/data/x.db?mode={mode}', 0)");
    guest.exec(format!("{ASK}{connects}")).unwrap();
    guest
}

impl Peer for Interpreter {
    fn ask(&mut self, statement: &str) -> String {
        let answer = self.eval::<Value>(format!("ask(connection, {statement:?})"));
        answer.unwrap().as_str().unwrap().to_owned()
    }
}

/// A child of an interpreter.
struct Grandchild(Interpreter);

impl Grandchild {
    fn new(parent: &Interpreter) -> Self {
        parent
            .exec(format!(
                "
import archipel
receiver, sender = archipel.channel(8)
child = archipel.create(safe=False, policy={{'dirs': {{'/data': 'rw'}}}})
child.exec({ASK:?})
child.exec(\"connection = connect('/data/x.db', 0)\")
child.prepare_main(sender=sender)
"
            ))
            .unwrap();
        Grandchild(parent.clone())
    }
}

impl Peer for Grandchild {
    fn ask(&mut self, statement: &str) -> String {
        let source = format!("sender.send(ask(connection, {statement:?}))");
        self.0.exec(format!("child.exec({source:?})")).unwrap();
        let answer = self.0.eval::<Value>("receiver.recv()").unwrap();
        answer.as_str().unwrap().to_owned()
    }
}

/// A folder with a database that has one row.
fn database(name: &str) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix(name).tempdir().unwrap();
    let mut native = Native::new(folder.path(), 0);
    native.is("create table t(i)", "[]");
    native.is("insert into t values (1)", "[]");
    folder
}

const COUNT: &str = "select count(*) from t";

#[test]
fn locks_hold_between_interpreters_and_processes() {
    let folder = database("locks-hold");
    let parent = guest(folder.path(), Access::ReadWrite);
    let mut peers: [Box<dyn Peer>; 4] = [
        Box::new(Grandchild::new(&parent)),
        Box::new(parent),
        Box::new(guest(folder.path(), Access::ReadWrite)),
        Box::new(Native::new(folder.path(), 0)),
    ];
    let mut rows = 1;
    for one in 0..peers.len() {
        for other in 0..peers.len() {
            if one == other {
                continue;
            }
            let before = format!("[({rows},)]");
            // What is not committed is not seen, and a second writer is refused.
            peers[one].is("begin immediate", "[]");
            peers[one].is("insert into t values (2)", "[]");
            peers[other].is(COUNT, &before);
            peers[other].is("begin immediate", LOCKED);
            rows += 1;
            let after = format!("[({rows},)]");
            // A reader keeps the writer from committing, which shuts out new readers.
            peers[other].is("begin", "[]");
            peers[other].is(COUNT, &before);
            peers[one].is("commit", LOCKED);
            peers[other].is("commit", "[]");
            peers[other].is(COUNT, LOCKED);
            peers[one].is("commit", "[]");
            peers[other].is(COUNT, &after);
            // An exclusive transaction shuts readers out.
            peers[one].is("begin exclusive", "[]");
            peers[other].is(COUNT, LOCKED);
            peers[one].is("rollback", "[]");
            peers[other].is("begin exclusive", "[]");
            peers[other].is("commit", "[]");
        }
    }
}

#[test]
fn killed_interpreters_leave_no_locks() {
    let folder = database("locks-killed");
    let mut killed = guest(folder.path(), Access::ReadWrite);
    // It waits for the lock, a minute at most.
    let mut patient = Native::new(folder.path(), 60);
    let mut native = Native::new(folder.path(), 0);
    killed.is("begin exclusive", "[]");
    killed.is("insert into t values (2)", "[]");
    native.is(COUNT, LOCKED);
    killed.kill();
    patient.is("begin exclusive", "[]");
    patient.is("commit", "[]");
    native.is(COUNT, "[(1,)]");
    assert!(!folder.path().join("x.db.lock").exists());
}

#[test]
fn interpreters_that_die_in_a_lock_leave_none() {
    let folder = database("locks-died");
    let mut dies = guest(folder.path(), Access::ReadWrite);
    let mut patient = Native::new(folder.path(), 60);
    dies.is("begin immediate", "[]");
    dies.exec("import os; os._exit(3)").unwrap_err();
    patient.is("begin immediate", "[]");
}

#[test]
fn read_only_grants_lock_for_reading() {
    let folder = database("locks-read-only");
    let mut reads = guest(folder.path(), Access::ReadOnly);
    let mut native = Native::new(folder.path(), 0);
    reads.is(
        "insert into t values (2)",
        "attempt to write a readonly database",
    );
    reads.is("begin", "[]");
    reads.is(COUNT, "[(1,)]");
    native.is("begin immediate", "[]");
    native.is("insert into t values (2)", "[]");
    native.is("commit", LOCKED);
    reads.is("commit", "[]");
    native.is("commit", "[]");
    native.is("begin exclusive", "[]");
    reads.is(COUNT, LOCKED);
    native.is("commit", "[]");
    reads.is(COUNT, "[(2,)]");
}

#[test]
fn copies_neither_have_nor_release_the_locks_of_the_original() {
    let folder = database("locks-copies");
    let mut original = guest(folder.path(), Access::ReadWrite);
    original.is("begin exclusive", "[]");
    let copy = original.fork().unwrap();
    let mut native = Native::new(folder.path(), 0);
    native.is(COUNT, LOCKED);
    drop(copy);
    native.is(COUNT, LOCKED);
    let copy = original.fork().unwrap();
    original.is("rollback", "[]");
    native.is("begin exclusive", "[]");
    native.is("commit", "[]");
    drop(copy);
}

#[test]
fn a_file_with_locks_counts_as_memory() {
    let folder = database("locks-memory");
    let mut guest = guest(folder.path(), Access::ReadWrite);
    let mut counted = || {
        let used = |guest: &Interpreter| guest.usage().of(LimitKind::Memory).own;
        guest.is("begin exclusive", "[]");
        let locked = used(&guest);
        guest.is("rollback", "[]");
        (locked, used(&guest))
    };
    // Afterwards the guest's own memory has the size that it needs.
    counted();
    let (locked, released) = counted();
    assert_eq!(locked - released, 16 << 10);
}
