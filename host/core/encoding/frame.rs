//! What a check that is under way keeps of the containers around its place.

use super::Refusal;
use super::table::{Hash, Node, Slot};

/// A container whose items are being read.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) expects: Expects,
    /// How many items or elements are to come.
    pub(super) left: usize,
    pub(super) node: Node,
    /// Its number, if it can be referred to.
    pub(super) slot: Option<Slot>,
    /// How many objects had been read before its current item.
    pub(super) before: usize,
}

/// What comes next in a container.
#[derive(Clone, Copy)]
pub(super) enum Expects {
    /// Items of a tuple or a list.
    Items,
    /// Elements of a set.
    Elements,
    /// A key of a dict, or its end.
    Key,
    /// The value of a key.
    Value,
    /// The one object that the body is.
    Whole,
    /// The end of the body.
    Nothing,
}

impl Frame {
    /// What is around the outermost object.
    pub(super) const ROOT: Frame = Frame {
        expects: Expects::Whole,
        left: 0,
        node: Node::container(Hash::Yes),
        slot: None,
        before: 0,
    };
}

/// A long text or number whose bytes are being read.
#[derive(Clone, Copy)]
pub(super) struct Scan {
    pub(super) what: Scanned,
    /// The place that a refusal names.
    pub(super) begin: usize,
    /// The offset behind its last byte.
    pub(super) end: usize,
    /// Whether it can be referred to.
    pub(super) flag: bool,
}

/// What the bytes of a long object have to be.
#[derive(Clone, Copy)]
pub(super) enum Scanned {
    Ascii,
    Unicode,
    Digits,
}

impl Scan {
    /// How many bytes are read at once. A digit has two bytes.
    pub(super) const PIECE: usize = 64 << 10;

    /// How many steps that takes.
    pub(super) const STEPS: usize = Self::PIECE / 16;

    #[cold]
    pub(super) fn refusal(&self) -> Refusal {
        Self::refusal_of(self.what, self.begin)
    }

    #[cold]
    pub(super) fn refusal_of(what: Scanned, at: usize) -> Refusal {
        let what = match what {
            Scanned::Ascii => "an ASCII string that is not ASCII",
            Scanned::Unicode => "a string that is not UTF-8",
            Scanned::Digits => "a digit out of range",
        };
        Refusal::Malformed { at, what }
    }
}
