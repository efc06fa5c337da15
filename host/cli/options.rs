//! The options that `run`, `map` and `repl` have in common: what scripts may do, and how much they
//! may use.

use crate::report::Report;
use crate::say::say;
use crate::{Failure, amounts};
use archipel::{Access, LimitKind, Limits, Policy, Profile};
use clap::Args;
use std::path::Path;
use std::time::Duration;

/// How many children a script may have, and how deep.
const CHILDREN: (u32, u32) = (64, 4);

/// What a runtime has room for at the least, and without a change of the system's settings.
const LEAST_ROOM: u32 = 1000;
const MOST_ROOM: u32 = 10_000;

/// Interpreters that have ended and are still being taken down.
const ENDING: u32 = 64;

#[derive(Args)]
pub struct Options {
    /// Grant a directory, read-only unless `:rw` is added.
    #[arg(long, value_name = "HOST[::GUEST][:ro|:rw]")]
    dir: Vec<String>,

    /// Import modules from this folder too, or from this wheel or zip file in a granted directory.
    /// A folder that no directory granted so far has in it is granted, read-only.
    #[arg(long, value_name = "HOST")]
    path: Vec<String>,

    /// Set a variable of the environment, or pass one on.
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,

    /// Let scripts connect to this address, by TCP.
    #[arg(long, value_name = "HOST:PORT")]
    net: Vec<String>,

    /// Begin with what this policy file grants and limits; the other options add to it, and their
    /// limits take the place of its own.
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,

    /// Stop a script after this time: `500ms`, `2s`, `1m`.
    #[arg(long, value_name = "TIME", value_parser = amounts::time)]
    timeout: Option<Duration>,

    /// Stop a script that has used this much time on processors, its children's included.
    #[arg(long, value_name = "TIME", value_parser = amounts::time)]
    cpu: Option<Duration>,

    /// The most memory that a script and its children can have together: `64MiB`, `1GiB`.
    #[arg(long, value_name = "SIZE", value_parser = amounts::size)]
    max_memory: Option<u64>,

    /// Stop a script that has executed this many WebAssembly instructions, its children's included.
    #[arg(long, value_name = "N")]
    fuel: Option<u64>,

    /// Stop a script that writes more than this to its standard streams: `1MiB`.
    #[arg(long, value_name = "SIZE", value_parser = amounts::size)]
    max_output: Option<u64>,

    /// The most that a script and its children can have in their private /tmp together: 64MiB unless said otherwise
    /// here or in the policy file; 0 for no /tmp.
    #[arg(long, value_name = "SIZE", value_parser = amounts::size)]
    max_tmp: Option<u64>,

    /// How many children of a script may exist at a time; 64 unless said otherwise here or in the
    /// policy file.
    #[arg(long, value_name = "N")]
    max_children: Option<u32>,

    /// Limits as `wasmtime run` spells them: `timeout=TIME`, `max-memory-size=BYTES`, `fuel=N`.
    #[arg(short = 'W', value_name = "KEY=VALUE[,..]", value_delimiter = ',', value_parser = wasm)]
    wasm: Vec<Wasm>,

    /// Report the outcome and what was used on standard error, for programs to read.
    #[arg(long)]
    pub json: bool,

    /// Report what was used on standard error, for people to read.
    #[arg(long, conflicts_with = "json")]
    pub stats: bool,
}

/// A limit in wasmtime's spelling.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wasm {
    Timeout(Duration),
    Memory(u64),
    Fuel(u64),
}

impl Options {
    /// What scripts may do, and how much they may use.
    pub fn profile(&self) -> Result<(Policy, Limits), Failure> {
        let profile = match &self.policy {
            Some(file) => {
                Profile::read(file).map_err(|error| Failure::usage(format!("--policy: {error}")))?
            }
            None => Profile::default(),
        };
        Ok((self.policy(profile.policy)?, self.limits(profile.limits)?))
    }

