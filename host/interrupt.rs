//! Interruptions: exceptions that the host raises in running code, which can catch them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use wasmtime::StoreContextMut;
use wasmtime::component::WasmList;

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
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
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

/// The words in a guest's memory that signal CPython, as `alarm` in `image.wit` describes them.
pub(crate) struct Alarm {
    pub(crate) breaker: WasmList<u8>,
    pub(crate) signal: WasmList<u8>,
}

/// The bit for signals in the evaluation loop's word.
const SIGNALS_PENDING: u8 = 1 << 1;

/// The offset of the word for any signal in `Alarm::signal`.
const ANY: usize = 16;

impl Alarm {
    /// Marks a signal as pending. The guest must be suspended.
    #[expect(
        unsafe_code,
        reason = "a computing guest can only be signalled by a write to its own memory"
    )]
    pub(crate) fn ring<T: 'static>(&self, store: &StoreContextMut<'_, T>) {
        let breaker = self.breaker.as_le_slice(store);
        let signal = self.signal.as_le_slice(store);
        // The words are little-endian, so their first bytes hold the flags.
        let (Some(bits), Some(this), Some(any)) =
            (breaker.first(), signal.first(), signal.get(ANY))
        else {
            return;
        };
        let pending = bits | SIGNALS_PENDING;
        let writes = [(this, 1), (any, 1), (bits, pending)];
        for (place, value) in writes.map(|(byte, value)| (std::ptr::from_ref(byte).addr(), value)) {
            // SAFETY: the place is that of a byte in a slice that wasmtime has just returned for
            // this store, which the caller borrows, so its guest is suspended. The slices are not
            // used any more.
            unsafe { set(place, value) };
        }
    }
}

/// Writes a byte at `address` in a guest's memory. wasmtime only returns shared slices of it.
///
/// # Safety
///
/// `address` must be that of a byte in the linear memory of a guest, which nothing else accesses
/// now: the guest is suspended, and no slice of its memory is in use.
#[expect(
    unsafe_code,
    reason = "a computing guest can only be signalled by a write to its own memory"
)]
unsafe fn set(address: usize, value: u8) {
    let place = std::ptr::with_exposed_provenance_mut::<u8>(address);
    // SAFETY: the caller promises that the address is in the linear memory of a guest, which is
    // mapped writable and whose address wasmtime has exposed for compiled code, and that nothing
    // else accesses the byte. Any value is valid, since the guest can write any.
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
