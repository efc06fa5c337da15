//! Trust: the senders from which an interpreter accepts more than data.
//!
//! Unpickling runs code that the sender chose, so only a receiver that trusts the sender gets a pickle. An
//! interpreter trusts itself and its ancestors, which could run code in it anyway. An interpreter and a child
//! that it created as trusted trust each other; such interpreters form a *domain*. PEP 734's `call` and
//! `Queue.put` require this for the interpreters that `concurrent.interpreters.create` makes.

use std::sync::{Arc, PoisonError, RwLock};

/// The domains of an interpreter's ancestors and its own, each given by the number of its first member.
#[derive(Clone, Debug)]
pub struct Trust(Arc<[u64]>);

/// The trust of an interpreter, which its creator can change.
#[derive(Clone, Debug)]
pub struct SharedTrust(Arc<RwLock<Trust>>);

impl SharedTrust {
    /// Creates the shared value.
    pub fn new(trust: Trust) -> Self {
        SharedTrust(Arc::new(RwLock::new(trust)))
    }

    /// Returns the current trust.
    pub fn get(&self) -> Trust {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces the trust for all who share it.
    pub fn set(&self, trust: Trust) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = trust;
    }
}

impl Trust {
    /// Returns the trust of the interpreter `number`, created by a host: it trusts itself.
    pub fn of_first(number: u64) -> Self {
        Trust(Arc::new([number]))
    }

    /// Returns the trust of the child `number` of an interpreter with this trust.
    pub fn of_child(&self, number: u64, trusted: bool) -> Self {
        if trusted {
            return self.clone();
        }
        Trust(self.0.iter().copied().chain([number]).collect())
    }

    /// Returns the trust of the copy `number` of an interpreter with this trust. The copy belongs to the same
    /// domain only if the original was created as trusted, regardless of who made the copy.
    pub fn of_copy(&self, number: u64, trusted: bool) -> Self {
        if trusted {
            return self.clone();
        }
        let above = self.0.len().saturating_sub(1);
        Trust(self.0.iter().copied().take(above).chain([number]).collect())
    }

    /// Returns whether an interpreter with this trust accepts pickles and code from one with `other`.
    pub fn accepts(&self, other: &Trust) -> bool {
        other
            .domain()
            .is_some_and(|domain| self.0.contains(&domain))
    }

    /// Returns whether both belong to the same domain.
    pub fn is_shared_with(&self, other: &Trust) -> bool {
        self.domain() == other.domain()
    }

    fn domain(&self) -> Option<u64> {
        self.0.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pickles_are_accepted_from_ancestors_and_the_same_domain() {
        let first = Trust::of_first(1);
        let trusted = first.of_child(2, true);
        let safe = first.of_child(3, false);
        let below_safe = safe.of_child(4, true);
        let safer = safe.of_child(5, false);
        let rows = [
            (&first, &first, true),
            (&first, &trusted, true),
            (&trusted, &first, true),
            (&safe, &first, true),
            (&first, &safe, false),
            (&trusted, &safe, false),
            (&safe, &trusted, true),
            (&safe, &below_safe, true),
            (&first, &below_safe, false),
            (&safer, &first, true),
            (&safer, &safe, true),
            (&safe, &safer, false),
            (&first, &Trust::of_first(6), false),
        ];
        for (row, (receiver, sender, expected)) in rows.into_iter().enumerate() {
            assert_eq!(receiver.accepts(sender), expected, "row {row}");
        }
        // A copy of an interpreter that a safe one trusts does not get the trust of its maker.
        assert!(!first.accepts(&below_safe.of_copy(7, true)));
        assert!(safe.accepts(&below_safe.of_copy(7, true)));
        assert!(!safe.accepts(&safer.of_copy(8, false)) && safer.of_copy(8, false).accepts(&safe));
        assert!(!safer.accepts(&safer.of_copy(8, false)));
        assert!(first.is_shared_with(&trusted) && safe.is_shared_with(&below_safe));
        assert!(!first.is_shared_with(&safe));
    }
}
