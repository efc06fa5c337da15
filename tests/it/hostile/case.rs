//! A hostile script, and the declarations in its first lines.
//!
//! In addition to the keys of every script (`script.rs`):
//!
//! | key | value |
//! |---|---|
//! | `row` | the row of the table that the script covers, such as `C-1`; can be repeated |
//! | `attack` | a sentence that describes the attack |
//! | `outcome` | the expected outcome, or several with `or`: see [`Outcome`] |
//! | `audit` | a part of the next entry in the audit log; all entries must be listed |
//! | `audits` | the number of entries in the audit log, if they are not listed |
//! | `dir` | a granted directory: `ro /data`, `rw /data`, or `rw /data 64KiB` with a quota |
//! | `env` | `NAME=VALUE` |
//! | `net` | a granted destination |
//! | `clock` | the time of the frozen clock, in seconds after 1970 |
//! | `seed` | the seed of all random numbers |
//! | `alias` | a host alias: `echo`, `fails` or `panics` |
//! | `with` | a file of `tests/python/hostile` that is put before the script |

use crate::root;
use crate::script::{Expected, header, name};
use archipel::policy::{Access, Clock, Random};
use archipel::{AliasError, Call, Policy, Value};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The outcome of a script, in the words of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// `OK`: it ended without doing harm.
    Ok,
    /// `RAISE(X)`: it received an exception, and printed it or did not catch it.
    Raise(String),
    /// `DENY`: it received an error of denied permission or of a missing object.
    Deny,
    /// `CLOSED`: it received an error about a closed channel or handle.
    Closed,
    /// `EXIT(n)`: it ended with that status.
    Exit(String),
    /// `LIMIT(kind)`: it was stopped by a limit; `TIMEOUT` is the limit on wall time.
    Limit(String),
    /// `DIED`: its interpreter died.
    Died,
}

impl Outcome {
    fn read(text: &str) -> Self {
        let argument = || {
            let (_, rest) = text.split_once('(').unwrap();
            rest.trim_end_matches(')').to_owned()
        };
        match text.split('(').next().unwrap() {
            "OK" => Outcome::Ok,
            "RAISE" => Outcome::Raise(argument()),
            "DENY" => Outcome::Deny,
            "CLOSED" => Outcome::Closed,
            "EXIT" => Outcome::Exit(argument()),
            "LIMIT" => Outcome::Limit(argument()),
            "TIMEOUT" => Outcome::Limit("wall".to_owned()),
            "DIED" => Outcome::Died,
            other => panic!("`{other}` is not a valid outcome"),
        }
    }

    /// Returns whether a script had this outcome. `ended` is `exit N`, `limit KIND` or `died`. Exceptions are
    /// recognised in the script's output.
    pub fn is(&self, ended: &str, written: &str) -> bool {
        let caught =
            |names: &[&str]| ended == "exit 0" && names.iter().any(|name| written.contains(name));
        match self {
            Outcome::Ok => ended == "exit 0",
            Outcome::Raise(name) => caught(&[name]) || ended == "exit 1" && written.contains(name),
            Outcome::Deny => caught(&["PermissionError", "FileNotFoundError", "Denied"]),
            Outcome::Closed => caught(&["Closed", "closed"]),
            Outcome::Exit(status) => *ended == format!("exit {status}"),
            Outcome::Limit(kind) => *ended == format!("limit {kind}"),
            Outcome::Died => ended == "died",
        }
    }
}

/// A script, and the declarations in its first lines.
pub struct Case {
    pub name: String,
    pub source: String,
    pub rows: Vec<String>,
    pub attack: String,
    /// The outcome as written.
    pub outcome: String,
    pub outcomes: Vec<Outcome>,
    pub audit: Vec<String>,
    pub audits: Option<usize>,
    pub expected: Expected,
    grants: Vec<(String, String)>,
}

