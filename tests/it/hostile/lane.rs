//! A runtime that runs hostile scripts one after the other, beside an interpreter that must remain unaffected.

use super::case::{Case, Place};
use super::heart::Heart;
use crate::collector::{HOSTILE, told_of};
use crate::script::told;
use archipel::{Error, Interpreter, LimitKind, Metrics, Output, Policy, Runtime};
use std::time::{Duration, Instant};

/// The time limit for releasing everything, which takes milliseconds if it works.
const PATIENCE: Duration = Duration::from_secs(10);

/// The default limit on processor time, which does not depend on how busy the machine is.
const LONGEST: Duration = Duration::from_secs(60);

/// The default wall limit, after which a script counts as hung.
const HUNG: Duration = Duration::from_secs(900);

/// The maximum delay in nanoseconds with which a limit stops a script, even on a busy machine.
const LATE: u64 = 5_000_000_000;

/// A runtime, and an interpreter that answers continuously.
pub struct Lane {
    heart: Heart,
    pub runtime: Runtime,
    /// The counters at the start.
    before: [u64; 5],
}

/// Returns the counters that must have their initial values after a script.
fn counters(metrics: Metrics) -> [u64; 5] {
    [
        metrics.interpreters as u64,
        metrics.running,
        metrics.channels as u64,
        metrics.queued_messages as u64,
        metrics.queued_bytes as u64,
    ]
}

impl Lane {
    pub fn new() -> Self {
        let builder = Runtime::builder().max_interpreters(128).workers(2);
        let runtime = builder.build().unwrap();
        let heart = Heart::start(&runtime);
        heart.answers().unwrap();
        let before = heart.between_beats(|| counters(runtime.metrics()));
        Lane {
            heart,
            runtime,
            before,
        }
    }

    /// Creates an interpreter with this policy.
    pub fn interpreter(&self, policy: Policy) -> Interpreter {
        self.runtime.interpreter().policy(policy).build().unwrap()
    }

    /// Waits for the sibling to answer.
    pub fn heart_answers(&self) -> Result<(), String> {
        self.heart.answers()
    }

    /// Checks that the sibling answers and all counters have their initial values.
    pub fn is_as_before(&self) -> Result<(), String> {
        self.heart.answers()?;
        self.has_returned_to(self.before)
    }

    /// Runs a script, and returns an error that describes any difference from its declarations.
    pub fn check(&self, case: &Case) -> Result<(), String> {
        let place = Place::new(&case.name);
        self.is_as_before()?;
        let beats = self.heart.beats();
        self.run(case, &place)?;
        self.is_as_before()?;
        if self.heart.beats() == beats {
            return Err("the sibling did not answer during the script".to_owned());
        }
        match place.is_untouched() {
            true => Ok(()),
            false => Err("the script changed a file outside of the granted directories".to_owned()),
        }
    }

    fn run(&self, case: &Case, place: &Place) -> Result<(), String> {
        let expected = &case.expected;
        let (stdout, stderr) = (
            Output::captured(expected.stdout_limit),
            Output::captured(1 << 16),
        );
        let name = format!("{HOSTILE}{}", case.name);
        let mut limits = expected.limits;
        if limits.get(LimitKind::Wall).is_none() {
            limits = limits.wall(HUNG);
        }
        if limits.get(LimitKind::Cpu).is_none() {
            limits = limits.cpu(LONGEST);
        }
        let interpreter = self
            .runtime
            .interpreter()
            .name(&name)
            .policy(case.policy(place))
            .limits(limits)
            .stdout(stdout.clone())
            .stderr(stderr.clone())
            .build()
            .unwrap();
        let result = interpreter.run(case.source.clone(), "script.py", []);
        let ended = match &result {
            Ok(status) => format!("exit {status}"),
            Err(Error::LimitExceeded { kind, limit, used }) => {
                if *used < *limit {
                    return Err(format!("stopped at {used} of {limit}"));
                }
                let time = matches!(kind, LimitKind::Cpu | LimitKind::Wall);
                if time && *used - *limit > LATE {
                    return Err(format!("stopped {} ns late", *used - *limit));
                }
                format!("limit {kind}")
            }
            Err(Error::Died(_)) => "died".to_owned(),
            Err(other) => format!("{other:?}"),
        };
        let (out, err) = (stdout.take().bytes, stderr.take().text());
        let written = told(&out, &err);
        if !case
            .outcomes
            .iter()
            .any(|outcome| outcome.is(&ended, &written))
        {
            return Err(format!("{ended}, not {}\n{written}", case.outcome));
        }
        expected.compare_output(&out, &err)?;
        shows_nothing_of_the_host(&written)?;
        if let Err(error) = &result {
            shows_nothing_of_the_host(&error.to_string())?;
        }
        let after = interpreter.exec("");
        let gone = matches!(after, Err(Error::Died(_) | Error::Closed));
        match (&result, after) {
            (Err(_), after) if !gone => {
                return Err(format!("the stopped interpreter still runs: {after:?}"));
            }
            (_, Ok(()) | Err(Error::Died(_) | Error::Closed | Error::Raised(_))) => {}
            (_, Err(Error::LimitExceeded { .. })) => {}
            (_, Err(other)) => return Err(format!("afterwards: {other:?}")),
        }
        drop(interpreter);
        let audit = told_of(&name);
        let listed = audit.len() == case.audit.len()
            && audit
                .iter()
                .zip(&case.audit)
                .all(|(entry, part)| entry.contains(part));
        let all = case.audits.map_or(listed, |count| audit.len() == count);
        match all {
            true => Ok(()),
            false => Err(format!(
                "the audit log is {audit:#?}, not {:#?}\n{written}",
                case.audit
            )),
        }
    }

    fn has_returned_to(&self, before: [u64; 5]) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let now = self
                .heart
                .between_beats(|| counters(self.runtime.metrics()));
            if now == before {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("the counters are {now:?}, not {before:?}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Checks that the text contains no paths, environment secrets or memory addresses of the host.
fn shows_nothing_of_the_host(text: &str) -> Result<(), String> {
    let folders = [
        Some(crate::root().to_owned()),
        Some(std::env::temp_dir().join("archipel-hostile")),
        std::env::home_dir().filter(|home| home.as_os_str().len() > 1),
        std::env::current_exe().ok(),
    ];
    let folders = folders.into_iter().flatten();
    let folders = folders.map(|folder| folder.display().to_string());
    let environment = std::env::var(super::CANARY).ok();
    let file = Some("canary of ".to_owned());
    let secrets = folders.chain(environment).chain(file);
    // Linux places stacks and libraries at 0x7f.... A guest's own addresses have half as many digits.
    let address = text.match_indices("0x7f").any(|(at, _)| {
        let digits = text[at + 2..].bytes().take_while(u8::is_ascii_hexdigit);
        digits.count() == 12
    });
    if address {
        return Err(format!("the script received a host address:\n{text}"));
    }
    for secret in secrets {
        if let Some(at) = text.find(&secret) {
            let around = text[..at].lines().next_back().unwrap_or_default();
            return Err(format!("the script received {secret}, after {around}"));
        }
    }
    Ok(())
}
