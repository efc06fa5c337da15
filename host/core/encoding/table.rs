//! The table of objects that references can refer to.

/// The properties of an object that the check needs.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) hash: Hash,
    /// The nesting of containers in it: 0 for a scalar.
    pub(super) height: u16,
    /// The value of a [`Kind::Int`], otherwise the number of objects it expands to.
    data: u32,
}

/// The kinds of objects that escapes distinguish.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Kind {
    /// A container that is still being read.
    Pending,
    /// A 32-bit integer.
    Int,
    Bytes,
    Other,
}

/// The hashability of an object. If it is not hashable, the Python type that prevents it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Hash {
    Yes,
    List,
    Dict,
    Set,
    ByteArray,
    MemoryView,
    Array,
}

impl Hash {
    /// Returns the unhashable Python type, if any.
    pub(super) fn missing(self) -> Option<&'static str> {
        match self {
            Self::Yes => None,
            Self::List => Some("list"),
            Self::Dict => Some("dict"),
            Self::Set => Some("set"),
            Self::ByteArray => Some("bytearray"),
            Self::MemoryView => Some("memoryview"),
            Self::Array => Some("ndarray"),
        }
    }
}

impl Node {
    const PENDING: Self = Self {
        kind: Kind::Pending,
        hash: Hash::Yes,
        height: 0,
        data: 0,
    };
    pub(super) const SCALAR: Self = Self {
        kind: Kind::Other,
        hash: Hash::Yes,
        height: 0,
        data: 1,
    };
    pub(super) const BYTES: Self = Self {
        kind: Kind::Bytes,
        ..Self::SCALAR
    };
    pub(super) const BYTEARRAY: Self = Self {
        hash: Hash::ByteArray,
        ..Self::SCALAR
    };
    pub(super) const MEMORYVIEW: Self = Self {
        hash: Hash::MemoryView,
        ..Self::SCALAR
    };

    pub(super) const ARRAY: Self = Self {
        hash: Hash::Array,
        ..Self::SCALAR
    };

    /// Creates a container without items.
    pub(super) const fn container(hash: Hash) -> Self {
        Self {
            hash,
            height: 1,
            ..Self::SCALAR
        }
    }

    pub(super) fn int(value: i32) -> Self {
        Self {
            kind: Kind::Int,
            data: value.cast_unsigned(),
            ..Self::SCALAR
        }
    }

    pub(super) fn as_int(self) -> Option<i32> {
        (self.kind == Kind::Int).then(|| self.data.cast_signed())
    }

    /// Returns the number of objects it expands to; shared ones count each time.
    pub(super) fn weight(self) -> u32 {
        if self.kind == Kind::Int { 1 } else { self.data }
    }

    /// Adds an item to a container. An unhashable item makes the container unhashable.
    #[inline]
    pub(super) fn add(&mut self, item: Self) {
        self.height = self.height.max(item.height.saturating_add(1));
        self.data = self.data.saturating_add(item.weight());
        if self.hash == Hash::Yes {
            self.hash = item.hash;
        }
    }
}

/// The number of entries stored inline: most messages are small.
const INLINE: usize = 16;

/// The objects that references can refer to, in the order in which `marshal` numbers them.
///
/// Each entry takes at least two bytes in the body, so the size of the table is bounded by the size of the
/// body.
pub(super) struct Table {
    inline: [Node; INLINE],
    used: usize,
    spill: Vec<Node>,
}

/// The index of an object that can be referred to once it is complete.
#[derive(Clone, Copy)]
pub(super) struct Slot(usize);

impl Table {
    pub(super) fn new() -> Self {
        Self {
            inline: [Node::PENDING; INLINE],
            used: 0,
            spill: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, node: Node) {
        if let Some(free) = self.inline.get_mut(self.used) {
            *free = node;
            self.used += 1;
        } else {
            self.spill.push(node);
        }
    }

    /// Adds a container before its items, as `marshal` numbers them.
    #[inline]
    pub(super) fn reserve(&mut self) -> Slot {
        let slot = Slot(self.used.saturating_add(self.spill.len()));
        self.push(Node::PENDING);
        slot
    }

    /// Returns the memory that the table has allocated, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.spill.capacity() * size_of::<Node>()
    }

    #[inline]
    pub(super) fn complete(&mut self, slot: Slot, node: Node) {
        if let Some(entry) = match slot.0.checked_sub(INLINE) {
            Some(index) => self.spill.get_mut(index),
            None => self.inline.get_mut(slot.0),
        } {
            *entry = node;
        }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<Node> {
        match index.checked_sub(INLINE) {
            Some(index) => self.spill.get(index).copied(),
            None => self.inline.get(..self.used)?.get(index).copied(),
        }
    }
}