impl Case {
    pub fn read(path: &Path) -> Self {
        let source = std::fs::read_to_string(path).unwrap();
        let mut case = Case {
            name: name(path).to_owned(),
            rows: Vec::new(),
            attack: String::new(),
            outcome: String::new(),
            outcomes: Vec::new(),
            audit: Vec::new(),
            audits: None,
            expected: Expected::new(),
            grants: Vec::new(),
            source,
        };
        let source = std::mem::take(&mut case.source);
        for (key, value) in header(&source) {
            match key {
                "row" => case.rows.push(value.to_owned()),
                "attack" => case.attack = value.to_owned(),
                "outcome" => {
                    case.outcome = value.to_owned();
                    case.outcomes = value.split(" or ").map(Outcome::read).collect();
                }
                "audits" => case.audits = Some(value.parse().unwrap()),
                "audit" => case.audit.push(value.to_owned()),
                "with" => {
                    let helper = root().join(format!("tests/python/hostile/{value}.py"));
                    case.source = std::fs::read_to_string(helper).unwrap();
                }
                "dir" | "env" | "net" | "clock" | "seed" | "alias" => {
                    case.grants.push((key.to_owned(), value.to_owned()));
                }
                _ => assert!(case.expected.take(key, value), "{}: `{key}`", case.name),
            }
        }
        case.source.push_str(&source);
        let name = &case.name;
        assert!(!case.rows.is_empty(), "{name} has no row");
        assert!(!case.attack.is_empty(), "{name} has no attack");
        assert!(!case.outcomes.is_empty(), "{name} has no outcome");
        // A script without output cannot prove that it reached the attack.
        let silent = case.expected.stdout.as_deref() == Some("");
        assert!(!silent, "{name} must print something to prove that it ran");
        case
    }

    /// Returns the policy of the script, with its directories in `place`.
    pub fn policy(&self, place: &Place) -> Policy {
        let (count, depth) = self.expected.children;
        let mut policy = Policy::new().children(count, depth).unwrap();
        for (key, value) in &self.grants {
            policy = match key.as_str() {
                "dir" => grant_dir(policy, value, place),
                "env" => {
                    let (name, value) = value.split_once('=').unwrap();
                    policy.env(name, value).unwrap()
                }
                "net" => policy.net(value).unwrap(),
                "clock" => {
                    let since = Duration::from_secs(value.parse().unwrap());
                    policy
                        .clock(Clock::Frozen(SystemTime::UNIX_EPOCH + since))
                        .unwrap()
                }
                "seed" => policy.random(Random::Seeded(value.parse().unwrap())),
                _ => alias(policy, value),
            };
        }
        policy
    }
}

fn grant_dir(policy: Policy, value: &str, place: &Place) -> Policy {
    let mut words = value.split(' ');
    let access = words.next().unwrap();
    let guest = words.next().unwrap();
    let host = place.folder(guest.rsplit('/').next().unwrap());
    match (access, words.next()) {
        ("rw", Some(quota)) => {
            let kibibytes: u64 = quota.trim_end_matches("KiB").parse().unwrap();
            policy.dir_with_quota(host, guest, kibibytes << 10)
        }
        ("rw", None) => policy.dir(host, guest, Access::ReadWrite),
        _ => policy.dir(host, guest, Access::ReadOnly),
    }
    .unwrap()
}

fn alias(policy: Policy, name: &str) -> Policy {
    let function: fn(Call) -> Result<Value, AliasError> = match name {
        "echo" => |call| Ok(call.args.first().cloned().unwrap_or_else(|| ().into())),
        "fails" => |_| Err(AliasError::new("the alias failed")),
        _ => |_| panic!("a secret in {}", env!("CARGO_MANIFEST_DIR")),
    };
    policy.alias(name, function).unwrap()
}

/// The folder of one script, with its granted directories and a file beside them that no script can reach.
pub struct Place {
    root: PathBuf,
    canary: String,
}

impl Place {
    pub fn new(name: &str) -> Self {
        let folder = format!("archipel-hostile-{}-{name}", std::process::id());
        let root = std::env::temp_dir().join(folder);
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(&root).unwrap();
        let canary = format!("canary of {name}");
        std::fs::write(root.join("canary.txt"), &canary).unwrap();
        Place { root, canary }
    }

    /// Creates a directory to grant, with a file and with links that lead out of it.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.root.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("hello.txt"), "hello").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink("../canary.txt", folder.join("out")).unwrap();
            symlink(self.root.join("canary.txt"), folder.join("absolute")).unwrap();
            symlink("..", folder.join("up")).unwrap();
        }
        folder
    }

    /// Returns the path of a directory created before.
    pub fn granted(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn canary(&self) -> PathBuf {
        self.root.join("canary.txt")
    }

    /// Returns whether the file beside the directories is unchanged.
    pub fn is_untouched(&self) -> bool {
        let kept = std::fs::read_to_string(self.canary());
        let files = std::fs::read_dir(&self.root).unwrap();
        let files = files.filter(|file| !file.as_ref().unwrap().path().is_dir());
        kept.is_ok_and(|text| text == self.canary) && files.count() == 1
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}