    /// How many interpreters there must be room for, where so many scripts run at a time.
    ///
    /// What `--max-children` asks for is made room for, or refused by the runtime with the reason.  What a
    /// policy file grants is made room for as far as that needs no changes to the system.
    pub fn room(&self, policy: &Policy, scripts: usize) -> u32 {
        let scripts = u32::try_from(scripts).unwrap_or(u32::MAX);
        let usual = scripts.saturating_mul(8).clamp(LEAST_ROOM, MOST_ROOM);
        let children = policy.children_granted().map_or(0, |granted| granted.count);
        let family = children.saturating_add(1);
        let wanted = scripts.saturating_mul(family).saturating_add(ENDING);
        match self.max_children {
            Some(_) => wanted.max(usual),
            None if self.policy.is_some() => wanted.clamp(usual, MOST_ROOM),
            None => usual,
        }
    }

    fn policy(&self, mut policy: Policy) -> Result<Policy, Failure> {
        // A file that grants no children means none.
        let unsaid = self.policy.is_none().then_some(CHILDREN.0);
        if let Some(count) = self.max_children.or(unsaid) {
            policy = policy
                .children(count, CHILDREN.1)
                .map_err(|error| at("--max-children", &count, error))?;
        }
        for destination in &self.net {
            policy = policy
                .net(destination)
                .map_err(|error| at("--net", destination, error))?;
        }
        for grant in &self.dir {
            let (host, guest, access) = directory(grant)?;
            policy = policy
                .dir(host, guest, access)
                .map_err(|error| at("--dir", grant, error))?;
        }
        for searched in &self.path {
            policy = search(policy, searched)?;
        }
        for variable in &self.env {
            policy = match variable.split_once('=') {
                Some((name, value)) => policy
                    .env(name, value)
                    .map_err(|error| at("--env", variable, error))?,
                None => match std::env::var(variable) {
                    Ok(value) => policy.env(variable, value)?,
                    Err(_) => {
                        return Err(Failure::usage(format!(
                            "--env {variable}: there is no such variable to pass on; give it a \
                             value with --env {variable}=VALUE"
                        )));
                    }
                },
            };
        }
        Ok(policy)
    }

    fn limits(&self, mut limits: Limits) -> Result<Limits, Failure> {
        let timeout = self.wasm.iter().filter_map(|option| match option {
            Wasm::Timeout(time) => Some(*time),
            _ => None,
        });
        let memory = self.wasm.iter().filter_map(|option| match option {
            Wasm::Memory(bytes) => Some(*bytes),
            _ => None,
        });
        let fuel = self.wasm.iter().filter_map(|option| match option {
            Wasm::Fuel(fuel) => Some(*fuel),
            _ => None,
        });
        let timeout = once(["--timeout", "-W timeout"], self.timeout, timeout)?;
        let memory = once(
            ["--max-memory", "-W max-memory-size"],
            self.max_memory,
            memory,
        )?;
        let fuel = once(["--fuel", "-W fuel"], self.fuel, fuel)?;
        let rows = [
            ("--timeout", LimitKind::Wall, timeout.map(nanos)),
            ("--cpu", LimitKind::Cpu, self.cpu.map(nanos)),
            ("--max-memory", LimitKind::Memory, memory),
            ("--fuel", LimitKind::Fuel, fuel),
            ("--max-output", LimitKind::Output, self.max_output),
            ("--max-tmp", LimitKind::Tmp, self.max_tmp),
        ];
        for (option, kind, amount) in rows {
            if let Some(amount) = amount {
                limits = limits
                    .with(kind, amount)
                    .map_err(|error| Failure::usage(format!("{option}: {error}")))?;
            }
        }
        Ok(limits)
    }

    /// Tells what the options want to be told of one interpreter.
    pub fn tell(&self, report: &Report, status: u8) {
        if self.stats {
            say(&format!("archipel: used: {}", report.usage_line()));
        }
        if self.json {
            say(&serde_json::Value::from(report.to_json(status)).to_string());
        }
    }
}

