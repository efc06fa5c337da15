//! Promises: values that another party makes, with an event of the broker for waiting.

use crate::exchange::Exchange;
use crate::lock::lock;
use archipel_core::broker::{EventId, PartyId};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A value that a party will make.
pub(crate) struct Promise<T> {
    exchange: Arc<Exchange>,
    event: EventId,
    value: Mutex<Option<T>>,
    /// True once a value was set, even if it was taken since.
    kept: AtomicBool,
}

impl<T> Promise<T> {
    /// Creates a promise. For the deadlock search, only `party` can keep it.
    ///
    /// # Errors
    ///
    /// If there are more than four billion events.
    pub(crate) fn new(exchange: &Arc<Exchange>, party: PartyId) -> wasmtime::Result<Arc<Self>> {
        let event = exchange
            .with(|broker, _| broker.create_event(party))
            .ok_or_else(|| wasmtime::format_err!("out of event numbers"))?;
        Ok(Arc::new(Promise {
            exchange: exchange.clone(),
            event,
            value: Mutex::new(None),
            kept: AtomicBool::new(false),
        }))
    }

    /// Returns the event that fires when the value is set.
    pub(crate) fn event(&self) -> EventId {
        self.event
    }

    /// Sets the value. Only the first value counts.
    pub(crate) fn keep(&self, value: T) {
        {
            let mut known = lock(&self.value);
            if self.kept.swap(true, Ordering::Relaxed) {
                return;
            }
            *known = Some(value);
        }
        self.exchange.with(|broker, effects| {
            broker.fire(self.event, effects);
        });
    }

    /// Takes the value, if it is set and was not taken.
    pub(crate) fn take(&self) -> Option<T> {
        let mut value = lock(&self.value);
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
