//! The check that a body is data, and nothing but data.

use super::{
    DEPTH_CEILING, FLAG_REF, MAX_SHARED_KEYS, MAX_SIZE, Refusal, code, escape,
    reader::Reader,
    table::{Hash, Kind, Node, Slot, Table},
    utf8,
};

/// What a check found out about a body on the way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Some object is escaped, so that the reader must rebuild the value after `marshal.loads`.
    pub escaped: bool,
    /// A bytes object occurs outside an escape. `marshal` writes every other buffer as bytes too,
    /// so that the writer must make sure that this is what was sent.
    pub plain_bytes: bool,
    /// A string is marked as interned. `marshal.loads` makes such strings immortal, so that a
    /// reader of ever new ones never gets their memory back.
    pub interned: bool,
    /// How many objects the body writes out, not counting references to them.
    pub objects: usize,
}

/// Checks that `marshal.loads(body)` succeeds, returns only data and runs no code.
///
/// `handles` is the number of handles that travel with the message. Containers may nest
/// `max_depth` deep, but never deeper than [`DEPTH_CEILING`].
///
/// The body is read once, without allocating unless it has more than a few objects that can be
/// referred to.
///
/// # Errors
///
/// Returns the first [`Refusal`] met.
///
/// # Examples
///
/// ```
/// use archipel::encoding::{MAX_DEPTH, check};
///
/// // marshal.dumps((..., 3, 0), 4): the sending end of a channel.
/// let body = b")\x03.i\x03\0\0\0i\0\0\0\0";
/// assert!(check(body, 1, MAX_DEPTH).unwrap().escaped);
/// assert!(check(body, 0, MAX_DEPTH).is_err());
/// ```
pub fn check(body: &[u8], handles: usize, max_depth: usize) -> Result<Summary, Refusal> {
    if body.len() > MAX_SIZE {
        return Err(Refusal::TooLarge { limit: MAX_SIZE });
    }
    let mut checker = Checker {
        reader: Reader::new(body),
        table: Table::new(),
        summary: Summary::default(),
        handles,
        max_depth: max_depth.min(DEPTH_CEILING),
        shared: 0,
    };
    checker.object(0).map_err(|refusal| *refusal)?;
    if checker.reader.remaining() > 0 {
        return Err(Refusal::Trailing);
    }
    Ok(checker.summary)
}

/// Whether a body is a single text or a run of bytes, if it is anything: it is checked at the pace of memory.
pub(crate) fn is_flat(body: &[u8]) -> bool {
    matches!(
        body.first().map(|byte| byte & !FLAG_REF),
        Some(
            code::BYTES
                | code::ASCII
                | code::ASCII_INTERNED
                | code::UNICODE
                | code::UNICODE_INTERNED
        )
    )
}

/// Its refusals are boxed as long as they are on their way, so that what is returned for each object
/// that is not refused fits into registers.
struct Checker<'a> {
    reader: Reader<'a>,
    table: Table,
    summary: Summary,
    handles: usize,
    max_depth: usize,
    /// How much of [`MAX_SHARED_KEYS`] is used up.
    shared: usize,
}