/// An option's value that makes no sense.
fn at(option: &str, value: &dyn std::fmt::Display, error: archipel::Error) -> Failure {
    Failure::usage(format!("{option} {value}: {error}"))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The one value that the spellings of an option give.
fn once<T: PartialEq>(
    [own, theirs]: [&str; 2],
    value: Option<T>,
    others: impl Iterator<Item = T>,
) -> Result<Option<T>, Failure> {
    let mut values = value.into_iter().chain(others);
    let first = values.next();
    match values.all(|other| first.as_ref() == Some(&other)) {
        true => Ok(first),
        false => Err(Failure::usage(format!(
            "{own} and {theirs} are one limit, which was given two values: leave one out"
        ))),
    }
}

/// `HOST` among the places that modules are imported from.
fn search(mut policy: Policy, searched: &str) -> Result<Policy, Failure> {
    if policy.guest_path_of(searched).is_none() && Path::new(searched).is_dir() {
        let (host, guest, access) = directory(searched)?;
        policy = policy
            .dir(host, guest, access)
            .map_err(|error| at("--path", &searched, error))?;
    }
    match policy.guest_path_of(searched) {
        Some(guest) => Ok(policy
            .path(guest)
            .map_err(|error| at("--path", &searched, error))?),
        None if Path::new(searched).exists() => Err(Failure::usage(format!(
            "--path {searched}: it lies in no granted directory; add --dir for the folder that it \
             is in"
        ))),
        None => Err(Failure::usage(format!(
            "--path {searched}: there is no such file or folder"
        ))),
    }
}

/// `HOST[::GUEST][:ro|:rw]`
fn directory(grant: &str) -> Result<(&str, String, Access), Failure> {
    let (rest, access) = if let Some(rest) = grant.strip_suffix(":rw") {
        (rest, Access::ReadWrite)
    } else {
        (grant.strip_suffix(":ro").unwrap_or(grant), Access::ReadOnly)
    };
    let (host, guest) = match rest.split_once("::") {
        Some((host, guest)) => (host, guest.to_owned()),
        None => {
            let absolute = std::path::absolute(rest)
                .ok()
                .and_then(|path| path.to_str().map(str::to_owned));
            match absolute {
                Some(absolute) => (rest, absolute),
                None => {
                    return Err(Failure::usage(format!(
                        "--dir {grant}: give the path that it has for the script, as in \
                         --dir HOST::/data"
                    )));
                }
            }
        }
    };
    Ok((host, guest, access))
}

/// `timeout=2s`, `max-memory-size=67108864` or `fuel=1000000`
fn wasm(text: &str) -> Result<Wasm, String> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    match key {
        "timeout" => amounts::time(value).map(Wasm::Timeout),
        "max-memory-size" => amounts::size(value).map(Wasm::Memory),
        "fuel" => match value.parse() {
            Ok(fuel) => Ok(Wasm::Fuel(fuel)),
            Err(_) => Err("fuel is a whole number, as in -W fuel=1000000".to_owned()),
        },
        _ => Err("what there is of wasmtime's -W is timeout, max-memory-size and fuel".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories() {
        let parse = |text| directory(text).map_err(|failure| failure.message);
        let row = |guest: &str, access| Ok::<_, String>(("a", guest.to_owned(), access));
        assert_eq!(parse("a::/b"), row("/b", Access::ReadOnly));
        assert_eq!(parse("a::/b:ro"), row("/b", Access::ReadOnly));
        assert_eq!(parse("a::/b:rw"), row("/b", Access::ReadWrite));
    }

    #[test]
    fn limits_in_the_spelling_of_wasmtime() {
        let rows = [
            ("timeout=1s", Ok(Wasm::Timeout(Duration::from_secs(1)))),
            ("max-memory-size=5", Ok(Wasm::Memory(5))),
            ("fuel=7", Ok(Wasm::Fuel(7))),
            ("fuel", Err("whole number")),
            ("fuel=-1", Err("whole number")),
            ("timeout", Err("no number")),
            ("threads=y", Err("what there is of wasmtime's")),
        ];
        for (text, expected) in rows {
            match (wasm(text), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
