//! The worst case of each import, repeated beside an interpreter that answers continuously.
//!
//! `docs/import-costs.md` has the table of imports and their costs. Each file in `imports/` prepares the worst case
//! of some of them and defines `step`, which makes each call once.

use super::process::{Held, mebibytes};
use super::{Report, Size, Trouble, baseline};
use archipel::policy::Access;
use archipel::{
    AliasError, Binding, Call, Capacity, Interpreter, LimitKind, Limits, Output, Policy, Runtime,
    Value,
};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The longest time of an answer.
const LATEST: Duration = Duration::from_millis(100);

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(3);

/// The maximum memory that a guest costs the host beyond its account: an argument or result of 64 MiB while it is
/// copied, and memory retained by the allocator.
const BOUND: u64 = 128 << 20;

/// The maximum amount of queued messages, in bytes.
const QUEUED: u64 = 256 << 20;

/// The rows: file names and contents.
macro_rules! rows {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("imports/", $name, ".py")))),*]
    };
}

const ROWS: &[(&str, &str)] = rows![
    "aliases",
    "channels",
    "children",
    "copies",
    "files",
    "host_aliases",
    "large_messages",
    "listings",
    "locks",
    "names",
    "output",
    "paths",
    "policies",
    "random",
    "tasks",
    "temporary_files",
    "waits",
    "wide_messages",
];

/// Runs each row in its own interpreter.
pub fn check(size: Size, report: &mut Report) -> Result<(), Trouble> {
    let beats = size.times(20, 50..=2000);
    let runtime = Runtime::builder().max_interpreters(100).build()?;
    let heart = Heart::start(&runtime)?;
    for (name, source) in ROWS {
        row(&runtime, &heart, name, source, beats, report)?;
    }
    drop(heart);
    baseline("leftovers", &runtime, report);
    Ok(())
}

fn row(
    runtime: &Runtime,
    heart: &Heart,
    name: &str,
    source: &str,
    beats: usize,
    report: &mut Report,
) -> Result<(), Trouble> {
    let folder = Folder::new(name)?;
    let echo = |call: Call| -> Result<Value, AliasError> {
        Ok(call.args.into_iter().next().unwrap_or_else(|| ().into()))
    };
    let policy = Policy::new()
        .dir(&folder.0, "/data", Access::ReadWrite)?
        .children(64, 2)?
        .alias("echo", echo)?;
    let interpreter = runtime
        .interpreter()
        .policy(policy)
        .limits(Limits::new().memory(1 << 30).queued(QUEUED))
        .stdout(Output::captured(1 << 16))
        .build()?;
    let (begun, begins) = runtime.channel(Capacity::Unbounded)?;
    interpreter.prepare_main([("begun", Binding::from(begun))])?;
    let runner = interpreter.clone();
    let source = format!("{source}\n\nbegun.send(1)\ndel begun\nwhile True:\n    step()\n");
    let runs = std::thread::spawn(move || {
        let outcome = runner.exec(source);
        // It ended before it began, so the wait for its beginning would not end.
        runner.kill();
        outcome
    });
    let has_begun = begins.recv().is_ok();
    let before = Held::now();
    let counted_before = counted(&interpreter);
    let (mut times, mut answered, mut most) = (Vec::new(), 0, 0);
    for beat in 0..beats {
        let asked = Instant::now();
        answered += usize::from(heart.answers(beat)?);
        times.push(asked.elapsed());
        // A message can move between the two readings.
        let earlier = counted(&interpreter);
        let more = Held::now().more_memory(&before);
        let counted = counted(&interpreter).max(earlier);
        most = most.max(more.saturating_sub(counted.saturating_sub(counted_before)));
        std::thread::sleep(PAUSE);
    }
    interpreter.kill();
    let outcome = runs.join().map_err(|_| "a thread panicked")?;
    let goes_on = has_begun && matches!(outcome, Err(archipel::Error::Killed));
    report.count(
        &format!("{name}: outcome before the kill"),
        match goes_on {
            true => "still running".to_owned(),
            false => format!("{outcome:?}"),
        },
        "still running",
        goes_on,
    );
    report.count(
        &format!("{name}: answers of the other interpreter"),
        answered,
        beats,
        answered == beats,
    );
    report.count(
        &format!("{name}: uncharged host memory"),
        mebibytes(most),
        format!("< {}", mebibytes(BOUND)),
        most < BOUND,
    );
    report.times(
        &format!("{name}: answer of the other interpreter"),
        times,
        LATEST,
    );
    Ok(())
}

/// Returns the memory charged to an interpreter and its children.
fn counted(interpreter: &Interpreter) -> u64 {
    let usage = interpreter.usage();
    usage.of(LimitKind::Memory).subtree + usage.of(LimitKind::Queued).subtree
}

/// An interpreter that answers.
struct Heart {
    questions: Option<archipel::Sender>,
    answers: archipel::Receiver,
    serves: Option<JoinHandle<archipel::Result<()>>>,
}

impl Heart {
    fn start(runtime: &Runtime) -> Result<Self, Trouble> {
        let interpreter = runtime.interpreter().build()?;
        let (questions, inbox) = runtime.channel(Capacity::Bounded(1))?;
        let (outbox, answers) = runtime.channel(Capacity::Bounded(1))?;
        interpreter.prepare_main([("inbox", Binding::from(inbox)), ("outbox", outbox.into())])?;
        let serves = std::thread::spawn(move || {
            interpreter.exec("for n in inbox: outbox.send(n + 1)\ndel outbox")
        });
        Ok(Heart {
            questions: Some(questions),
            answers,
            serves: Some(serves),
        })
    }

    fn answers(&self, beat: usize) -> Result<bool, Trouble> {
        let beat = i64::try_from(beat)?;
        let Some(questions) = &self.questions else {
            return Ok(false);
        };
        questions.send(beat)?;
        Ok(self.answers.recv()? == beat + 1)
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        // It ends when its channel closes.
        self.questions = None;
        if let Some(serves) = self.serves.take() {
            let _ = serves.join();
        }
    }
}

/// A temporary folder, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Self, Trouble> {
        let name = format!("archipel-load-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
