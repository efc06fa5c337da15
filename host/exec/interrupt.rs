//! Interruptions: exceptions that the host raises in running code, which can catch them.

use crate::lock::lock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// The exception to raise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// `KeyboardInterrupt`.
    Keyboard,
    /// `Cancelled`, with this message, which all interpreters of one cancellation share.
    Cancelled(Arc<str>),
}

/// The pending interruption of an interpreter's job, until the guest takes it.
#[derive(Default)]
pub(crate) struct Interrupt {
    /// True while a request is pending; readable without the lock.
    pending: AtomicBool,
    asked: Mutex<Option<Interruption>>,
    notify: Notify,
}

impl Interrupt {
    fn asked(&self) -> MutexGuard<'_, Option<Interruption>> {
        lock(&self.asked)
    }

    /// Requests an interruption. It replaces a request that was not taken yet, except that a
    /// keyboard interrupt does not replace a cancellation.
    pub(crate) fn request(&self, what: Interruption) {
        {
            let mut asked = self.asked();
            match (&*asked, &what) {
                (Some(Interruption::Cancelled(_)), Interruption::Keyboard) => {}
                _ => *asked = Some(what),
            }
            self.pending.store(true, Ordering::Release);
        }
        self.notify.notify_waiters();
    }

    /// Takes the request, which the guest then raises.
    pub(crate) fn take(&self) -> Option<Interruption> {
        let mut asked = self.asked();
        self.pending.store(false, Ordering::Release);
        asked.take()
    }

    /// Returns the pending request if it is a cancellation.
    pub(crate) fn cancellation(&self) -> Option<Interruption> {
        if !self.is_pending() {
            return None;
        }
        let asked = self.asked();
        asked
            .clone()
            .filter(|asked| matches!(asked, Interruption::Cancelled(_)))
    }

    /// Returns whether a request is pending.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    /// Waits until a request is pending, and leaves it pending.
    pub(crate) async fn requested(&self) {
        loop {
            let mut notified = std::pin::pin!(self.notify.notified());
            // Enabled before the check, so that a request in between is not missed.
            notified.as_mut().enable();
            if self.is_pending() {
                return;
            }
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_once_and_a_cancellation_stays() {
        let cancelled = || Interruption::Cancelled("enough".into());
        let cases = [
            (vec![], None),
            (vec![Interruption::Keyboard], Some(Interruption::Keyboard)),
            (vec![cancelled(), Interruption::Keyboard], Some(cancelled())),
            (vec![Interruption::Keyboard, cancelled()], Some(cancelled())),
        ];
        for (requests, taken) in cases {
            let interrupt = Interrupt::default();
            requests
                .into_iter()
                .for_each(|what| interrupt.request(what));
            assert_eq!(interrupt.is_pending(), taken.is_some());
            assert_eq!(interrupt.take(), taken);
            assert_eq!(interrupt.take(), None);
            assert!(!interrupt.is_pending());
        }
    }

    #[test]
    fn waiters_are_notified_of_a_request() {
        let interrupt = Interrupt::default();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| pollster::block_on(interrupt.requested()));
            interrupt.request(Interruption::Keyboard);
            waiter.join().unwrap();
        });
        pollster::block_on(interrupt.requested());
    }
}
