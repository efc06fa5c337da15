//! What an interpreter asks for its child.

use super::amount::Amount;
use super::dir::MOST_DIRS;
use super::env::{MOST, check_count};
use super::narrowing::{Narrowing, Opened};
use super::quota::Quota;
use super::{Access, Children, Clock, Destination, DirGrant, Modules, Policy, Random};
use crate::error::{Error, Result};
use crate::value::Value;
use serde::de::{Deserializer, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// What an interpreter asks for its child, in its own words: paths are its own, not the host's.
///
/// What is left out is not granted, except that clocks, random numbers and modules are those of
/// the parent.  It can be read from a dict ([`from_value`](Self::from_value)), and from whatever
/// else serde reads.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Request {
    /// Directories, by the paths that they have for the child.
    pub dirs: BTreeMap<String, DirRequest>,
    /// Variables of the environment; `None` stands for what the parent has.
    pub env: BTreeMap<String, Option<String>>,
    /// Arguments.
    pub args: Vec<String>,
    /// Where it may connect to.
    pub net: BTreeSet<Destination>,
    /// What time it is.
    pub clock: Option<Clock>,
    /// Where random numbers come from.
    pub random: Option<Random>,
    /// How many children it may have.
    pub children: Option<Children>,
    /// Which modules are hidden, beside those that are hidden from the parent.
    pub modules: Modules,
    /// Folders and archives with modules, by the paths that they have for the child.
    pub path: Vec<String>,
    /// Whether it has the standard input.
    pub stdin: bool,
}

/// A directory that an interpreter asks for.  For short, it is read from `"ro"` and `"rw"` too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct DirRequest {
    /// The path that it has for the parent, if that is another.
    pub from: Option<String>,
    /// Whether it can be changed.
    pub access: Access,
    /// How many bytes can be written to it.
    pub quota: Option<u64>,
}

