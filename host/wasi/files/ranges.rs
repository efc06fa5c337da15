//! The parts of a file that are locked, as POSIX has them: the last lock on a byte is the one that counts.

use archipel_core::ledger::Reservation;

/// The locks that an open file owns.
#[derive(Default)]
pub(super) struct Locked {
    pub(super) ranges: Ranges,
    pub(super) memory: Option<Reservation>,
}

/// The kind of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Exclusive locks of others.
    Shared,
    /// All locks of others.
    Exclusive,
}

/// Some bytes of a file, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: i64,
    /// The last byte.
    last: i64,
}

impl Range {
    pub(super) const ALL: Range = Range {
        start: 0,
        last: i64::MAX,
    };

    /// Creates the range of `length` bytes from `start` on, or up to the end of all files if `length` is 0. Returns
    /// `None` past that end.
    pub(super) fn new(start: u64, length: u64) -> Option<Self> {
        let start = i64::try_from(start).ok()?;
        let last = match i64::try_from(length).ok()?.checked_sub(1)? {
            -1 => i64::MAX,
            more => start.checked_add(more)?,
        };
        Some(Range { start, last })
    }

    /// Returns the number of bytes, or `None` for a range up to the end of all files.
    pub(super) fn length(self) -> Option<i64> {
        match self.last {
            i64::MAX => None,
            last => Some(last - self.start + 1),
        }
    }
}

/// The locked ranges of a file, in order, each with its kind. No two of them overlap, and two that touch differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(Range, Kind)>);

impl Ranges {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.0.iter().any(|(_, other)| *other == kind)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Range, Kind)> {
        self.0.iter().copied()
    }

    /// Returns these ranges with a lock of this kind on `range`, or with none there if `kind` is `None`.
    pub(super) fn with(&self, range: Range, kind: Option<Kind>) -> Self {
        let mut parts = Vec::with_capacity(self.len() + 2);
        for (old, kind) in self.iter() {
            if old.start < range.start {
                let last = old.last.min(range.start - 1);
                parts.push((Range { last, ..old }, kind));
            }
            if old.last > range.last {
                let start = old.start.max(range.last + 1);
                parts.push((Range { start, ..old }, kind));
            }
        }
        parts.extend(kind.map(|kind| (range, kind)));
        parts.sort_by_key(|(range, _)| range.start);
        parts.dedup_by(|(next, kind), (before, other)| {
            let joins = kind == other && before.last + 1 == next.start;
            if joins {
                before.last = next.last;
            }
            joins
        });
        Ranges(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, length: u64) -> Range {
        Range::new(start, length).unwrap()
    }

    #[test]
    fn ranges_past_the_end_are_refused() {
        let most = i64::MAX as u64;
        assert_eq!(range(0, 0), Range::ALL);
        assert_eq!(range(most, 1).last, i64::MAX);
        assert_eq!(range(most, 0).length(), None);
        assert_eq!(range(5, 3).length(), Some(3));
        for (start, length) in [
            (most, 2),
            (most + 1, 1),
            (0, most + 1),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(Range::new(start, length), None);
        }
    }

    #[test]
    fn ranges_describe_each_byte_as_a_table_would() {
        // All pairs of changes after a first one, on eight bytes.
        const SIZE: u64 = 8;
        let kinds = [None, Some(Kind::Shared), Some(Kind::Exclusive)];
        let changes = || {
            (0..SIZE).flat_map(|start| {
                (0..SIZE - start)
                    .flat_map(move |length| kinds.map(|kind| (range(start, length), kind)))
            })
        };
        for one in changes() {
            for other in changes() {
                let mut table = [None; SIZE as usize];
                let mut ranges = Ranges::default().with(range(2, 3), Some(Kind::Shared));
                for (range, kind) in [(range(2, 3), Some(Kind::Shared)), one, other] {
                    for (byte, entry) in (0..).zip(&mut table) {
                        if range.start <= byte && byte <= range.last {
                            *entry = kind;
                        }
                    }
                }
                for (range, kind) in [one, other] {
                    ranges = ranges.with(range, kind);
                }
                for (byte, entry) in (0..).zip(table) {
                    let found = ranges
                        .iter()
                        .find(|(range, _)| range.start <= byte && byte <= range.last);
                    assert_eq!(found.map(|(_, kind)| kind), entry, "{one:?} {other:?}");
                }
                let touching = ranges.0.windows(2);
                let mut joined = touching
                    .filter(|two| two[0].1 == two[1].1 && two[0].0.last + 1 == two[1].0.start);
                assert_eq!(joined.next(), None);
            }
        }
    }
}
