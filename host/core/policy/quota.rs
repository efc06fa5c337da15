//! Quotas of granted directories.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The minimum number of names that can be created in a directory with a quota.
const LEAST_NAMES: u64 = 1000;

/// The number of bytes of a quota that allow for one name.
const BYTES_PER_NAME: u64 = 256;

/// A limit on the bytes written through a grant by all interpreters that have it. Deleting does not give
/// anything back, because the host does not know who wrote the data.
#[derive(Debug)]
pub struct Quota {
    pub(crate) limit: u64,
    bytes: AtomicU64,
    names: AtomicU64,
    /// The quota of the grant from which this one was made.
    above: Option<Arc<Quota>>,
}

/// The quota does not have room for the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaExceeded;

impl From<QuotaExceeded> for std::io::Error {
    fn from(_: QuotaExceeded) -> Self {
        rustix::io::Errno::NOSPC.into()
    }
}

impl Quota {
    pub(crate) fn new(limit: u64, above: Option<Arc<Quota>>) -> Self {
        Quota {
            limit,
            bytes: AtomicU64::new(0),
            names: AtomicU64::new(0),
            above,
        }
    }

    /// Counts bytes before they are written. Counts all of them or none.
    pub fn write(&self, bytes: u64) -> Result<(), QuotaExceeded> {
        self.count(&|quota| (&quota.bytes, quota.limit), bytes)
    }

    /// Returns whether this number of bytes could be written now.
    pub fn has_room(&self, bytes: u64) -> bool {
        let used = self.bytes.load(Ordering::Relaxed);
        let fits = used
            .checked_add(bytes)
            .is_some_and(|used| used <= self.limit);
        fits && self
            .above
            .as_ref()
            .is_none_or(|above| above.has_room(bytes))
    }

    /// Counts a file, directory or link before it is created.
    pub fn create(&self) -> Result<(), QuotaExceeded> {
        let most = |limit: u64| LEAST_NAMES.max(limit / BYTES_PER_NAME);
        self.count(&|quota| (&quota.names, most(quota.limit)), 1)
    }

    fn count(
        &self,
        which: &dyn Fn(&Quota) -> (&AtomicU64, u64),
        more: u64,
    ) -> Result<(), QuotaExceeded> {
        let (counter, most) = which(self);
        let add = |used: u64| used.checked_add(more).filter(|used| *used <= most);
        counter
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .map_err(|_| QuotaExceeded)?;
        let above = self.above.as_ref();
        let counted = above.map_or(Ok(()), |above| above.count(which, more));
        if counted.is_err() {
            counter.fetch_sub(more, Ordering::Relaxed);
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_count_in_every_enclosing_quota() {
        let parent = Arc::new(Quota::new(10, None));
        let child = Quota::new(8, Some(parent.clone()));
        assert_eq!(child.write(6), Ok(()));
        assert_eq!(child.write(3), Err(QuotaExceeded), "the child's own quota");
        assert_eq!(parent.write(3), Ok(()));
        assert_eq!(child.write(2), Err(QuotaExceeded), "the parent's quota");
        assert_eq!(child.write(1), Ok(()), "refused bytes are not counted");
        assert_eq!(parent.write(0), Ok(()));
        assert_eq!(parent.write(1), Err(QuotaExceeded));
        assert_eq!(parent.write(u64::MAX), Err(QuotaExceeded));
    }

    #[test]
    fn names_can_be_created_up_to_the_quota() {
        let quota = Quota::new(10, None);
        let created = (0..2000).filter(|_| quota.create().is_ok()).count();
        assert_eq!(created as u64, LEAST_NAMES);
    }
}
