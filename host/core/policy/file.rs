//! Policies and limits in TOML files.

use super::env::{MOST_ENTRIES, check_count};
use super::image::check_images;
use super::{Access, Children, Clock, Destination, Modules, Policy, Profile, Random};
use crate::amount::Amount;
use crate::error::{ConfigKind, Error, LimitKind, Result};
use crate::limits::Limits;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The keys of a file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    path: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    stdin: bool,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    net: BTreeSet<Destination>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    aliases: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pass_env: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<Clock>,
    #[serde(skip_serializing_if = "Option::is_none")]
    random: Option<Random>,
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<Children>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    images: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    dirs: BTreeMap<String, DirEntry>,
    #[serde(skip_serializing_if = "is_default")]
    modules: Modules,
    #[serde(skip_serializing_if = "is_default")]
    limits: LimitTable,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DirEntry {
    host: PathBuf,
    #[serde(default)]
    access: Option<Access>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quota: Option<Amount>,
}

/// A field for each [`LimitKind`], with its [name](LimitKind::name).
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wall: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tmp: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handles: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recursion: Option<Amount>,
}

impl LimitTable {
    fn of(&mut self, kind: LimitKind) -> &mut Option<Amount> {
        match kind {
            LimitKind::Memory => &mut self.memory,
            LimitKind::Cpu => &mut self.cpu,
            LimitKind::Wall => &mut self.wall,
            LimitKind::Fuel => &mut self.fuel,
            LimitKind::Output => &mut self.output,
            LimitKind::Message => &mut self.message,
            LimitKind::Queued => &mut self.queued,
            LimitKind::Tmp => &mut self.tmp,
            LimitKind::Handles => &mut self.handles,
            LimitKind::Children => &mut self.children,
            LimitKind::Depth => &mut self.depth,
            LimitKind::Recursion => &mut self.recursion,
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Parses a file. `name` is its name in errors. Directories are relative to `base`.
pub(super) fn read(text: &str, name: &str, base: &Path) -> Result<Profile> {
    let mut file: File = toml::from_str(text).map_err(|error| unreadable(text, name, &error))?;
    let wrong = |key: &[&str], why: &str| {
        let span = span_of(text, key).unwrap_or(0..0);
        at(text, name, &span, &key.join("."), why)
    };
    let mut policy = Policy::new();
    for (guest, entry) in &file.dirs {
        let key = ["dirs", guest.as_str()];
        let quota = entry.quota.as_ref().map(Amount::bytes).transpose();
        let quota = quota.map_err(|why| wrong(&["dirs", guest, "quota"], &why))?;
        let access = match (entry.access, quota) {
            (Some(Access::ReadOnly), Some(_)) => {
                let why = "a read-only directory cannot have a quota; remove the quota, or set \
                           access = \"rw\"";
                return Err(wrong(&["dirs", guest, "quota"], why));
            }
            (None, Some(_)) => Access::ReadWrite,
            (access, _) => access.unwrap_or_default(),
        };
        policy = policy
            .grant_dir(&base.join(&entry.host), guest.clone(), access, quota)
            .map_err(|error| wrong(&key, &error.to_string()))?;
    }
    for variable in &file.pass_env {
        let passed = policy.pass_env(variable.as_str());
        policy = passed.map_err(|error| wrong(&["pass_env"], &error.to_string()))?;
    }
    for (variable, value) in &file.env {
        let set = policy.env(variable.as_str(), value.as_str());
        policy = set.map_err(|error| wrong(&["env", variable], &error.to_string()))?;
    }
    let args = std::mem::take(&mut file.args);
    policy = policy
        .args(args)
        .map_err(|error| wrong(&["args"], &error.to_string()))?;
    for folder in &file.path {
        let added = policy.path(folder.as_str());
        policy = added.map_err(|error| wrong(&["path"], &error.to_string()))?;
    }
    policy = policy
        .clock(file.clock.unwrap_or_default())
        .map_err(|error| wrong(&["clock"], &error.to_string()))?;
    policy = policy.random(file.random.unwrap_or_default());
    if let Some(Children { count, depth }) = file.children {
        policy = policy
            .children(count, depth)
            .map_err(|error| wrong(&["children"], &error.to_string()))?;
    }
    file.modules
        .check()
        .map_err(|error| wrong(&["modules"], &error.to_string()))?;
    policy.modules = file.modules;
    check_images(&file.images).map_err(|error| wrong(&["images"], &error.to_string()))?;
    policy.images = file.images;
    for alias in &file.aliases {
        let wanted = policy.wants_alias(alias.as_str());
        policy = wanted.map_err(|error| wrong(&["aliases"], &error.to_string()))?;
    }
    check_count("destinations", file.net.len(), MOST_ENTRIES)
        .map_err(|error| wrong(&["net"], &error.to_string()))?;
    policy.net = file.net;
    policy.stdin = file.stdin;
    let mut limits = Limits::new();
    for &kind in LimitKind::ALL {
        let Some(amount) = file.limits.of(kind) else {
            continue;
        };
        let key = ["limits", kind.name()];
        let limit = amount.of_limit(kind).map_err(|why| wrong(&key, &why))?;
        limits = limits.with(kind, limit);
        limits
            .check()
            .map_err(|error| wrong(&key, &error.to_string()))?;
    }
    Ok(Profile { policy, limits })
}

/// Returns the text of a file that parses as `profile`.
pub(super) fn write(profile: &Profile) -> Result<String> {
    let policy = &profile.policy;
    let mut limits = LimitTable::default();
    for &kind in LimitKind::ALL {
        let limit = profile.limits.get(kind);
        *limits.of(kind) = limit.map(|limit| Amount::from_limit(kind, limit));
    }
    let mut dirs = BTreeMap::new();
    for grant in &policy.dirs {
        if grant.host.to_str().is_none() {
            return Err(Error::config(
                ConfigKind::File,
                format!(
                    "the directory {:?} cannot be written to a policy file: its path is not valid UTF-8",
                    grant.host
                ),
            ));
        }
        let entry = DirEntry {
            host: grant.host.clone(),
            access: Some(grant.access),
            quota: grant.quota().map(Amount::from_bytes),
        };
        dirs.insert(grant.guest.clone(), entry);
    }
    let file = File {
        args: policy.args.clone(),
        path: policy.path.clone(),
        stdin: policy.stdin,
        net: policy.net.clone(),
        aliases: policy.aliases.clone(),
        pass_env: BTreeSet::new(),
        clock: (policy.clock != Clock::Real).then_some(policy.clock),
        random: (policy.random != Random::Real).then_some(policy.random),
        children: policy.children,
        images: policy.images.clone(),
        env: policy.env.clone(),
        dirs,
        modules: policy.modules.clone(),
        limits,
    };
    toml::to_string(&file).map_err(|error| Error::Internal(error.into()))
}

/// Returns the error for a text that is not TOML, or has unknown keys or wrong types.
fn unreadable(text: &str, name: &str, error: &toml::de::Error) -> Error {
    let span = error.span().unwrap_or(0..0);
    let key = key_at(text, &span);
    at(text, name, &span, &key, error.message())
}

fn at(text: &str, name: &str, span: &Range<usize>, key: &str, why: &str) -> Error {
    let before = text.as_bytes().get(..span.start).unwrap_or_default();
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let key = match key {
        "" => String::new(),
        key => format!("`{}`: ", key.escape_debug()),
    };
    let why = why.replace(['\n', '\r', '\0'], " ");
    Error::config(ConfigKind::File, format!("{name}, line {line}: {key}{why}"))
}

/// Returns the span of a key's value.
fn span_of(text: &str, key: &[&str]) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let (first, rest) = key.split_first()?;
    let mut value = document.get_ref().get(*first)?;
    for part in rest {
        match value.get_ref().as_table()?.get(*part) {
            Some(inner) => value = inner,
            None => break,
        }
    }
    Some(value.span())
}

/// Returns the key whose name or value contains the start of `span`.
fn key_at(text: &str, span: &Range<usize>) -> String {
    let document = DeTable::parse(text).ok();
    let found = document.and_then(|document| descend(document.get_ref(), span.start));
    found.unwrap_or_default().join(".")
}

/// Returns the innermost key there. A table with a header spans only the header, so all tables are searched.
fn descend(table: &DeTable<'_>, at: usize) -> Option<Vec<String>> {
    table.iter().find_map(|(key, value)| {
        let inner = match value.get_ref() {
            DeValue::Table(inner) => descend(inner, at),
            _ => None,
        };
        let is_here = || key.span().contains(&at) || value.span().contains(&at);
        let mut path = inner.or_else(|| is_here().then(Vec::new))?;
        path.insert(0, key.get_ref().to_string());
        Some(path)
    })
}
