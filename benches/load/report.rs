//! The results of the programme, line by line.

use std::fmt::Display;
use std::time::Duration;

/// The results so far. Lines are printed immediately, since the long form takes minutes.
#[derive(Default)]
pub struct Report {
    /// Failures that do not depend on the machine's speed.
    wrong: Vec<String>,
    /// Measurements that exceed their bars.
    slow: Vec<String>,
}

impl Report {
    /// Begins a part with a heading.
    pub fn begin(&mut self, part: &str) {
        println!("\n{:<56} {:>26} {:>26}", part, "measured", "bar");
    }

    /// Reports a figure that decides the result: a number, a sum, an outcome.
    pub fn count(&mut self, what: &str, figure: impl Display, bar: impl Display, kept: bool) {
        let verdict = if kept { "" } else { "  WRONG" };
        println!("{what:<56} {figure:>26} {bar:>26}{verdict}");
        if !kept {
            self.wrong
                .push(format!("{what}: {figure}, expected: {bar}"));
        }
    }

    /// Reports a duration, which never decides the result, since it depends on the machine.
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

    /// Reports the median and the 99th percentile of `samples`. `bar` applies to the latter.
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

    /// Reports a figure without a bar.
    pub fn told(&mut self, what: &str, figure: impl Display) {
        println!("{what:<56} {figure:>26}");
    }

    /// Returns whether any figure other than a duration is wrong.
    pub fn is_wrong(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// Summarises the results in a few lines.
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
