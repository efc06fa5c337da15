//! Validation of bodies: only data passes.

mod checker;

use self::checker::Checker;
use super::{
    Carries, DEPTH_CEILING, FLAG_REF, MAX_SIZE, Refusal, Travels, code,
    frame::{Frame, Scan},
    reader::Reader,
    table::Table,
};

/// Facts about a body that a check determines.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// An object is escaped, so the reader must rebuild the value after `marshal.loads`.
    pub escaped: bool,
    /// A bytes object occurs outside an escape. `marshal` writes every other buffer as bytes too, so the
    /// writer must verify that bytes were sent.
    pub plain_bytes: bool,
    /// A string is marked as interned. `marshal.loads` makes such strings immortal, so a reader that keeps
    /// receiving new ones leaks memory.
    pub interned: bool,
    /// The number of objects that the body writes out, excluding references to them.
    pub objects: usize,
}

/// Checks that `marshal.loads(body)` succeeds, returns only data and runs no code.
///
/// `handles` is the number of handles that travel with the message. `max_depth` is the maximum nesting of
/// containers, and is capped at [`DEPTH_CEILING`].
///
/// The check reads the body once. It allocates only if more than a few objects can be referred to.
///
/// # Errors
///
/// Returns the first [`Refusal`] that it finds.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::encoding::{MAX_DEPTH, check};
///
/// // marshal.dumps((..., 3, 0), 4): the sending end of a channel.
/// let body = b")\x03.i\x03\0\0\0i\0\0\0\0";
/// assert!(check(body, 1, MAX_DEPTH).unwrap().escaped);
/// assert!(check(body, 0, MAX_DEPTH).is_err());
/// ```
pub fn check(body: &[u8], handles: usize, max_depth: usize) -> Result<Summary, Refusal> {
    check_all(body, Carries::Any(handles), max_depth)
}

/// Does what [`check`] does, for a message that carries exactly these ends: each escape must refer to an end
/// of its kind.
pub fn check_ends(body: &[u8], ends: &[Travels], max_depth: usize) -> Result<Summary, Refusal> {
    check_all(body, Carries::These(ends.to_vec()), max_depth)
}

fn check_all(body: &[u8], carries: Carries, max_depth: usize) -> Result<Summary, Refusal> {
    let mut check = Check::new(carries, max_depth);
    loop {
        if let Some(summary) = check.go_on(body, usize::MAX)? {
            return Ok(summary);
        }
    }
}

/// Returns whether a body, if valid, is a single non-ASCII string.
pub fn is_wide(body: &[u8]) -> bool {
    matches!(
        body.first().map(|byte| byte & !FLAG_REF),
        Some(code::UNICODE | code::UNICODE_INTERNED)
    )
}

/// Returns whether a body, if valid, is a single array and begins as [`encode`](super::encode) writes it.
pub fn is_array(body: &[u8]) -> bool {
    body.starts_with(b")\x03.i\x07\0\0\0s")
}

/// A check that can be suspended after any number of steps and resumed.
pub struct Check {
    /// The offset of the next byte.
    at: usize,
    table: Table,
    summary: Summary,
    carries: Carries,
    max_depth: usize,
    /// The used part of [`MAX_SHARED_KEYS`].
    shared: usize,
    /// The innermost open container. `outer` has the containers around it, outermost first.
    frame: Frame,
    outer: Vec<Frame>,
    /// The long string or number that is being read.
    scan: Option<Scan>,
}

impl Check {
    /// Creates a check that has not started. See [`check`] for the parameters.
    pub fn new(carries: Carries, max_depth: usize) -> Self {
        Check {
            at: 0,
            table: Table::new(),
            summary: Summary::default(),
            carries,
            max_depth: max_depth.min(DEPTH_CEILING),
            shared: 0,
            frame: Frame::ROOT,
            outer: Vec::new(),
            scan: None,
        }
    }

    /// Takes up to `steps` steps and returns the summary at the end of the body. An object is one step, as are
    /// 16 bytes of a long string or number. The caller passes the same `body` each time.
    ///
    /// # Errors
    ///
    /// Returns the first [`Refusal`] that it finds. The check must not be resumed then.
    pub fn go_on(&mut self, body: &[u8], steps: usize) -> Result<Option<Summary>, Refusal> {
        if body.len() > MAX_SIZE {
            return Err(Refusal::TooLarge { limit: MAX_SIZE });
        }
        let mut reader = Reader::new(body);
        reader.seek(self.at);
        let mut checker = Checker { reader, on: self };
        let ended = checker.take_steps(steps).map_err(|refusal| *refusal)?;
        let (at, rest) = (checker.reader.at(), checker.reader.remaining());
        self.at = at;
        match (ended, rest) {
            (false, _) => Ok(None),
            (true, 0) => Ok(Some(self.summary)),
            (true, _) => Err(Refusal::Trailing),
        }
    }

    /// Returns the memory that the check has allocated so far, in bytes.
    pub fn memory(&self) -> usize {
        self.table.memory() + self.outer.capacity() * size_of::<Frame>()
    }
}
