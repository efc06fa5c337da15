//! The options that `run`, `map` and `repl` share: grants and limits.

use crate::Failure;
use crate::report::Report;
use crate::say::say;
use archipel::policy::{Access, Profile};
use archipel::{AmountError, Image, LimitKind, Limits, Policy};
use clap::Args;
use std::path::Path;

/// The default number of children of a script, and of their generations.
const CHILDREN: (u32, u32) = (64, 4);

/// The minimum capacity of a runtime, and the maximum that needs no change of system settings.
const LEAST_ROOM: u32 = 1000;
const MOST_ROOM: u32 = 10_000;

/// Room for interpreters that have ended and are still being destroyed.
const ENDING: u32 = 64;

#[derive(Args)]
pub struct Options {
    /// Grant a directory, read-only unless `:rw` is added.
    #[arg(long, value_name = "HOST[::GUEST][:ro|:rw]")]
    dir: Vec<String>,

    /// Import modules from this folder too, or from this wheel or zip file in a granted directory.
    /// A folder outside of the directories granted so far is granted, read-only.
    #[arg(long, value_name = "HOST")]
    path: Vec<String>,

    /// Set an environment variable, or pass one on.
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,

    /// Allow TCP connections to this address.
    #[arg(long, value_name = "HOST:PORT")]
    net: Vec<String>,

    /// Start from this image: the name of one in the cache, or the path of a file.
    #[arg(long, value_name = "NAME|PATH")]
    image: Option<String>,

    /// Start with the grants and limits of this policy file. Other options add grants and replace
    /// limits.
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,

    /// Stop a script after this time: `500ms`, `2s`, `1m`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<u64>,

    /// Stop a script that has used this much CPU time, including its children.
    #[arg(long, value_name = "TIME", value_parser = time)]
    cpu: Option<u64>,

    /// Limit the memory of a script with its children: `64MiB`, `1GiB`.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_memory: Option<u64>,

    /// Stop a script that has executed this many WebAssembly instructions, including its children.
    #[arg(long, value_name = "N")]
    fuel: Option<u64>,

    /// Stop a script that writes more than this to its standard streams: `1MiB`.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_output: Option<u64>,

    /// Limit the private /tmp of a script with its children; 0 removes it. Default: 64MiB or the
    /// policy file's limit.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_tmp: Option<u64>,

    /// Limit the children of a script that exist at a time. Default: 64 or the policy file's
    /// number.
    #[arg(long, value_name = "N")]
    max_children: Option<u32>,

    /// Set limits in the syntax of `wasmtime run`: `timeout=TIME`, `max-memory-size=BYTES`,
    /// `fuel=N`.
    #[arg(short = 'W', value_name = "KEY=VALUE[,..]", value_delimiter = ',', value_parser = wasm)]
    wasm: Vec<Wasm>,

    /// Report the outcome and the usage on standard error, for programs.
    #[arg(long)]
    pub json: bool,

    /// Report the usage on standard error, for people.
    #[arg(long, conflicts_with = "json")]
    pub stats: bool,
}

/// A limit in wasmtime's syntax.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wasm {
    /// In nanoseconds.
    Timeout(u64),
    Memory(u64),
    Fuel(u64),
}

impl Options {
    /// Returns the policy and the limits of scripts.
    pub fn profile(&self) -> Result<(Policy, Limits), Failure> {
        let profile = match &self.policy {
            Some(file) => {
                Profile::read(file).map_err(|error| Failure::usage(format!("--policy: {error}")))?
            }
            None => Profile::default(),
        };
        Ok((self.policy(profile.policy)?, self.limits(profile.limits)?))
    }

    /// Returns the image that scripts start from, if an option names one.
    pub fn image(&self) -> Result<Option<Image>, Failure> {
        self.image.as_deref().map(chosen).transpose()
    }

    /// Returns the capacity in interpreters for this many concurrent scripts.
    ///
    /// There is always room for `--max-children`; if that needs other system settings, the
    /// runtime's error says so. There is room for the children of a policy file as far as the usual
    /// system settings allow.
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
        // A policy file without children grants none.
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
                            "--env {variable}: not set in this environment (use --env {variable}=VALUE)"
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
            ("--timeout", LimitKind::Wall, timeout),
            ("--cpu", LimitKind::Cpu, self.cpu),
            ("--max-memory", LimitKind::Memory, memory),
            ("--fuel", LimitKind::Fuel, fuel),
            ("--max-output", LimitKind::Output, self.max_output),
            ("--max-tmp", LimitKind::Tmp, self.max_tmp),
        ];
        for (option, kind, amount) in rows {
            if let Some(amount) = amount {
                limits = limits.with(kind, amount);
                limits
                    .check()
                    .map_err(|error| Failure::usage(format!("{option}: {error}")))?;
            }
        }
        Ok(limits)
    }

    /// Reports on one interpreter, as `--stats` and `--json` request.
    pub fn report(&self, report: &Report, status: u8) {
        if self.stats {
            say(&format!("archipel: used: {}", report.usage_line()));
        }
        if self.json {
            say(&serde_json::Value::from(report.to_json(status)).to_string());
        }
    }
}

