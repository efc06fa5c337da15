//! Iterative dropping of values that can own one another in chains of any length.
//!
//! A message can carry the last end of a channel, whose messages are then discarded. An instance can hold the
//! last reference to another interpreter. Recursive drops of such a chain would overflow the host's stack. So
//! whatever would be dropped inside another drop is queued until that drop has ended.

use std::cell::Cell;

/// The weight that a thread drops at once. It takes some ten milliseconds, during which a guest cannot be
/// stopped.
const MOST_DROPPED: usize = 50_000;

/// A value to be dropped.
struct Discarded {
    /// The amount of work.
    weight: usize,
    _value: Box<dyn Send>,
}

thread_local! {
    /// The values to drop after the drop in progress on this thread.
    static TO_DROP: Cell<Option<Vec<Discarded>>> = const { Cell::new(None) };
}

/// Drops `value` and everything that this discards, iteratively. A large amount is dropped on a separate thread.
///
/// `weight` is the number of parts of the value whose drop takes time.
pub(crate) fn discard<T: Send + 'static>(weight: usize, value: Box<T>) {
    let what = Discarded {
        weight,
        _value: value,
    };
    if let Some(mut later) = TO_DROP.take() {
        later.push(what);
        TO_DROP.set(Some(later));
        return;
    }
    let Some(rest) = drop_some(vec![what], MOST_DROPPED) else {
        return;
    };
    let thread = std::thread::Builder::new().name("archipel-drop".to_owned());
    // If no thread can be created, the refused closure drops them.
    let _ = thread.spawn(move || drop_some(rest, usize::MAX));
}

/// Drops `now` and what follows from it. Returns what remains after `most`.
fn drop_some(mut now: Vec<Discarded>, most: usize) -> Option<Vec<Discarded>> {
    struct Outermost;

    impl Drop for Outermost {
        fn drop(&mut self) {
            TO_DROP.take();
        }
    }

    TO_DROP.set(Some(Vec::new()));
    let _outermost = Outermost;
    let mut left = most;
    while !now.is_empty() {
        let weight = now.iter().map(|discarded| discarded.weight).sum();
        left = match left.checked_sub(weight) {
            Some(left) => left,
            None => return Some(now),
        };
        drop(now);
        now = TO_DROP.replace(Some(Vec::new())).unwrap_or_default();
    }
    None
}
