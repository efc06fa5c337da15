//! A guest repeats one operation endlessly, and the host's memory stays bounded.

use super::process::{Held, mebibytes};
use super::{Report, Size, Trouble, baseline};
use archipel::{Error, LimitKind, Limits, Output, Policy, Runtime};

/// The maximum memory that a flood costs the host in addition to the guest's own: captured output, queued messages,
/// and as much again for the allocator.
const BOUND: u64 = 24 << 20;

/// The maximum amount of captured output, in bytes.
const CAPTURED: usize = 1 << 20;

/// The maximum amount of queued messages, in bytes.
const QUEUED: u64 = 1 << 20;

/// The maximum number of handles.
const HANDLES: u64 = 1000;

/// The floods: the operation that a guest repeats `n` times, and its end.
const FLOODS: [(&str, &str, Ends); 8] = [
    (
        "output",
        "import os\nfor _ in range(n): os.write(1, b'x' * 100)",
        Ends::Well,
    ),
    (
        "empty writes",
        "import os\nfor _ in range(n): os.write(1, b'')",
        Ends::Well,
    ),
    (
        "empty messages, received",
        "import interpreters\nr, s = interpreters.create_channel(capacity=1)\n\
         for _ in range(n):\n    s.send(None)\n    r.recv()",
        Ends::Well,
    ),
    (
        "empty messages, queued",
        "import archipel, interpreters\nr, s = interpreters.create_channel(capacity=None)\nfull = sent = 0\n\
         for _ in range(n):\n    try:\n        s.send(None)\n        sent += 1\n\
         \x20   except archipel.LimitExceeded: full += 1\nassert sent == min(n, 1 << 12), sent",
        Ends::Well,
    ),
    (
        "handles, closed",
        "import interpreters\nfor _ in range(n // 10): interpreters.create_channel()",
        Ends::Well,
    ),
    (
        "handles, kept",
        "import interpreters\nkept = []\nwhile True: kept.append(interpreters.create_channel())",
        Ends::Refused,
    ),
    (
        "names of aliases",
        "import archipel\nchild = archipel.create()\nrefused = 0\nfor i in range(max(n // 10, 5000)):\n\
         \x20   try: child.alias(f'name{i}' + 'x' * 50, len)\n    except Exception: refused += 1\n\
         assert refused == max(n // 10, 5000) - 4096, refused",
        Ends::Well,
    ),
    (
        "missing names",
        "from concurrent import interpreters\nfor i in range(n // 10):\n\
         \x20   try: interpreters.Interpreter(10_000 + i)\n\
         \x20   except interpreters.InterpreterNotFoundError: pass",
        Ends::Well,
    ),
];

/// The end of a flood.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    Well,
    /// The interpreter reaches its limit on handles, and gets an error.
    Refused,
}

/// Runs each flood in its own interpreter.
pub fn check(size: Size, report: &mut Report) -> Result<(), Trouble> {
    let count = size.times(10_000, 20_000..=10_000_000);
    let runtime = Runtime::builder().max_interpreters(8).build()?;
    for (what, source, ends) in FLOODS {
        let output = Output::captured(CAPTURED);
        let interpreter = runtime
            .interpreter()
            .policy(Policy::new().children(1, 1)?)
            .limits(Limits::new().queued(QUEUED).handles(HANDLES))
            .stdout(output.clone())
            .build()?;
        // Import before the measurement.
        interpreter
            .exec("import archipel, interpreters, os\nfrom concurrent import interpreters")?;
        let guest = || interpreter.usage().of(LimitKind::Memory).subtree;
        let (before, own) = (Held::now(), guest());
        let outcome = interpreter.exec(format!("n = {count}\n{source}"));
        let more = Held::now().more_memory(&before);
        // Memory taken by the guest is charged to its own account, and limited there.
        let host = more.saturating_sub(guest().saturating_sub(own));
        let ended = match ends {
            Ends::Well => outcome.is_ok(),
            Ends::Refused => {
                matches!(&outcome, Err(Error::Raised(raised)) if raised.name == "LimitExceeded")
            }
        };
        if !ended {
            report.count(what, format!("{outcome:?}"), "the expected end", false);
        }
        if what == "output" {
            let captured = output.take();
            let all = captured.bytes.len() as u64 + captured.dropped;
            report.count(
                "bytes of output",
                all,
                100 * count,
                all == 100 * count as u64,
            );
        }
        report.count(
            &format!("host memory: {what}"),
            mebibytes(host),
            format!("< {}", mebibytes(BOUND)),
            host < BOUND,
        );
    }
    report.told("times", count);
    baseline("leftovers", &runtime, report);
    Ok(())
}
