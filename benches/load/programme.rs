//! The parts of the load programme, and how large each is.

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

/// Why a part could not go on.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// A part of the programme: it tells the report what it found.
type Part = fn(Size, &mut Report) -> Result<(), Trouble>;

/// All parts by name, in the order in which they run.  Those that look at all of the process come first,
/// before the others have left their traces in the allocator.
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

/// Until the host has taken back everything it may take so long; on a machine that works it takes
/// milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest that a tick of the engine's clock takes, by which a deadline may be early.
const TICK: Duration = Duration::from_millis(5);

/// How much of everything there is: 1 for the short form, 100 for the long one.
#[derive(Clone, Copy)]
pub struct Size(pub usize);

impl Size {
    /// For every change.
    pub const SHORT: Size = Size(1);

    /// So many for each unit of size, but within a range.
    fn times(self, each: usize, range: std::ops::RangeInclusive<usize>) -> usize {
        self.0
            .saturating_mul(each)
            .clamp(*range.start(), *range.end())
    }
}

/// Runs the parts named in `only`, or all of them where none is.
pub fn run(size: Size, only: &[String], report: &mut Report) {
    for (name, part) in PARTS {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        report.begin(name);
        if let Err(trouble) = part(size, report) {
            report.count("it went to its end", trouble, "no error", false);
        }
    }
}

/// Waits until nothing is left in `runtime`, and says what is if that never comes.
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

/// Tells of what is left in a runtime of which nothing should be.
fn baseline(what: &str, runtime: &Runtime, report: &mut Report) {
    let left = empty(runtime);
    let kept = left.is_ok();
    let figure = left.err().unwrap_or_else(|| "nothing left".to_owned());
    report.count(what, figure, "nothing left", kept);
}

/// A number below `bound`, which nobody knows before.
fn random(bound: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(bound) % bound.max(1)
}
