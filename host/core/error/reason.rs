//! The reasons in errors, with fields for what programs tell apart.

use crate::encoding::Refusal;
use crate::limit_kind::LimitKind;
use crate::one_line::OneLine;
use std::fmt;

/// The reason for refusing an invalid request. It displays its text in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invalid {
    /// The invalid part of the request.
    pub kind: ConfigKind,
    /// The fact and the fix, for people.
    pub text: String,
}

/// The parts of a request that can be invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigKind {
    /// A limit is out of range, too small to start with, or cannot be changed.
    Limit(LimitKind),
    /// A name of an alias, a module, a variable or an interpreter is invalid or taken.
    Name,
    /// A grant of a policy is invalid, such as a directory that does not exist.
    Grant,
    /// A policy file cannot be read, or its contents are invalid.
    File,
    /// A setting of a runtime is out of range.
    Runtime,
    /// The limits of the operating system are too low for the request.
    System,
    /// A channel end belongs to another runtime.
    ForeignChannel,
    /// A message from a program, such as a requested policy, cannot be read or is too large.
    Message,
    /// The input of the program cannot be read.
    Input,
}

/// The reason for a denial. It displays its text in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// The denied capability.
    pub capability: Capability,
    /// The denied grant, for people.
    pub text: String,
}

/// The capabilities in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// A directory.
    Dir,
    /// An environment variable.
    Env,
    /// A connection.
    Net,
    /// Standard input.
    Stdin,
    /// A clock.
    Clock,
    /// A source of random numbers.
    Random,
    /// Children.
    Children,
    /// A module.
    Module,
    /// An image.
    Image,
    /// An alias.
    Alias,
    /// A limit that is looser than the parent's.
    Limit(LimitKind),
    /// The request is invalid, so that it grants nothing.
    Invalid,
}

/// The cause of death of an interpreter. It displays its reason in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Death {
    /// The status with which the interpreter exited, or `None` if it crashed.
    pub status: Option<u8>,
    /// The reason, for people.
    pub reason: String,
}

/// The reason for which a value cannot be sent. It displays its text in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", OneLine(.text))]
#[non_exhaustive]
pub struct Unshareable {
    /// The object that cannot be sent, and why, for people.
    pub text: String,
    /// The reason, if the host found it.
    #[source]
    pub refusal: Option<Refusal>,
}

impl From<Refusal> for Unshareable {
    fn from(refusal: Refusal) -> Self {
        Unshareable {
            text: format!("cannot send: {refusal}"),
            refusal: Some(refusal),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OneLine(&self.text).fmt(f)
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OneLine(&self.text).fmt(f)
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OneLine(&self.reason).fmt(f)
    }
}
