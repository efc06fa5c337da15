//! `archipel run`.

use crate::{Failure, prepare};
use archipel::{Access, Limits, Output, Policy};
use clap::Args;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// How many children a script may have, and how deep.
const CHILDREN: (u32, u32) = (64, 4);

#[derive(Args)]
pub struct Run {
    /// Run this source text instead of a script; all arguments are its own.
    #[arg(short = 'c', value_name = "CODE")]
    code: Option<String>,

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

    /// Stop the script after this time: `500ms`, `2s`, `1m`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,

    /// The most memory for each interpreter: `64MiB`, `1GiB`.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_memory: Option<usize>,

    /// How many children may exist at a time.
    #[arg(long, value_name = "N", default_value_t = CHILDREN.0)]
    max_children: u32,

    /// The script, or `-` for standard input, and its arguments.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "SCRIPT [ARGS]"
    )]
    script: Vec<String>,
}

impl Run {
    /// Runs the script and returns its exit status.
    pub fn execute(self) -> Result<u8, Failure> {
        let policy = self.policy()?;
        let limits = self.limits()?;
        let (source, name, arguments) = self.source()?;
        let runtime = prepare::runtime().build()?;
        let interpreter = runtime
            .interpreter()
            .policy(policy)
            .limits(limits)
            .stdout(Output::host_stdout())
            .stderr(Output::host_stderr())
            .build()?;
        let status = interpreter.run(source, name, arguments)?;
        // The process ends now anyway, so nothing is gained by cleaning up.
        std::process::exit(i32::from(status))
    }

    fn policy(&self) -> Result<Policy, Failure> {
        let mut policy = Policy::new()
            .stdin()
            .children(self.max_children, CHILDREN.1)?;
        for grant in &self.dir {
            let (host, guest, access) = directory(grant)?;
            policy = policy.dir(host, guest, access)?;
        }
        for searched in &self.path {
            if policy.guest_path_of(searched).is_none() && Path::new(searched).is_dir() {
                let (host, guest, access) = directory(searched)?;
                policy = policy.dir(host, guest, access)?;
            }
            match policy.guest_path_of(searched) {
                Some(guest) => policy = policy.path(guest)?,
                None if Path::new(searched).exists() => {
                    return Err(Failure::usage(format!(
                        "--path {searched}: it lies in no granted directory; add --dir for the \
                         folder that it is in"
                    )));
                }
                None => {
                    return Err(Failure::usage(format!(
                        "--path {searched}: there is no such file or folder"
                    )));
                }
            }
        }
        for variable in &self.env {
            policy = match variable.split_once('=') {
                Some((name, value)) => policy.env(name, value)?,
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

    fn limits(&self) -> Result<Limits, Failure> {
        let mut limits = Limits::new();
        if let Some(time) = self.timeout {
            limits = limits.wall(time)?;
        }
        if let Some(bytes) = self.max_memory {
            limits = limits.memory(bytes as u64)?;
        }
        Ok(limits)
    }

    /// The source, its name and the arguments.
    fn source(self) -> Result<(Vec<u8>, String, Vec<String>), Failure> {
        if let Some(code) = self.code {
            return Ok((code.into_bytes(), "<string>".to_owned(), self.script));
        }
        let mut words = self.script.into_iter();
        let Some(script) = words.next() else {
            return Err(Failure::usage(
                "no script was given: name one, or use `-` for standard input or `-c CODE`",
            ));
        };
        let arguments = words.collect();
        if script == "-" {
            let mut source = Vec::new();
            std::io::stdin()
                .read_to_end(&mut source)
                .map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))?;
            return Ok((source, "<stdin>".to_owned(), arguments));
        }
        if script.starts_with('-') {
            return Err(Failure::usage(format!(
                "unknown option {script}; see `archipel run --help`"
            )));
        }
        let source = std::fs::read(Path::new(&script)).map_err(|error| {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
                _ => error.to_string(),
            };
            Failure::usage(format!("cannot run {script}: {why}"))
        })?;
        Ok((source, script, arguments))
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

/// A time such as `500ms`.
fn time(text: &str) -> Result<Duration, String> {
    let split = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("times end in ns, us, ms, s, m or h".to_owned()),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "it is no number followed by a unit, such as 500ms".to_owned())?;
    Duration::try_from_secs_f64(number * seconds)
        .map_err(|_| "it is negative, too large or not a number".to_owned())
}

/// A size such as `64MiB`.
fn size(text: &str) -> Result<usize, String> {
    let split = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: usize = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err("sizes end in KiB, MiB, GiB, KB, MB or GB".to_owned()),
    };
    number
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "it is no whole number followed by a unit, such as 64MiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "ms", "-1s", "nan", "inf", "1e300s", "1 s", "5x"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("10kb"), Ok(10_000));
        for wrong in ["", "MiB", "-1", "1.5GiB", "99999999999999999999", "1x"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn directories() {
        let parse = |text| directory(text).map_err(|failure| failure.message);
        let row = |guest: &str, access| Ok::<_, String>(("a", guest.to_owned(), access));
        assert_eq!(parse("a::/b"), row("/b", Access::ReadOnly));
        assert_eq!(parse("a::/b:ro"), row("/b", Access::ReadOnly));
        assert_eq!(parse("a::/b:rw"), row("/b", Access::ReadWrite));
    }
}
