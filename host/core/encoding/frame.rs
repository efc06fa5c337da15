//! The state of a check that is in progress.

use super::Refusal;
use super::table::{Hash, Node, Slot};

/// A container whose items are being read.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) expects: Expects,
    /// The number of remaining items or elements.
    pub(super) left: usize,
    pub(super) node: Node,
    /// Its place in the table, if it can be referred to.
    pub(super) slot: Option<Slot>,
    /// The number of objects read before its current item.
    pub(super) before: usize,
}

/// The next object in a container.
#[derive(Clone, Copy)]
pub(super) enum Expects {
    /// An item of a tuple or a list.
    Items,
    /// An element of a set.
    Elements,
    /// A key of a dict, or its end.
    Key,
    /// The value of a key.
    Value,
    /// The body's object.
    Whole,
    /// The end of the body.
    Nothing,
}

impl Frame {
    /// The frame around the body's object.
    pub(super) const ROOT: Frame = Frame {
        expects: Expects::Whole,
        left: 0,
        node: Node::container(Hash::Yes),
        slot: None,
        before: 0,
    };
}

/// A long string or number whose bytes are being read.
#[derive(Clone, Copy)]
pub(super) struct Scan {
    pub(super) what: Scanned,
    /// The offset that a refusal gives.
    pub(super) begin: usize,
    /// The offset after its last byte.
    pub(super) end: usize,
    /// True if it can be referred to.
    pub(super) flag: bool,
}

/// The required form of the bytes.
#[derive(Clone, Copy)]
pub(super) enum Scanned {
    Ascii,
    Unicode,
    Digits,
}

impl Scan {
    /// The number of bytes in a piece. A multiple of two, as digits have two bytes.
    pub(super) const PIECE: usize = 64 << 10;

    /// The number of steps that a piece counts as.
    pub(super) const STEPS: usize = Self::PIECE / 16;

    #[cold]
    pub(super) fn refusal(&self) -> Refusal {
        Self::refusal_of(self.what, self.begin)
    }

    #[cold]
    pub(super) fn refusal_of(what: Scanned, at: usize) -> Refusal {
        let what = match what {
            Scanned::Ascii => "an ASCII string with non-ASCII bytes",
            Scanned::Unicode => "a string that is not valid UTF-8",
            Scanned::Digits => "a digit out of range",
        };
        Refusal::Malformed { at, what }
    }
}
