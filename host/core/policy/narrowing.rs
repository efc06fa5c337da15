//! A child's policy on its way: the directories of its request are opened a few at a time.

use super::dir::{Folder, Hold, check_guest_path, reason_for_guest};
use super::{Policy, Request};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long directories are opened before the caller gets to look at limits.
const SOME: Duration = Duration::from_millis(5);

/// The directories that were opened, by the paths that they have for the parent, with their paths in the grant.
pub(super) type Opened = BTreeMap<String, (Arc<Folder>, PathBuf)>;

/// A request of which the directories are being opened.
pub struct Narrowing {
    /// What the child can have at most.
    most: Policy,
    request: Request,
    /// The directory that each is opened from, the path there, and the path that the parent has for it.
    unopened: Vec<(Arc<Folder>, PathBuf, String)>,
    opened: Opened,
}

/// What an interpreter asks for in vain is denied, whatever is wrong with it.
fn denied(error: Error) -> Error {
    match error {
        Error::Config(text) => Error::Denied(text),
        error => error,
    }
}

impl Narrowing {
    /// Checks what can be checked before anything is opened.
    ///
    /// # Errors
    ///
    /// As for [`Policy::narrowed`].
    pub fn begin(parent: &Policy, request: Request) -> Result<Self> {
        request.check_counts().map_err(denied)?;
        let most = parent.of_child(true);
        let mut unopened = Vec::new();
        let mut seen = BTreeSet::new();
        for (guest, asked) in &request.dirs {
            let from = asked.from(guest);
            check_guest_path(guest).map_err(denied)?;
            check_guest_path(from).map_err(denied)?;
            let (grant, rest) = most.grant_around(from, asked)?;
            if !rest.is_empty() && seen.insert(from) {
                unopened.push((grant.folder.clone(), PathBuf::from(rest), from.to_owned()));
            }
        }
        // Taken from the end.
        unopened.reverse();
        Ok(Narrowing {
            most,
            request,
            unopened,
            opened: Opened::new(),
        })
    }

    /// How many directories are yet to be opened. A grant of the parent's own directory needs none.
    pub fn unopened(&self) -> usize {
        self.unopened.len()
    }

    /// Opens some of the directories, each with one of `holds` while there are any, and returns whether all are open.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] for one that cannot be opened.
    pub fn open(&mut self, holds: &mut Vec<Hold>) -> Result<bool> {
        let begun = Instant::now();
        while let Some((parent, path, from)) = self.unopened.pop() {
            let opened = parent.open(Path::new(&path), holds.pop());
            let opened = opened.map_err(|error| {
                let why = reason_for_guest(&error);
                Error::Denied(format!("the directory {from:?} cannot be granted: {why}"))
            })?;
            self.opened.insert(from, opened);
            if begun.elapsed() > SOME {
                break;
            }
        }
        Ok(self.unopened.is_empty())
    }

    /// The policy, once all directories are open.
    ///
    /// # Errors
    ///
    /// As for [`Policy::narrowed`].
    pub fn end(self) -> Result<Policy> {
        let asked = self.most.asked(&self.request, &self.opened);
        let policy = asked.map_err(denied)?;
        policy.within(&self.most)?;
        Ok(policy)
    }
}
