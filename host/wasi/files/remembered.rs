//! A map of open objects that forgets the closed ones.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};

/// The minimum number of entries at which dropped ones are removed.
const FEWEST_CLEANED: usize = 64;

/// References to values that others own, by keys. Entries of dropped values take no more room than those of live ones.
pub(super) struct Remembered<K, V> {
    entries: HashMap<K, Weak<V>>,
    /// The number of entries at which dropped ones are removed next.
    clean_at: usize,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Remembered {
            entries: HashMap::new(),
            clean_at: FEWEST_CLEANED,
        }
    }
}

impl<K: Eq + Hash, V> Remembered<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<Arc<V>> {
        self.entries.get(key)?.upgrade()
    }

    /// Adds a value in place of any other with its key.
    pub(super) fn add(&mut self, key: K, value: &Arc<V>) {
        if self.entries.len() >= self.clean_at {
            self.entries.retain(|_, value| value.strong_count() > 0);
            self.clean_at = FEWEST_CLEANED.max(2 * self.entries.len());
        }
        self.entries.insert(key, Arc::downgrade(value));
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_values_are_forgotten() {
        let mut remembered = Remembered::default();
        let live: Vec<_> = (0..100).map(Arc::new).collect();
        for value in &live {
            remembered.add(**value, value);
        }
        for key in 1000..10_000 {
            remembered.add(key, &Arc::new(key));
        }
        assert!(remembered.entries.len() <= 2 * (live.len() + FEWEST_CLEANED));
        assert!(
            live.iter()
                .all(|value| remembered.get(value).as_deref() == Some(&**value))
        );
        assert_eq!(remembered.get(&9999), None);
        remembered.remove(&5);
        assert_eq!(remembered.get(&5), None);
    }
}
