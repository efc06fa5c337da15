//! The steps of a check.

use super::Check;
use crate::encoding::{
    FLAG_REF, MAX_SHARED_KEYS, Refusal, code, escape,
    frame::{Expects, Frame, Scan, Scanned},
    reader::{self, Reader},
    table::{Hash, Kind, Node},
};
use crate::value::{check_payload, utf8};

/// The length of the type code and the length of a bytes object.
const BYTES_HEADER: usize = 5;

/// A check in progress. Refusals are boxed internally, so that the result for each accepted object fits into
/// registers.
pub(super) struct Checker<'a, 'c> {
    pub(super) reader: Reader<'a>,
    pub(super) on: &'c mut Check,
}

/// The start of an object in the body.
enum Read {
    /// A complete object.
    Object(Node),
    /// A container, whose items follow.
    Container(Frame),
    /// A long string or number, whose bytes follow.
    Scan(Scan),
}

impl Checker<'_, '_> {
    /// Takes up to `steps` steps and returns whether the body's object is complete.
    pub(super) fn take_steps(&mut self, mut steps: usize) -> Result<bool, Box<Refusal>> {
        // A local copy, for speed.
        let mut frame = self.on.frame;
        let ended = loop {
            if let Some(scan) = self.on.scan {
                if steps == 0 {
                    break false;
                }
                steps = steps.saturating_sub(Scan::STEPS);
                let Some(node) = self.scan_on(scan)? else {
                    continue;
                };
                self.add(&mut frame, node)?;
            }
            let ends = match frame.expects {
                Expects::Items | Expects::Elements => frame.left == 0,
                Expects::Key => self.reader.peek() == Some(code::NULL),
                Expects::Value | Expects::Whole => false,
                Expects::Nothing => break true,
            };
            if ends {
                if matches!(frame.expects, Expects::Key) {
                    self.reader.byte()?;
                }
                if let Some(slot) = frame.slot {
                    self.on.table.complete(slot, frame.node);
                }
                let node = frame.node;
                // Each container has an enclosing frame: the root encloses all.
                frame = self.on.outer.pop().unwrap_or(Frame::ROOT);
                self.add(&mut frame, node)?;
                continue;
            }
            if steps == 0 {
                break false;
            }
            steps -= 1;
            frame.before = self.on.summary.objects;
            let byte = self.reader.byte()?;
            match self.object_of(byte)? {
                Read::Object(node) => self.add(&mut frame, node)?,
                Read::Container(inner) => {
                    self.on.outer.push(frame);
                    frame = inner;
                }
                Read::Scan(scan) => self.on.scan = Some(scan),
            }
        };
        self.on.frame = frame;
        Ok(ended)
    }

    /// Adds an object to its container.
    #[inline]
    fn add(&mut self, frame: &mut Frame, node: Node) -> Result<(), Box<Refusal>> {
        match frame.expects {
            Expects::Items => frame.left -= 1,
            Expects::Elements => {
                self.hashable(node, frame.before)?;
                frame.left -= 1;
            }
            Expects::Key => {
                self.hashable(node, frame.before)?;
                frame.expects = Expects::Value;
            }
            Expects::Value => frame.expects = Expects::Key,
            Expects::Whole | Expects::Nothing => frame.expects = Expects::Nothing,
        }
        frame.node.add(node);
        Ok(())
    }

    /// Reads the start of an object whose first byte is `byte`; reads short objects completely.
    #[inline]
    fn object_of(&mut self, byte: u8) -> Result<Read, Box<Refusal>> {
        let flag = byte & FLAG_REF != 0;
        let node = match byte & !FLAG_REF {
            code::INT => Node::int(self.reader.int()?),
            code::SHORT_ASCII => self.short_ascii()?,
            code::SHORT_ASCII_INTERNED => {
                self.on.summary.interned = true;
                self.short_ascii()?
            }
            code::NONE | code::TRUE | code::FALSE => {
                self.never_flagged(flag)?;
                Node::SCALAR
            }
            code::REFERENCE => {
                self.never_flagged(flag)?;
                return self.reference().map(Read::Object);
            }
            code::SMALL_TUPLE => {
                let count = self.reader.short_length()?;
                return self.tuple(count, flag);
            }
            code::TUPLE => {
                let count = self.reader.length()?;
                return self.tuple(count, flag);
            }
            code::LIST => {
                let count = self.reader.length()?;
                return self.enter(Expects::Items, Hash::List, count, flag);
            }
            code::DICT => return self.enter(Expects::Key, Hash::Dict, 0, flag),
            code::SET => {
                let count = self.reader.length()?;
                return self.enter(Expects::Elements, Hash::Set, count, flag);
            }
            code::FROZENSET => {
                let count = self.reader.length()?;
                return self.enter(Expects::Elements, Hash::Yes, count, flag);
            }
            code::FLOAT => {
                self.reader.take(8)?;
                Node::SCALAR
            }
            code::COMPLEX => {
                self.reader.take(16)?;
                Node::SCALAR
            }
            code::LONG => {
                let begin = self.reader.at();
                let (_, size) = self.reader.long_size()?;
                return self.scan(Scanned::Digits, begin, size, flag);
            }
            code::BYTES => {
                let length = self.reader.length()?;
                self.reader.take(length)?;
                self.on.summary.plain_bytes = true;
                Node::BYTES
            }
            code::ASCII => return self.text(Scanned::Ascii, flag),
            code::ASCII_INTERNED => {
                self.on.summary.interned = true;
                return self.text(Scanned::Ascii, flag);
            }
            code::UNICODE => return self.text(Scanned::Unicode, flag),
            code::UNICODE_INTERNED => {
                self.on.summary.interned = true;
                return self.text(Scanned::Unicode, flag);
            }
            _ => return Err(self.foreign(byte).into()),
        };
        Ok(Read::Object(self.scalar(node, flag)))
    }

