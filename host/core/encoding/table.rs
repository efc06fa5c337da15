//! The table of objects that references may name, as much as the check must know of each.

/// What the check must know of an object once it has been read.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) hash: Hash,
    /// How deeply containers nest in it: 0 unless it is a container itself.
    pub(super) height: u16,
    /// The value of an [`Kind::Int`], otherwise the number of objects it amounts to.
    data: u32,
}

/// The kinds of object that an escape tells apart.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Kind {
    /// A container that is still being read.
    Pending,
    /// An integer of 32 bits.
    Int,
    Bytes,
    Other,
}

/// Whether an object has a hash, and if not, on account of which type.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Hash {
    Yes,
    List,
    Dict,
    Set,
    ByteArray,
    MemoryView,
}

impl Hash {
    /// The Python type that has no hash.
    pub(super) fn missing(self) -> Option<&'static str> {
        match self {
            Self::Yes => None,
            Self::List => Some("list"),
            Self::Dict => Some("dict"),
            Self::Set => Some("set"),
            Self::ByteArray => Some("bytearray"),
            Self::MemoryView => Some("memoryview"),
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

    /// A container before its first item.
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

    /// The number of objects it amounts to, counting shared ones each time.
    pub(super) fn weight(self) -> u32 {
        if self.kind == Kind::Int { 1 } else { self.data }
    }

    /// Adds an item to a container, which loses its hash if the item has none.
    #[inline]
    pub(super) fn add(&mut self, item: Self) {
        self.height = self.height.max(item.height.saturating_add(1));
        self.data = self.data.saturating_add(item.weight());
        if self.hash == Hash::Yes {
            self.hash = item.hash;
        }
    }
}

/// How many entries need no allocation: most messages are small.
const INLINE: usize = 16;

/// The objects that references may name, in the order `marshal` numbers them.
///
/// An entry costs its body at least two bytes, hence the table never outgrows it by much.
pub(super) struct Table {
    inline: [Node; INLINE],
    used: usize,
    spill: Vec<Node>,
}

/// The place of an object that can be referred to once it is complete.
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

    /// Numbers an object that is yet to be read: containers are numbered before their items.
    #[inline]
    pub(super) fn reserve(&mut self) -> Slot {
        let slot = Slot(self.used.saturating_add(self.spill.len()));
        self.push(Node::PENDING);
        slot
    }

    /// The bytes that it has allocated.
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