impl Checker<'_> {
    /// Reads an object within `depth` containers.
    #[inline]
    fn object(&mut self, depth: usize) -> Result<Node, Box<Refusal>> {
        let byte = self.reader.byte()?;
        self.object_of(byte, depth)
    }

    /// Reads the rest of an object whose first byte is `byte`.
    fn object_of(&mut self, byte: u8, depth: usize) -> Result<Node, Box<Refusal>> {
        let flag = byte & FLAG_REF != 0;
        let node = match byte & !FLAG_REF {
            code::INT => Node::int(self.reader.int()?),
            code::SHORT_ASCII => self.short_ascii()?,
            code::SHORT_ASCII_INTERNED => {
                self.summary.interned = true;
                self.short_ascii()?
            }
            code::NONE | code::TRUE | code::FALSE => {
                self.never_flagged(flag)?;
                Node::SCALAR
            }
            code::REFERENCE => {
                self.never_flagged(flag)?;
                return self.reference(depth);
            }
            code::SMALL_TUPLE => {
                let count = self.reader.short_length()?;
                return self.tuple(count, flag, depth);
            }
            code::TUPLE => {
                let count = self.reader.length()?;
                return self.tuple(count, flag, depth);
            }
            code::LIST => return self.list(flag, depth),
            code::DICT => return self.dict(flag, depth),
            code::SET => return self.set(Hash::Set, flag, depth),
            code::FROZENSET => return self.set(Hash::Yes, flag, depth),
            code::FLOAT => {
                self.reader.take(8)?;
                Node::SCALAR
            }
            code::COMPLEX => {
                self.reader.take(16)?;
                Node::SCALAR
            }
            code::LONG => {
                self.reader.long()?;
                Node::SCALAR
            }
            code::BYTES => {
                let length = self.reader.length()?;
                self.reader.take(length)?;
                self.summary.plain_bytes = true;
                Node::BYTES
            }
            code::ASCII => self.ascii()?,
            code::ASCII_INTERNED => {
                self.summary.interned = true;
                self.ascii()?
            }
            code::UNICODE => self.unicode()?,
            code::UNICODE_INTERNED => {
                self.summary.interned = true;
                self.unicode()?
            }
            _ => return Err(self.foreign(byte).into()),
        };
        self.summary.objects += 1;
        if flag {
            self.table.push(node);
        }
        Ok(node)
    }

    /// Refuses a type byte that is none of data's.
    #[cold]
    fn foreign(&self, byte: u8) -> Refusal {
        Refusal::NotShareable(match byte & !FLAG_REF {
            code::NULL => return self.malformed("a null object"),
            code::ELLIPSIS => "Ellipsis",
            b'c' => "a code object",
            b'S' => "StopIteration",
            b':' => "a slice",
            b'I' => "a 64-bit integer of an old format",
            b'f' => "a float in text form",
            b'x' => "a complex number in text form",
            _ => "an object of unknown type",
        })
    }

    /// Something wrong with the byte just read.
    #[cold]
    fn malformed(&self, what: &'static str) -> Refusal {
        Refusal::Malformed {
            at: self.reader.at().saturating_sub(1),
            what,
        }
    }

    /// Refuses the flag where `marshal` ignores it and never writes it.
    #[inline]
    fn never_flagged(&self, flag: bool) -> Result<(), Refusal> {
        if flag {
            return Err(self.malformed("a mark for references on an object that takes none"));
        }
        Ok(())
    }

    #[inline]
    fn short_ascii(&mut self) -> Result<Node, Box<Refusal>> {
        let length = self.reader.short_length()?;
        self.ascii_of(length)
    }

    fn ascii(&mut self) -> Result<Node, Box<Refusal>> {
        let length = self.reader.length()?;
        self.ascii_of(length)
    }

    #[inline]
    fn ascii_of(&mut self, length: usize) -> Result<Node, Box<Refusal>> {
        let at = self.reader.at();
        if !self.reader.take(length)?.is_ascii() {
            return Err(Refusal::Malformed {
                at,
                what: "an ASCII string that is not ASCII",
            }
            .into());
        }
        Ok(Node::SCALAR)
    }

    fn unicode(&mut self) -> Result<Node, Box<Refusal>> {
        let length = self.reader.length()?;
        let at = self.reader.at();
        if !utf8::is_generalised(self.reader.take(length)?) {
            return Err(Refusal::Malformed {
                at,
                what: "a string that is not UTF-8",
            }
            .into());
        }
        Ok(Node::SCALAR)
    }

    fn reference(&mut self, depth: usize) -> Result<Node, Box<Refusal>> {
        let at = self.reader.at();
        let index = self.reader.int()?;
        let node = usize::try_from(index)
            .ok()
            .and_then(|index| self.table.get(index))
            .ok_or(Refusal::Malformed {
                at,
                what: "a reference to nothing",
            })?;
        match node.kind {
            Kind::Pending => return Err(Refusal::Cyclic.into()),
            Kind::Bytes => self.summary.plain_bytes = true,
            Kind::Int | Kind::Other => {}
        }
        // Hashing, comparing and freeing recurse along references too.
        if depth.saturating_add(usize::from(node.height)) > self.max_depth {
            return Err(self.too_deep().into());
        }
        Ok(node)
    }

    #[cold]
    fn too_deep(&self) -> Refusal {
        Refusal::TooDeep {
            limit: self.max_depth,
        }
    }

    /// Steps into a container, and returns the depth of its items and its number if it gets one.
    #[inline]
    fn enter(&mut self, flag: bool, depth: usize) -> Result<(usize, Option<Slot>), Refusal> {
        if depth >= self.max_depth {
            return Err(self.too_deep());
        }
        self.summary.objects += 1;
        Ok((depth + 1, flag.then(|| self.table.reserve())))
    }

    #[inline]
    fn leave(&mut self, slot: Option<Slot>, node: Node) -> Node {
        if let Some(slot) = slot {
            self.table.complete(slot, node);
        }
        node
    }

    fn tuple(&mut self, count: usize, flag: bool, depth: usize) -> Result<Node, Box<Refusal>> {
        if count > 0 && self.reader.peek() == Some(code::ELLIPSIS) {
            return self.escape(count, flag, depth);
        }
        let (depth, slot) = self.enter(flag, depth)?;
        let mut tuple = Node::container(Hash::Yes);
        for _ in 0..count {
            tuple.add(self.object(depth)?);
        }
        Ok(self.leave(slot, tuple))
    }

    fn list(&mut self, flag: bool, depth: usize) -> Result<Node, Box<Refusal>> {
        let count = self.reader.length()?;
        let (depth, slot) = self.enter(flag, depth)?;
        let mut list = Node::container(Hash::List);
        for _ in 0..count {
            list.add(self.object(depth)?);
        }
        Ok(self.leave(slot, list))
    }

    fn dict(&mut self, flag: bool, depth: usize) -> Result<Node, Box<Refusal>> {
        let (depth, slot) = self.enter(flag, depth)?;
        let mut dict = Node::container(Hash::Dict);
        loop {
            let byte = self.reader.byte()?;
            if byte == code::NULL {
                break;
            }
            let before = self.summary.objects;
            let key = self.object_of(byte, depth)?;
            self.hashable(key, before)?;
            dict.add(key);
            dict.add(self.object(depth)?);
        }
        Ok(self.leave(slot, dict))
    }

    fn set(&mut self, hash: Hash, flag: bool, depth: usize) -> Result<Node, Box<Refusal>> {
        let count = self.reader.length()?;
        let (depth, slot) = self.enter(flag, depth)?;
        let mut set = Node::container(hash);
        for _ in 0..count {
            let before = self.summary.objects;
            let element = self.object(depth)?;
            self.hashable(element, before)?;
            set.add(element);
        }
        Ok(self.leave(slot, set))
    }

    /// Checks a key that was read when `before` objects had been.
    #[inline]
    fn hashable(&mut self, key: Node, before: usize) -> Result<(), Refusal> {
        if let Some(name) = key.hash.missing() {
            return Err(Refusal::Unhashable(name));
        }
        if key.height > 0 {
            let written = self.summary.objects.saturating_sub(before);
            let weight = usize::try_from(key.weight()).unwrap_or(usize::MAX);
            self.shared = self.shared.saturating_add(weight.saturating_sub(written));
            if self.shared > MAX_SHARED_KEYS {
                return Err(Refusal::TooShared {
                    limit: MAX_SHARED_KEYS,
                });
            }
        }
        Ok(())
    }

    /// Reads the items of a tuple that begins with `Ellipsis`.
    ///
    /// It stands for a scalar, and counts as one.
    fn escape(&mut self, count: usize, flag: bool, depth: usize) -> Result<Node, Box<Refusal>> {
        const ELLIPSIS: Refusal = Refusal::NotShareable("Ellipsis");
        if count != 3 {
            return Err(ELLIPSIS.into());
        }
        self.reader.byte()?;
        self.summary.objects += 2;
        self.summary.escaped = true;
        let slot = flag.then(|| self.table.reserve());
        let plain_bytes = self.summary.plain_bytes;
        let code = self.part(depth)?.as_int().ok_or(ELLIPSIS)?;
        let payload = self.part(depth)?;
        self.summary.plain_bytes = plain_bytes;
        let node = match (code, payload.kind) {
            (escape::BYTEARRAY, Kind::Bytes) => Node::BYTEARRAY,
            (escape::MEMORYVIEW, Kind::Bytes) => Node::MEMORYVIEW,
            (
                escape::SENDER | escape::RECEIVER | escape::QUEUE | escape::INTERPRETER,
                Kind::Int,
            ) => {
                let index = payload.as_int().ok_or(ELLIPSIS)?;
                if !usize::try_from(index).is_ok_and(|index| index < self.handles) {
                    let index = index.into();
                    return Err(Refusal::NoSuchHandle {
                        index,
                        handles: self.handles,
                    }
                    .into());
                }
                Node::SCALAR
            }
            _ => return Err(ELLIPSIS.into()),
        };
        Ok(self.leave(slot, node))
    }

    /// Reads the code or the payload of an escape, which are scalars or references to scalars.
    fn part(&mut self, depth: usize) -> Result<Node, Box<Refusal>> {
        let byte = self.reader.byte()?;
        match byte & !FLAG_REF {
            code::INT | code::BYTES | code::REFERENCE => self.object_of(byte, depth),
            _ => Err(Refusal::NotShareable("Ellipsis").into()),
        }
    }
}
