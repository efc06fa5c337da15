//! The parts of the load programme, and their sizes.

mod bombs;
mod canary;
mod cancels;
mod deadlines;
mod floods;
mod heartbeat;
mod hogs;
mod imports;
mod life;
mod process;
mod report;
mod scarcity;
mod shutdown;
mod siblings;

pub use report::Report;

use archipel::{Metrics, Runtime};
use std::time::{Duration, Instant};

/// An error that ends a part.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// A part of the programme, which writes its results to the report.
type Part = fn(Size, &mut Report) -> Result<(), Trouble>;

/// All parts by name, in order. Parts that measure the whole process come first, before the others affect the
/// allocator.
pub const PARTS: [(&str, Part); 11] = [
    ("life", life::check),
    ("floods", floods::check),
    ("cancels", cancels::check),
    ("siblings", siblings::check),
    ("deadlines", deadlines::check),
    ("heartbeat", heartbeat::check),
    ("imports", imports::check),
    ("bombs", bombs::check),
    ("canary", canary::check),
    ("shutdown", shutdown::check),
    ("scarcity", scarcity::check),
];

/// The time limit for the host to release everything, which takes milliseconds if it works.
const PATIENCE: Duration = Duration::from_secs(30);

/// The length of a tick of the engine's clock, by which a deadline can be early.
const TICK: Duration = Duration::from_millis(5);

/// The scale of the programme: 1 for the short form, 100 for the long one.
#[derive(Clone, Copy)]
pub struct Size(pub usize);

impl Size {
    /// The form that runs for every change.
    pub const SHORT: Size = Size(1);

    /// Returns `each` times the size, clamped to a range.
    fn times(self, each: usize, range: std::ops::RangeInclusive<usize>) -> usize {
        self.0
            .saturating_mul(each)
            .clamp(*range.start(), *range.end())
    }
}

/// Runs the parts named in `only`, or all parts if it is empty.
pub fn run(size: Size, only: &[String], report: &mut Report) {
    for (name, part) in PARTS {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        report.begin(name);
        if let Err(trouble) = part(size, report) {
            report.count("completed", trouble, "no error", false);
        }
    }
}

/// Waits until `runtime` is empty, and returns its remaining contents if it does not become empty.
fn empty(runtime: &Runtime) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let now = runtime.metrics();
        if is_empty(&now) {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("{now:?}"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn is_empty(now: &Metrics) -> bool {
    let counted = [
        now.interpreters,
        now.channels,
        now.waits,
        now.queued_messages,
        now.queued_bytes,
    ];
    counted == [0; 5] && now.running == 0
}

/// Reports the remaining contents of a runtime that should be empty.
fn baseline(what: &str, runtime: &Runtime, report: &mut Report) {
    let left = empty(runtime);
    let kept = left.is_ok();
    let figure = left.err().unwrap_or_else(|| "nothing left".to_owned());
    report.count(what, figure, "nothing left", kept);
}

/// Returns a random number below `bound`.
fn random(bound: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(bound) % bound.max(1)
}
