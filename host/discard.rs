//! Dropping what may hold the last hold on other things, and these on others, for as long as guests like.
//!
//! A message may carry the last end of a channel, whose messages are discarded then; an interpreter
//! may have the last reference to another.  Dropped in the way of Rust, a chain of such ends the
//! host's stack before it ends.  So what would be dropped within another drop is kept until that
//! one has ended.

use crate::exchange::Message;
use crate::island::Instance;
use std::cell::Cell;

/// How many messages and ends in them a thread drops at once, which takes some ten milliseconds: a guest
/// cannot be stopped meanwhile.
const MOST_DROPPED: usize = 50_000;

/// What is to be dropped.
enum Discarded {
    Messages(Vec<Message>),
    #[expect(dead_code, reason = "it is there to be dropped")]
    Instance(Box<Instance>),
}

impl Discarded {
    /// How much there is to do.
    fn weight(&self) -> usize {
        match self {
            Discarded::Messages(messages) => {
                let ends = messages.iter().map(|message| message.ends.len());
                messages.len() + ends.sum::<usize>()
            }
            // It has a few thousand handles at the most.
            Discarded::Instance(_) => 1,
        }
    }
}

thread_local! {
    /// What is to be dropped once the drop that goes on in this thread has ended.
    static TO_DROP: Cell<Option<Vec<Discarded>>> = const { Cell::new(None) };
}

/// Drops messages: all of them, and what follows from that, one after the other.  Where that is much, it
/// happens in a thread of its own.
pub(crate) fn messages(messages: Vec<Message>) {
    if !messages.is_empty() {
        discard(Discarded::Messages(messages));
    }
}

/// Drops an instance, likewise.
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
    // Where there can be no thread, they are dropped with the closure that is refused.
    let _ = thread.spawn(move || drop_some(rest, usize::MAX));
}

/// Drops what is in `now` and what follows from that, and returns what there is beyond `most`.
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
