//! Creation of a child's policy. The directories of its request are opened a few at a time.

use super::dir::{Folder, Hold, check_guest_path, reason_for_guest};
use super::{Policy, Request};
use crate::error::{Capability, Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time for which directories are opened before the caller checks limits.
const SOME: Duration = Duration::from_millis(5);

/// The opened directories by their paths in the parent, with their paths inside the grant.
pub(super) type Opened = BTreeMap<String, (Arc<Folder>, PathBuf)>;

/// A request whose directories are being opened.
pub struct Narrowing {
    /// The maximum policy of the child.
    most: Policy,
    request: Request,
    /// For each directory: the directory that contains it, its path there, and its path in the parent.
    unopened: Vec<(Arc<Folder>, PathBuf, String)>,
    opened: Opened,
}

/// Converts any error of an interpreter's request into a denial.
fn denied(error: Error) -> Error {
    match error {
        Error::Config(invalid) => Error::denied(Capability::Invalid, invalid.text),
        error => error,
    }
}

impl Narrowing {
    /// Checks everything that can be checked before directories are opened.
    ///
    /// # Errors
    ///
    /// See [`Policy::narrowed`].
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
        // Directories are taken from the end.
        unopened.reverse();
        Ok(Narrowing {
            most,
            request,
            unopened,
            opened: Opened::new(),
        })
    }

    /// Returns the number of directories that are not yet opened. Granting a parent's directory itself
    /// requires no opening.
    pub fn unopened(&self) -> usize {
        self.unopened.len()
    }

    /// Opens some of the directories, with one of `holds` for each as long as there are any. Returns whether
    /// all are open.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Denied`] if a directory cannot be opened.
    pub fn open(&mut self, holds: &mut Vec<Hold>) -> Result<bool> {
        let begun = Instant::now();
        while let Some((parent, path, from)) = self.unopened.pop() {
            let opened = parent.open(Path::new(&path), holds.pop());
            let opened = opened.map_err(|error| {
                let why = reason_for_guest(&error);
                Error::denied(
                    Capability::Dir,
                    format!("the directory {from:?} cannot be granted: {why}"),
                )
            })?;
            self.opened.insert(from, opened);
            if begun.elapsed() > SOME {
                break;
            }
        }
        Ok(self.unopened.is_empty())
    }

    /// Returns the policy. All directories must be open.
    ///
    /// # Errors
    ///
    /// See [`Policy::narrowed`].
    pub fn end(self) -> Result<Policy> {
        let asked = self.most.asked(&self.request, &self.opened);
        let policy = asked.map_err(denied)?;
        policy.within(&self.most)?;
        Ok(policy)
    }
}
