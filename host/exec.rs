//! Execution: the threads on which guests and their blocking calls run, and the time that they use. It runs futures and
//! closures, whatever they do, and uses only accounting and logs.

pub(crate) mod blocking;
pub(crate) mod deferred_drop;
pub(crate) mod frozen_clock;
pub(crate) mod interrupt;
pub(crate) mod meter;
pub(crate) mod offload;
pub(crate) mod run;
mod scheduler;
pub(crate) mod stop;
pub(crate) mod thread;
mod timers;
pub(crate) mod wait_hook;
pub(crate) mod workers;

use std::task::Poll;

/// Yields once, so that the poller checks the limits and other tasks can run.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| match std::mem::replace(&mut yielded, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
