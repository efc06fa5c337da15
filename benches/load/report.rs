//! What the programme found, line by line.

use std::fmt::Display;
use std::time::Duration;

/// The lines so far.  They are printed as they come, since the long form takes minutes.
#[derive(Default)]
pub struct Report {
    /// What is wrong whatever the machine is like.
    wrong: Vec<String>,
    /// What took longer than it should have.
    slow: Vec<String>,
}

impl Report {
    /// A heading.
    pub fn begin(&mut self, part: &str) {
        println!("\n{:<56} {:>26} {:>26}", part, "measured", "bar");
    }

    /// What decides: a number, a sum, an outcome.
    pub fn count(&mut self, what: &str, figure: impl Display, bar: impl Display, kept: bool) {
        let verdict = if kept { "" } else { "  WRONG" };
        println!("{what:<56} {figure:>26} {bar:>26}{verdict}");
        if !kept {
            self.wrong
                .push(format!("{what}: {figure}, where it should be: {bar}"));
        }
    }

    /// What is told and decides nothing, since it is a matter of the machine as well.
    pub fn time(&mut self, what: &str, figure: Duration, bar: Duration) {
        let verdict = if figure <= bar { "" } else { "  slow" };
        println!(
            "{what:<56} {:>26} {:>26}{verdict}",
            show(figure),
            format!("<= {}", show(bar))
        );
        if figure > bar {
            self.slow.push(what.to_owned());
        }
    }

    /// The median and the 99th percentile of `samples`, beside the most that the latter may be.
    pub fn times(&mut self, what: &str, mut samples: Vec<Duration>, bar: Duration) {
        samples.sort_unstable();
        let at = |part: usize| {
            let index = samples.len().saturating_sub(1) * part / 100;
            samples.get(index).copied().unwrap_or_default()
        };
        self.told(&format!("{what}, p50"), show(at(50)));
        self.time(&format!("{what}, p99"), at(99), bar);
        self.told(&format!("{what}, longest"), show(at(100)));
    }

    /// A figure that has no bar.
    pub fn told(&mut self, what: &str, figure: impl Display) {
        println!("{what:<56} {figure:>26}");
    }

    /// Whether anything is wrong, timing apart.
    pub fn is_wrong(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// All in a few lines.
    pub fn conclusion(&self) -> String {
        let mut text = match self.wrong.len() {
            0 => "nothing is wrong".to_owned(),
            count => format!("{count} wrong:\n{}", self.wrong.join("\n")),
        };
        if !self.slow.is_empty() {
            text += &format!("\nslower than the bar: {}", self.slow.join("; "));
        }
        text
    }
}

fn show(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
