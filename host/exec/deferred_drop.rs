//! Iterative dropping of messages and instances, which can own one another in chains of any length.
//!
//! A message can carry the last end of a channel, whose messages are then discarded. An instance can hold the
//! last reference to another interpreter. Recursive drops of such a chain would overflow the host's stack. So
//! whatever would be dropped inside another drop is queued until that drop has ended.

use crate::exchange::Message;
use crate::island::Instance;
use std::cell::Cell;

/// The number of messages and attachments that a thread drops at once. It takes some ten milliseconds, during
/// which a guest cannot be stopped.
const MOST_DROPPED: usize = 50_000;

/// Something to be dropped.
enum Discarded {
    Messages(Vec<Message>),
    #[expect(dead_code, reason = "held only to be dropped")]
    Instance(Box<Instance>),
}

impl Discarded {
    /// Returns the amount of work.
    fn weight(&self) -> usize {
        match self {
            Discarded::Messages(messages) => {
                let ends = messages.iter().map(|message| message.ends.len());
                messages.len() + ends.sum::<usize>()
            }
            // It has at most a few thousand handles.
            Discarded::Instance(_) => 1,
        }
    }
}

thread_local! {
    /// Messages and instances to drop after the drop in progress on this thread.
    static TO_DROP: Cell<Option<Vec<Discarded>>> = const { Cell::new(None) };
}

/// Drops messages and everything that this discards, iteratively. A large amount is dropped on a separate
/// thread.
pub(crate) fn messages(messages: Vec<Message>) {
    if !messages.is_empty() {
        discard(Discarded::Messages(messages));
    }
}

/// Drops an instance in the same way.
pub(crate) fn instance(instance: Box<Instance>) {
    discard(Discarded::Instance(instance));
}

fn discard(what: Discarded) {
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
        let weight = now.iter().map(Discarded::weight).sum();
        left = match left.checked_sub(weight) {
            Some(left) => left,
            None => return Some(now),
        };
        drop(now);
        now = TO_DROP.replace(Some(Vec::new())).unwrap_or_default();
    }
    None
}
