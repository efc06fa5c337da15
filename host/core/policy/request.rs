//! Policies that interpreters request for their children.

use super::dir::MOST_DIRS;
use super::env::{MOST_ENTRIES, check_count};
use super::image::check_images;
use super::narrowing::{Narrowing, Opened};
use super::quota::Quota;
use super::{Access, Children, Clock, Destination, DirGrant, Modules, Policy, Random};
use crate::amount::Amount;
use crate::error::{Capability, ConfigKind, Error, Result};
use crate::value::Value;
use serde::de::{Deserializer, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The policy that an interpreter requests for a child. Paths are guest paths.
///
/// Omitted fields are not granted, except that the clock, random numbers and modules default to the parent's.
/// A request can be read from a dict ([`from_value`](Self::from_value)), and from any serde format.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Request {
    /// Directories, by their paths in the child.
    pub dirs: BTreeMap<String, DirRequest>,
    /// Environment variables. `None` means the parent's value.
    pub env: BTreeMap<String, Option<String>>,
    /// Arguments.
    pub args: Vec<String>,
    /// Network destinations.
    pub net: BTreeSet<Destination>,
    /// The clock. `None` means the parent's.
    pub clock: Option<Clock>,
    /// The source of random numbers. `None` means the parent's.
    pub random: Option<Random>,
    /// The number of children. `None` means none.
    pub children: Option<Children>,
    /// The names of images from which it can make children.
    pub images: BTreeSet<String>,
    /// The hidden modules, in addition to those that are hidden from the parent.
    pub modules: Modules,
    /// Module path entries, as paths in the child.
    pub path: Vec<String>,
    /// True to grant standard input.
    pub stdin: bool,
}

/// A directory that an interpreter requests. The short forms `"ro"` and `"rw"` can be read too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct DirRequest {
    /// The path in the parent. `None` means the same path as in the child.
    pub from: Option<String>,
    /// The access. The default is read-only.
    pub access: Access,
    /// The quota, in bytes. `None` means the parent's.
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
    /// Reads a request from a dict whose keys are the field names. `None` is an empty request.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] for an unknown key, a value of the wrong type, or more than 4,096 entries in
    /// a field (256 directories). The error is one line that names the key.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::policy::Request;
    /// use archipel::Value;
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
            Error::config(
                ConfigKind::Message,
                format!("the policy cannot be read: {why}"),
            )
        };
        let items = match value {
            Value::None => return Ok(Request::default()),
            Value::Dict(items) => items,
            _ => return Err(wrong("it is not a dict".to_owned())),
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
            return Err(wrong("it is not a dict".to_owned()));
        };
        fields.retain(|_, field| !field.is_null());
        let fields = Json::Object(fields);
        Request::deserialize(&fields).map_err(|error| {
            // Deserialise each field by itself, to find the one to name in the error.
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

    /// Refuses more entries than a policy can have, before doing any work.
    pub(super) fn check_counts(&self) -> Result<()> {
        check_count("directories", self.dirs.len(), MOST_DIRS)?;
        check_count("environment variables", self.env.len(), MOST_ENTRIES)?;
        check_count("arguments", self.args.len(), MOST_ENTRIES)?;
        check_count("destinations", self.net.len(), MOST_ENTRIES)?;
        check_count("images", self.images.len(), MOST_ENTRIES)?;
        check_count("module path entries", self.path.len(), MOST_ENTRIES)
    }
}

/// Returns the number of entries of a value.
fn length(value: &Value) -> usize {
    match value {
        Value::Tuple(items) | Value::List(items) | Value::Set(items) | Value::FrozenSet(items) => {
            items.len()
        }
        Value::Dict(items) => items.len(),
        _ => 0,
    }
}

/// Returns the maximum number of entries of the field with that name.
fn most_entries(key: &Value) -> usize {
    let is_dirs = matches!(key, Value::Str(text) if text.as_str() == Some("dirs"));
    if is_dirs { MOST_DIRS } else { MOST_ENTRIES }
}

fn plain(c: char) -> char {
    match c.is_control() {
        true => ' ',
        false => c,
    }
}

/// Converts a value into JSON.
fn json(value: &Value) -> Result<Json, String> {
    let number = "it contains a number that is too large".to_owned();
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
            .ok_or("it contains a float that is infinite or NaN")?,
        Value::Str(text) => match text.as_str() {
            Some(text) => Json::String(text.to_owned()),
            None => return Err("it contains a str with surrogates".to_owned()),
        },
        Value::Tuple(items) | Value::List(items) | Value::Set(items) | Value::FrozenSet(items) => {
            Json::Array(items.iter().map(json).collect::<Result<_, _>>()?)
        }
        Value::Dict(items) => {
            let mut object = serde_json::Map::new();
            for (key, value) in items {
                let Json::String(key) = json(key)? else {
                    return Err("it contains a key that is not a str".to_owned());
                };
                object.insert(key, json(value)?);
            }
            Json::Object(object)
        }
        _ => {
            return Err("it contains an object that is not a str, number, list or dict".to_owned());
        }
    })
}

impl Policy {
    /// Returns the policy of a child that an interpreter with this policy requests.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Denied`] if the request exceeds this policy or is invalid. The text names the
    /// requested grant and reveals nothing that only the host knows.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::policy::Request;
    /// use archipel::{Error, Policy};
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

    /// Converts the request into a policy. `self` is the maximum, and `opened` has the opened directories.
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
                    return Err(Error::denied(
                        Capability::Env,
                        format!("the environment variable {name:?} is not set in the parent"),
                    ));
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
        check_images(&request.images)?;
        policy.images = request.images.clone();
        policy.stdin = request.stdin;
        policy.net = request.net.clone();
        Ok(policy)
    }

    /// Returns the grant that contains the directory `from`, and the path of the directory in it.
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
            return Err(Error::denied(
                Capability::Dir,
                format!("the directory {from:?} is not granted to the parent"),
            ));
        };
        if asked.access > parent.access {
            return Err(Error::denied(
                Capability::Dir,
                format!("the directory {from:?} is read-only for the parent"),
            ));
        }
        let rest = from.get(parent.guest.len() + 1..).unwrap_or_default();
        Ok((parent, rest))
    }

    /// Returns a grant of the parent's directory `from`: the granted directory itself, or the opened one in
    /// it.
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
                return Err(Error::denied(
                    Capability::Dir,
                    format!("the directory {from:?} was not opened"),
                ));
            }
        };
        let quota = match (asked.access, asked.quota, &parent.quota) {
            (Access::ReadOnly, ..) => None,
            (_, Some(bytes), above) => {
                let above_limit = above.as_ref().map_or(u64::MAX, |above| above.limit);
                if bytes > above_limit {
                    return Err(Error::denied(
                        Capability::Dir,
                        format!(
                            "a quota of {bytes} bytes for the directory {from:?} exceeds the parent's \
                         quota"
                        ),
                    ));
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
    /// Returns the path in the parent.
    pub(super) fn from<'a>(&'a self, guest: &'a str) -> &'a str {
        self.from.as_deref().unwrap_or(guest)
    }
}