/// The error of an invalid option value.
fn at(option: &str, value: &dyn std::fmt::Display, error: archipel::Error) -> Failure {
    Failure::usage(format!("{option} {value}: {error}"))
}

/// Returns whether `image` is a path rather than a name.
pub fn is_path(image: &str) -> bool {
    image.contains(['/', '\\']) || image.ends_with(".wasm")
}

/// Returns the image that `--image` names.
fn chosen(image: &str) -> Result<Image, Failure> {
    let chosen = match is_path(image) {
        true => Image::open(image),
        false => Image::named(image, None),
    };
    chosen.map_err(|error| match error {
        archipel::Error::Guest(_) => {
            Failure::usage(format!("--image {image}: {}", crate::describe(&error)))
        }
        other => other.into(),
    })
}

/// A time in nanoseconds, and a size in bytes.
pub type Nanoseconds = u64;
pub type Bytes = u64;

/// Parses a time such as `500ms`, and returns it in nanoseconds. Without a unit it is in seconds.
pub fn time(text: &str) -> Result<u64, AmountError> {
    LimitKind::Wall.parse(text)
}

/// Parses a size such as `64MiB`. Without a unit it is in bytes.
pub fn size(text: &str) -> Result<u64, AmountError> {
    LimitKind::Memory.parse(text)
}

/// Returns the one value that the spellings of an option give.
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
            "{own} and {theirs} set the same limit to different values (remove one)"
        ))),
    }
}

/// Adds `searched` to the module path.
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
            "--path {searched}: not in a granted directory (grant its folder with --dir)"
        ))),
        None => Err(Failure::usage(format!(
            "--path {searched}: no such file or folder"
        ))),
    }
}

/// Parses `HOST[::GUEST][:ro|:rw]`.
fn directory(grant: &str) -> Result<(&str, String, Access), Failure> {
    let (rest, access) = if let Some(rest) = grant.strip_suffix(":rw") {
        (rest, Access::ReadWrite)
    } else {
        (grant.strip_suffix(":ro").unwrap_or(grant), Access::ReadOnly)
    };
    let (host, guest) = match rest.split_once("::") {
        // A path with a colon is possible, but a mistyped access is far more likely.
        Some((_, guest)) if guest.contains(':') => {
            return Err(Failure::usage(format!(
                "--dir {grant}: unknown access in {guest} (use ro or rw; the guest's path has no colon)"
            )));
        }
        Some((host, guest)) => (host, guest.to_owned()),
        None if rest.contains(':') && !std::path::Path::new(rest).exists() => {
            return Err(Failure::usage(format!(
                "--dir {grant}: there is no such directory (separate the paths by two colons: --dir HOST::GUEST)"
            )));
        }
        None => {
            let absolute = std::path::absolute(rest)
                .ok()
                .and_then(|path| path.to_str().map(str::to_owned));
            match absolute {
                Some(absolute) => (rest, absolute),
                None => {
                    return Err(Failure::usage(format!(
                        "--dir {grant}: no absolute path (name the guest's path: --dir HOST::/data)"
                    )));
                }
            }
        }
    };
    Ok((host, guest, access))
}

/// Parses `timeout=2s`, `max-memory-size=67108864` or `fuel=1000000`.
fn wasm(text: &str) -> Result<Wasm, String> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    match key {
        "timeout" => time(value)
            .map(Wasm::Timeout)
            .map_err(|error| error.to_string()),
        "max-memory-size" => size(value)
            .map(Wasm::Memory)
            .map_err(|error| error.to_string()),
        "fuel" => match value.parse() {
            Ok(fuel) => Ok(Wasm::Fuel(fuel)),
            Err(_) => Err("fuel is a whole number, such as -W fuel=1000000".to_owned()),
        },
        _ => Err("unknown -W option (use timeout, max-memory-size or fuel)".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_read_only_unless_rw_is_added() {
        let parse = |text| directory(text).map_err(|failure| failure.message);
        let row = |guest: &str, access| Ok::<_, String>(("a", guest.to_owned(), access));
        assert_eq!(parse("a::/b"), row("/b", Access::ReadOnly));
        assert_eq!(parse("a::/b:ro"), row("/b", Access::ReadOnly));
        assert_eq!(parse("a::/b:rw"), row("/b", Access::ReadWrite));
        for (grant, reason) in [
            ("a::/b:wr", "unknown access in /b:wr"),
            ("absent:/b", "two colons"),
        ] {
            let refused = parse(grant).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn wasm_limits_are_parsed_or_refused() {
        let rows = [
            ("timeout=1s", Ok(Wasm::Timeout(1_000_000_000))),
            ("max-memory-size=5", Ok(Wasm::Memory(5))),
            ("fuel=7", Ok(Wasm::Fuel(7))),
            ("fuel", Err("whole number")),
            ("fuel=-1", Err("whole number")),
            ("timeout", Err("not a time")),
            ("threads=y", Err("unknown -W option")),
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