    /// Counts an object that was read, and adds it to the table if flagged.
    #[inline]
    fn scalar(&mut self, node: Node, flag: bool) -> Node {
        self.on.summary.objects += 1;
        if flag {
            self.on.table.push(node);
        }
        node
    }

    fn text(&mut self, what: Scanned, flag: bool) -> Result<Read, Box<Refusal>> {
        let length = self.reader.length()?;
        let begin = self.reader.at();
        self.scan(what, begin, length, flag)
    }

    /// Reads `length` bytes, or starts a scan if there are many. A refusal gives the offset `begin`.
    fn scan(
        &mut self,
        what: Scanned,
        begin: usize,
        length: usize,
        flag: bool,
    ) -> Result<Read, Box<Refusal>> {
        let scan = Scan {
            what,
            begin,
            end: self.reader.at().saturating_add(length),
            flag,
        };
        if length > Scan::PIECE {
            return Ok(Read::Scan(scan));
        }
        let bytes = self.reader.take(length)?;
        let right = match what {
            Scanned::Ascii => bytes.is_ascii(),
            Scanned::Unicode => utf8::is_generalised(bytes),
            Scanned::Digits => reader::are_digits(bytes),
        };
        match right {
            true => Ok(Read::Object(self.scalar(Node::SCALAR, flag))),
            false => Err(scan.refusal().into()),
        }
    }

    /// Reads a piece of a long string or number. Returns the object after the last piece.
    fn scan_on(&mut self, scan: Scan) -> Result<Option<Node>, Box<Refusal>> {
        let at = self.reader.at();
        let left = scan.end.saturating_sub(at);
        let length = left.min(Scan::PIECE);
        let bytes = self.reader.take(length)?;
        let more = length < left;
        let read = match scan.what {
            Scanned::Ascii => bytes.is_ascii().then_some(length),
            Scanned::Unicode => utf8::generalised_part(bytes, more),
            Scanned::Digits => reader::are_digits(bytes).then_some(length),
        };
        let read = read.ok_or_else(|| scan.refusal())?;
        self.reader.seek(at + read);
        if more {
            return Ok(None);
        }
        self.on.scan = None;
        Ok(Some(self.scalar(Node::SCALAR, scan.flag)))
    }

    /// Refuses a type byte that does not denote data.
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

    /// Returns a refusal about the byte just read.
    #[cold]
    fn malformed(&self, what: &'static str) -> Refusal {
        Refusal::Malformed {
            at: self.reader.at().saturating_sub(1),
            what,
        }
    }

    /// Refuses the reference flag on types for which `marshal` ignores it and never writes it.
    #[inline]
    fn never_flagged(&self, flag: bool) -> Result<(), Refusal> {
        if flag {
            return Err(self.malformed("a reference flag on an object that does not take one"));
        }
        Ok(())
    }

    #[inline]
    fn short_ascii(&mut self) -> Result<Node, Box<Refusal>> {
        let length = self.reader.short_length()?;
        let at = self.reader.at();
        if !self.reader.take(length)?.is_ascii() {
            return Err(Scan::refusal_of(Scanned::Ascii, at).into());
        }
        Ok(Node::SCALAR)
    }

    fn reference(&mut self) -> Result<Node, Box<Refusal>> {
        let at = self.reader.at();
        let index = self.reader.int()?;
        let node = usize::try_from(index)
            .ok()
            .and_then(|index| self.on.table.get(index))
            .ok_or(Refusal::Malformed {
                at,
                what: "a reference to an undefined object",
            })?;
        match node.kind {
            Kind::Pending => return Err(Refusal::Cyclic.into()),
            Kind::Bytes => self.on.summary.plain_bytes = true,
            Kind::Int | Kind::Other => {}
        }
        // Hashing, comparing and freeing recurse along references too.
        if self.depth().saturating_add(usize::from(node.height)) > self.on.max_depth {
            return Err(self.too_deep().into());
        }
        Ok(node)
    }