impl<'de> Deserialize<'de> for DirRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            from: Option<String>,
            #[serde(default)]
            access: Access,
            quota: Option<Amount>,
        }
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = DirRequest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"ro\", \"rw\", or a table with from, access and quota")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<DirRequest, E> {
                let access = match text {
                    "ro" | "read-only" => Access::ReadOnly,
                    "rw" | "read-write" => Access::ReadWrite,
                    other => {
                        let other = serde::de::Unexpected::Str(other);
                        return Err(E::invalid_value(other, &self));
                    }
                };
                Ok(DirRequest {
                    access,
                    ..DirRequest::default()
                })
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<DirRequest, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                let quota = table.quota.map(|quota| quota.bytes()).transpose();
                Ok(DirRequest {
                    from: table.from,
                    access: table.access,
                    quota: quota.map_err(serde::de::Error::custom)?,
                })
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Request {
    /// Reads a dict with the names of the fields as keys; `None` is nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for an unknown key or a value of the wrong type, in one line that names it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{Request, Value};
    ///
    /// let dict = |items: Vec<(&str, Value)>| {
    ///     Value::Dict(items.into_iter().map(|(key, value)| (key.into(), value)).collect())
    /// };
    /// let dirs = dict(vec![("/data", "ro".into())]);
    /// assert!(Request::from_value(&dict(vec![("dirs", dirs)])).is_ok());
    /// let error = Request::from_value(&dict(vec![("dir", "ro".into())])).unwrap_err();
    /// assert!(error.to_string().contains("unknown field `dir`"));
    /// ```
    pub fn from_value(value: &Value) -> Result<Self> {
        let wrong = |why: String| {
            let why: String = why.chars().map(plain).collect();
            Error::Config(format!("the policy cannot be read: {why}"))
        };
        let items = match value {
            Value::None => return Ok(Request::default()),
            Value::Dict(items) => items,
            _ => return Err(wrong("it is no dict".to_owned())),
        };
        for (key, value) in items {
            let (length, most) = (length(value), most_entries(key));
            if length > most {
                let shown: String = key.to_string().chars().take(64).collect();
                return Err(wrong(format!(
                    "{shown} has {length} entries: at most {most}"
                )));
            }
        }
        let Json::Object(mut fields) = json(value).map_err(wrong)? else {
            return Err(wrong("it is no dict".to_owned()));
        };
        fields.retain(|_, field| !field.is_null());
        let fields = Json::Object(fields);
        Request::deserialize(&fields).map_err(|error| {
            // Each by itself, so that the error can name it.
            let mut singles = fields.as_object().into_iter().flatten();
            let found = singles.find_map(|(key, field)| {
                let single = Json::Object([(key.clone(), field.clone())].into_iter().collect());
                let error = Request::deserialize(single).err()?;
                let shown: String = key.chars().take(64).collect();
                Some(format!("`{shown}`: {error}"))
            });
            wrong(found.unwrap_or_else(|| error.to_string()))
        })
    }

    /// Refuses more of anything than a policy can have, before anything is done for it.
    pub(super) fn check_counts(&self) -> Result<()> {
        check_count("directories", self.dirs.len(), MOST_DIRS)?;
        check_count("environment variables", self.env.len(), MOST)?;
        check_count("arguments", self.args.len(), MOST)?;
        check_count("destinations", self.net.len(), MOST)?;
        check_count("folders with modules", self.path.len(), MOST)
    }
}

/// How many entries a value has.
fn length(value: &Value) -> usize {
    match value {
        Value::Tuple(items) | Value::List(items) | Value::Set(items) | Value::FrozenSet(items) => {
            items.len()
        }
        Value::Dict(items) => items.len(),
        _ => 0,
    }
}

/// How many entries the field with that name can have.
fn most_entries(key: &Value) -> usize {
    let is_dirs = matches!(key, Value::Str(text) if text.as_str() == Some("dirs"));
    if is_dirs { MOST_DIRS } else { MOST }
}

fn plain(c: char) -> char {
    match c.is_control() {
        true => ' ',
        false => c,
    }
}

/// The same in the terms that serde knows.
fn json(value: &Value) -> Result<Json, String> {
    let number = "a number of it is too large".to_owned();
    Ok(match value {
        Value::None => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => match (u64::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => value.into(),
            (_, Ok(value)) => value.into(),
            _ => return Err(number),
        },
        Value::Float(value) => serde_json::Number::from_f64(*value)
            .map(Json::Number)
            .ok_or("a number of it is infinite or none at all")?,
        Value::Str(text) => match text.as_str() {
            Some(text) => Json::String(text.to_owned()),
            None => return Err("a text of it has surrogates in it".to_owned()),
        },
        Value::Tuple(items) | Value::List(items) | Value::Set(items) | Value::FrozenSet(items) => {
            Json::Array(items.iter().map(json).collect::<Result<_, _>>()?)
        }
        Value::Dict(items) => {
            let mut object = serde_json::Map::new();
            for (key, value) in items {
                let Json::String(key) = json(key)? else {
                    return Err("a key of it is no text".to_owned());
                };
                object.insert(key, json(value)?);
            }
            Json::Object(object)
        }
        _ => return Err("something in it is neither text, number, list nor dict".to_owned()),
    })
}

impl Policy {
    /// The policy of a child for which an interpreter with this policy asks.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] when that is more than it has, or makes no sense.  The text names what was
    /// asked for, and nothing that only the host knows.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{Error, Policy, Request};
    ///
    /// let parent = Policy::new().children(8, 2)?.net("10.0.0.0/8:443")?;
    /// let mut request = Request::default();
    /// request.net.insert("10.1.2.3:443".parse()?);
    /// assert!(parent.narrowed(&request)?.to_string().contains("connect to 10.1.2.3:443"));
    /// request.net.insert("example.org:443".parse()?);
    /// assert!(matches!(parent.narrowed(&request), Err(Error::Denied(_))));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn narrowed(&self, request: &Request) -> Result<Policy> {
        let mut narrowing = Narrowing::begin(self, request.clone())?;
        while !narrowing.open(&mut Vec::new())? {}
        narrowing.end()
    }

    /// What the request says, for someone who could have this at the most, with the directories that were opened for
    /// it.
    pub(super) fn asked(&self, request: &Request, opened: &Opened) -> Result<Policy> {
        let mut policy = Policy::new().args(request.args.iter().map(String::as_str))?;
        for (guest, asked) in &request.dirs {
            let from = asked.from(guest);
            let grant = self.sub_dir(guest, from, asked, opened)?;
            policy.add_dir(&format!("{from:?}"), grant)?;
        }
        for (name, value) in &request.env {
            policy = match (value, self.env.get(name)) {
                (Some(value), _) => policy.env(name.as_str(), value.as_str())?,
                (None, Some(value)) => policy.env(name.as_str(), value.as_str())?,
                (None, None) => {
                    return Err(Error::Denied(format!(
                        "the environment variable {name:?} is not set in the parent"
                    )));
                }
            };
        }
        for folder in &request.path {
            policy = policy.path(folder.as_str())?;
        }
        policy = policy.clock(request.clock.unwrap_or(self.clock))?;
        policy.random = request.random.unwrap_or(self.random);
        if let Some(Children { count, depth }) = request.children {
            policy = policy.children(count, depth)?;
        }
        request.modules.check()?;
        policy.modules = request.modules.clone().below(&self.modules);
        policy.modules.check()?;
        policy.stdin = request.stdin;
        policy.net = request.net.clone();
        Ok(policy)
    }

    /// The grant that the directory `from` is in, and the rest of the path there.
    pub(super) fn grant_around<'a>(
        &self,
        from: &'a str,
        asked: &DirRequest,
    ) -> Result<(&DirGrant, &'a str)> {
        let below = |grant: &&DirGrant| {
            let rest = from.strip_prefix(grant.guest.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let parents = self.dirs.iter().filter(below);
        let Some(parent) = parents.max_by_key(|grant| grant.guest.len()) else {
            return Err(Error::Denied(format!(
                "the directory {from:?} is in none that the parent has"
            )));
        };
        if asked.access > parent.access {
            return Err(Error::Denied(format!(
                "the directory {from:?} is read-only for the parent"
            )));
        }
        let rest = from.get(parent.guest.len() + 1..).unwrap_or_default();
        Ok((parent, rest))
    }

    /// The directory that is `from` for whoever has this policy: the very one that was granted, or one that was opened
    /// from that.
    fn sub_dir(
        &self,
        guest: &str,
        from: &str,
        asked: &DirRequest,
        opened: &Opened,
    ) -> Result<DirGrant> {
        let (parent, rest) = self.grant_around(from, asked)?;
        let (folder, host) = match (rest, opened.get(from)) {
            ("", _) => (parent.folder.clone(), parent.host.clone()),
            (_, Some((folder, real))) => (folder.clone(), parent.host.join(real)),
            (_, None) => {
                return Err(Error::Denied(format!(
                    "the directory {from:?} was not opened"
                )));
            }
        };
        let quota = match (asked.access, asked.quota, &parent.quota) {
            (Access::ReadOnly, ..) => None,
            (_, Some(bytes), above) => {
                let above_limit = above.as_ref().map_or(u64::MAX, |above| above.limit);
                if bytes > above_limit {
                    return Err(Error::Denied(format!(
                        "a quota of {bytes} bytes for the directory {from:?} is more than the \
                         parent has"
                    )));
                }
                Some(Arc::new(Quota::new(bytes, above.clone())))
            }
            (_, None, above) => above.clone(),
        };
        Ok(DirGrant {
            folder,
            host,
            guest: guest.to_owned(),
            access: asked.access,
            quota,
        })
    }
}

impl DirRequest {
    /// The path that it has for the parent.
    pub(super) fn from<'a>(&'a self, guest: &'a str) -> &'a str {
        self.from.as_deref().unwrap_or(guest)
    }
}
