//! The counts of `archipel map`, and the report of failures.

use crate::report::{Outcome, Report};
use crate::running::Cause;
use crate::say::{say, say_unless};
use archipel::{Error, LimitKind};
use serde_json::Value;

/// The maximum number of failures that are listed. Further ones are only counted.
const LISTED: usize = 1000;

/// The counts of the scripts that were taken on.
pub struct Tally {
    json: bool,
    /// Returns true once messages must not wait for a reader any longer.
    hurries: Box<dyn Fn() -> bool>,
    taken: usize,
    failed: usize,
    stopped: usize,
    /// The first failures: the input, and the complaint.
    list: Vec<(String, String)>,
    /// The exit status that all failures have in common, if they do.
    status: Option<u8>,
    /// The longest time that a script took, and its input.
    slowest: Option<(u64, String)>,
}

impl Tally {
    /// Creates an empty tally. With `json`, each script is reported when it is added, and the
    /// report waits for a reader until `hurries` returns true.
    pub fn new(json: bool, hurries: impl Fn() -> bool + 'static) -> Self {
        Tally {
            json,
            hurries: Box::new(hurries),
            taken: 0,
            failed: 0,
            stopped: 0,
            list: Vec::new(),
            status: None,
            slowest: None,
        }
    }

    /// Adds the script that ran over `input`. Without a report, its thread panicked.
    pub fn add(&mut self, index: usize, input: &str, report: Option<Report>) {
        let report = report.unwrap_or_else(|| {
            let lost = Error::Internal("a script has no outcome".into());
            Report::new(Outcome::Failed(lost), std::time::Duration::ZERO, None)
        });
        let status = report.status();
        if self.json {
            let mut line = serde_json::Map::new();
            line.insert("index".to_owned(), index.into());
            line.insert("input".to_owned(), input.into());
            line.append(&mut report.to_json(status));
            say_unless(&Value::from(line).to_string(), &self.hurries);
        }
        self.taken += 1;
        let wall = report.used(LimitKind::Wall);
        if self.slowest.as_ref().is_none_or(|(time, _)| *time < wall) {
            self.slowest = Some((wall, input.to_owned()));
        }
        let Some(complaint) = report.outcome.complaint() else {
            return;
        };
        if matches!(report.outcome, Outcome::Stopped) {
            self.stopped += 1;
            return;
        }
        self.failed += 1;
        // A script's own exit status counts as 1; other failures keep their status.
        let status = match &report.outcome {
            Outcome::Ended(_) => 1,
            _ => status,
        };
        self.status = Some(match self.status {
            None => status,
            Some(crate::FAILED) => crate::FAILED,
            Some(_) if status == crate::FAILED => status,
            Some(before) if before == status => status,
            Some(_) => 1,
        });
        if self.list.len() < LISTED {
            self.list.push((input.to_owned(), complaint));
        }
    }

    /// Returns the exit status: 0 if nothing failed, 125 if Archipel failed, 124 or 134 if all
    /// failures have that status, and otherwise 1.
    pub fn status(&self) -> u8 {
        self.status.unwrap_or(0)
    }

    /// Reports the failures and the scripts that did not run.
    pub fn report(&self, total: Option<usize>, cause: Option<Cause>, status: u8, stats: bool) {
        if self.json {
            let fields = [
                ("scripts", self.taken.into()),
                ("failed", self.failed.into()),
                ("stopped", self.stopped.into()),
                ("status", Value::from(status)),
            ];
            let fields = fields.map(|(name, value)| (name.to_owned(), value));
            let line = Value::from(serde_json::Map::from_iter(fields));
            return say(&line.to_string());
        }
        let ended = self.taken - self.stopped;
        if cause.is_some() {
            let why = match cause {
                Some(Cause::Signal(_)) => "a signal",
                _ => "the first failure",
            };
            let rest = match total {
                Some(total) => format!("{} of {total} scripts had ended", ended),
                None => format!("{ended} scripts had ended"),
            };
            say(&format!(
                "archipel: stopped by {why}: {rest}, {} failed",
                self.failed
            ));
        } else if self.failed > 0 {
            say(&format!(
                "archipel: {} of {} scripts failed:",
                self.failed, self.taken
            ));
        }
        for (input, complaint) in &self.list {
            say(&format!("archipel: {}: {complaint}", shown(input)));
        }
        if self.failed > self.list.len() {
            say(&format!(
                "archipel: and {} more",
                self.failed - self.list.len()
            ));
        }
        if let (true, Some((time, input))) = (stats, &self.slowest) {
            let time = LimitKind::Wall.show(*time);
            let input = shown(input);
            say(&format!(
                "archipel: used: {ended} scripts, the longest took {time}: {input}"
            ));
        }
    }
}

/// Formats an input as part of a line.
fn shown(input: &str) -> String {
    const MOST_CHARS: usize = 200;
    let mut shown = String::new();
    for (number, c) in input.chars().enumerate() {
        if number == MOST_CHARS {
            shown.push_str("...");
            break;
        }
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    match shown.is_empty() {
        true => "(empty input)".to_owned(),
        false => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn tally(outcomes: impl IntoIterator<Item = Outcome>) -> Tally {
        let mut tally = Tally::new(false, || false);
        for (index, outcome) in outcomes.into_iter().enumerate() {
            tally.add(index, "x", Some(Report::new(outcome, Duration::ZERO, None)));
        }
        tally
    }

    #[test]
    fn the_status_is_that_of_all_failures_or_1() {
        let limit = || {
            let kind = LimitKind::Wall;
            Outcome::Failed(Error::LimitExceeded {
                kind,
                limit: 1,
                used: 1,
            })
        };
        let died = || Outcome::Failed(Error::died(""));
        let broken = || Outcome::Failed(Error::Closed);
        let ended = Outcome::Ended;
        let rows = [
            (vec![], 0),
            (vec![ended(0), Outcome::Stopped], 0),
            (vec![ended(7)], 1),
            (vec![ended(0), limit(), limit()], 124),
            (vec![died()], 134),
            (vec![limit(), died()], 1),
            (vec![limit(), ended(1)], 1),
            (vec![broken(), ended(1), limit()], 125),
            (vec![ended(1), broken()], 125),
        ];
        for (outcomes, status) in rows {
            let what = format!("{outcomes:?}");
            assert_eq!(tally(outcomes).status(), status, "{what}");
        }
    }

    #[test]
    fn inputs_are_shown_in_one_line() {
        assert_eq!(shown("a b"), "a b");
        assert_eq!(shown("a\n\x1b[2J"), "a\\n\\u{1b}[2J");
        assert_eq!(shown(""), "(empty input)");
        assert_eq!(shown(&"x".repeat(300)).len(), 203);
    }

    #[test]
    fn no_more_failures_are_kept_than_are_listed() {
        let tally = tally((0..LISTED + 5).map(|_| Outcome::Ended(1)));
        assert_eq!((tally.list.len(), tally.failed), (LISTED, LISTED + 5));
    }
}