    #[cold]
    fn too_deep(&self) -> Refusal {
        Refusal::TooDeep {
            limit: self.on.max_depth,
        }
    }

    /// Returns the number of open containers: all frames except the root, including the current one.
    #[inline]
    fn depth(&self) -> usize {
        self.on.outer.len()
    }

    /// Enters a container of `count` items.
    #[inline]
    fn enter(
        &mut self,
        expects: Expects,
        hash: Hash,
        count: usize,
        flag: bool,
    ) -> Result<Read, Box<Refusal>> {
        if self.depth() >= self.on.max_depth {
            return Err(self.too_deep().into());
        }
        self.on.summary.objects += 1;
        let slot = flag.then(|| self.on.table.reserve());
        Ok(Read::Container(Frame {
            expects,
            left: count,
            node: Node::container(hash),
            slot,
            before: 0,
        }))
    }

    fn tuple(&mut self, count: usize, flag: bool) -> Result<Read, Box<Refusal>> {
        if count > 0 && self.reader.peek() == Some(code::ELLIPSIS) {
            return self.escape(count, flag).map(Read::Object);
        }
        self.enter(Expects::Items, Hash::Yes, count, flag)
    }

    /// Checks a key. `before` is the number of objects read before it.
    #[inline]
    fn hashable(&mut self, key: Node, before: usize) -> Result<(), Refusal> {
        if let Some(name) = key.hash.missing() {
            return Err(Refusal::Unhashable(name));
        }
        if key.height > 0 {
            let written = self.on.summary.objects.saturating_sub(before);
            let weight = usize::try_from(key.weight()).unwrap_or(usize::MAX);
            self.on.shared = self
                .on
                .shared
                .saturating_add(weight.saturating_sub(written));
            if self.on.shared > MAX_SHARED_KEYS {
                return Err(Refusal::TooShared {
                    limit: MAX_SHARED_KEYS,
                });
            }
        }
        Ok(())
    }

    /// Reads the items of a tuple that begins with `Ellipsis`. It counts as a scalar.
    fn escape(&mut self, count: usize, flag: bool) -> Result<Node, Box<Refusal>> {
        const ELLIPSIS: Refusal = Refusal::NotShareable("Ellipsis");
        if count != 3 {
            return Err(ELLIPSIS.into());
        }
        self.reader.byte()?;
        self.on.summary.objects += 2;
        self.on.summary.escaped = true;
        let slot = flag.then(|| self.on.table.reserve());
        let plain_bytes = self.on.summary.plain_bytes;
        let code = self.part()?.as_int().ok_or(ELLIPSIS)?;
        let start = self.reader.at();
        let payload = self.part()?;
        self.on.summary.plain_bytes = plain_bytes;
        let node = match (code, payload.kind) {
            (escape::BYTEARRAY, Kind::Bytes) => Node::BYTEARRAY,
            (escape::MEMORYVIEW, Kind::Bytes) => Node::MEMORYVIEW,
            (escape::ARRAY, Kind::Bytes) => self.array(start)?,
            (
                escape::SENDER | escape::RECEIVER | escape::QUEUE | escape::INTERPRETER,
                Kind::Int,
            ) => {
                let index = payload.as_int().ok_or(ELLIPSIS)?;
                self.on.carries.check(code, index)?;
                Node::SCALAR
            }
            _ => return Err(ELLIPSIS.into()),
        };
        if let Some(slot) = slot {
            self.on.table.complete(slot, node);
        }
        Ok(node)
    }

    /// Checks the array or scalar whose payload was read from `start`. It must be there, and not elsewhere in the body.
    fn array(&self, start: usize) -> Result<Node, Box<Refusal>> {
        let malformed = |what| Refusal::Malformed { at: start, what };
        let read = self.reader.since(start);
        match read.split_first_chunk::<BYTES_HEADER>() {
            Some(([byte, ..], payload)) if byte & !FLAG_REF == code::BYTES => {
                match check_payload(payload).map_err(|error| malformed(error.reason()))? {
                    true => Ok(Node::SCALAR),
                    false => Ok(Node::ARRAY),
                }
            }
            _ => Err(malformed("an array whose bytes are elsewhere").into()),
        }
    }

    /// Reads the code or the payload of an escape: a scalar or a reference to a scalar.
    fn part(&mut self) -> Result<Node, Box<Refusal>> {
        let byte = self.reader.byte()?;
        let is_scalar = matches!(byte & !FLAG_REF, code::INT | code::BYTES | code::REFERENCE);
        match is_scalar.then(|| self.object_of(byte)).transpose()? {
            Some(Read::Object(node)) => Ok(node),
            _ => Err(Refusal::NotShareable("Ellipsis").into()),
        }
    }
}
