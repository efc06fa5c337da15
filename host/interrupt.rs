//! Interruptions: exceptions that rise in the middle of what an interpreter runs, and can be caught.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use wasmtime::StoreContextMut;
use wasmtime::component::WasmList;

/// What is to rise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// `KeyboardInterrupt`.
    Keyboard,
    /// `Cancelled`, with this message, which all that are cancelled share.
    Cancelled(Arc<str>),
}

/// The request to interrupt what runs, until the guest takes it.
#[derive(Default)]
pub(crate) struct Interrupt {
    /// Whether there is one, to be looked at without a lock.
    pending: AtomicBool,
    asked: Mutex<Option<Interruption>>,
    notify: Notify,
}

impl Interrupt {
    fn asked(&self) -> MutexGuard<'_, Option<Interruption>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for `what` to rise.  A request that was not taken yet is replaced by it, but no
    /// cancellation by a key.
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

    /// What is to rise: the guest lets it.
    pub(crate) fn take(&self) -> Option<Interruption> {
        let mut asked = self.asked();
        self.pending.store(false, Ordering::Release);
        asked.take()
    }

    /// The cancellation that was asked for and not taken yet, if there is one.
    pub(crate) fn cancellation(&self) -> Option<Interruption> {
        if !self.is_pending() {
            return None;
        }
        let asked = self.asked();
        asked
            .clone()
            .filter(|asked| matches!(asked, Interruption::Cancelled(_)))
    }

    /// Whether there is a request.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    /// Waits until there is a request, which stays.
    pub(crate) async fn requested(&self) {
        loop {
            let mut notified = std::pin::pin!(self.notify.notified());
            // A request between the look and the wait counts too.
            notified.as_mut().enable();
            if self.is_pending() {
                return;
            }
            notified.await;
        }
    }
}

/// The words of a guest's memory by which CPython knows of a signal, as `alarm` of `image.wit`
/// describes them.
pub(crate) struct Alarm {
    pub(crate) breaker: WasmList<u8>,
    pub(crate) signal: WasmList<u8>,
}

/// The bit of the evaluation loop's word that stands for signals.
const SIGNALS_PENDING: u8 = 1 << 1;

/// The place of the word that says that any signal came, in `Alarm::signal`.
const ANY: usize = 16;

impl Alarm {
    /// Lets CPython find a signal, in a guest that does not execute just now.
    pub(crate) fn ring<T: 'static>(&self, store: &StoreContextMut<'_, T>) {
        let breaker = self.breaker.as_le_slice(store);
        let signal = self.signal.as_le_slice(store);
        // The words are little-endian, so their first bytes are those that count.
        let (Some(bits), Some(this), Some(any)) =
            (breaker.first(), signal.first(), signal.get(ANY))
        else {
            return;
        };
        let pending = bits | SIGNALS_PENDING;
        let writes = [(this, 1), (any, 1), (bits, pending)];
        for (place, value) in writes.map(|(byte, value)| (std::ptr::from_ref(byte).addr(), value)) {
            set(place, value);
        }
    }
}

/// Writes to the byte at `address` in a guest's memory, of which wasmtime only gives away shared
/// slices.
#[expect(
    unsafe_code,
    reason = "only this reaches a guest that computes, and it writes to the guest's own memory"
)]
fn set(address: usize, value: u8) {
    let place = std::ptr::with_exposed_provenance_mut::<u8>(address);
    // SAFETY: the address is that of a byte of a slice that wasmtime gave just now, so it is in the
    // linear memory of a guest, which is mapped writable and whose address wasmtime has exposed for the
    // code that it compiles.  The guest is suspended in the store that the caller has, so nobody else
    // reads or writes there now, and the slice is not used any more.  Any value is valid: the guest can
    // write any.
    unsafe { place.write(value) }
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
    fn who_waits_is_told() {
        let interrupt = Interrupt::default();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| pollster::block_on(interrupt.requested()));
            interrupt.request(Interruption::Keyboard);
            waiter.join().unwrap();
        });
        pollster::block_on(interrupt.requested());
    }
}
