//! Promises: values that somebody else makes, and that are waited for as an event of the broker's.

use crate::exchange::Exchange;
use archipel_core::broker::{EventId, PartyId};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A value that a party promised.
pub(crate) struct Promise<T> {
    exchange: Arc<Exchange>,
    event: EventId,
    value: Mutex<Option<T>>,
    /// Whether it had a value, which may have been taken.
    kept: AtomicBool,
}

impl<T> Promise<T> {
    /// A promise that only `party` can keep, as far as deadlocks are concerned.
    ///
    /// # Errors
    ///
    /// When there are more than four billion events.
    pub(crate) fn new(exchange: &Arc<Exchange>, party: PartyId) -> wasmtime::Result<Arc<Self>> {
        let event = exchange
            .with(|broker, _| broker.create_event(party))
            .ok_or_else(|| wasmtime::format_err!("there are too many tasks"))?;
        Ok(Arc::new(Promise {
            exchange: exchange.clone(),
            event,
            value: Mutex::new(None),
            kept: AtomicBool::new(false),
        }))
    }

    /// The event that fires when there is a value.
    pub(crate) fn event(&self) -> EventId {
        self.event
    }

    /// Gives it a value; the first one counts.
    pub(crate) fn keep(&self, value: T) {
        {
            let mut known = self.value.lock().unwrap_or_else(PoisonError::into_inner);
            if self.kept.swap(true, Ordering::Relaxed) {
                return;
            }
            *known = Some(value);
        }
        self.exchange.with(|broker, effects| {
            broker.fire(self.event, effects);
        });
    }

    /// Takes the value, once.
    pub(crate) fn take(&self) -> Option<T> {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        value.take()
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.exchange.with(|broker, effects| {
            broker.release_event(self.event, effects);
        });
    }
}
