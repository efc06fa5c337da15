//! Interrupting, stopping and destroying interpreters.

use super::state::State;
use super::{Instance, Island, Phase};
use crate::engine::pages;
use crate::exec::deferred_drop;
use crate::exec::interrupt::Interruption;
use crate::exec::stop::Reason;
use crate::telemetry;
use archipel_core::error::{Error, LimitKind, Result};
use std::sync::{Arc, PoisonError};
use wasmtime::Store;

impl Island {
    /// Raises `Cancelled` in the jobs that run in the interpreter and in its descendants.
    pub(crate) fn cancel(&self, message: &str) {
        self.log_cancelled(message, false);
        let message: Arc<str> = message.into();
        for member in self.family.living() {
            if self.may_name(&member) {
                member.interrupt(Interruption::Cancelled(message.clone()));
            }
        }
    }

    /// Stops as `kill` does; the jobs end with this message.
    pub(crate) fn cancel_unwinding(&self, message: &str) {
        self.log_cancelled(message, true);
        self.stop(Reason::Cancelled(message.to_owned()));
    }

    fn log_cancelled(&self, message: &str, unwind: bool) {
        telemetry::event!(
            debug,
            family = self.subject.family,
            interpreter = self.id,
            name = self.subject.name.as_deref(),
            message,
            unwind,
            "cancelled"
        );
    }

    /// Destroys the interpreter and its descendants, unless a job runs in it.
    pub(crate) fn close(&self) -> Result<()> {
        let mut phase = self.phase();
        match std::mem::replace(&mut *phase, Phase::Gone(None)) {
            Phase::Idle(instance) => {
                drop(phase);
                self.end(Some(instance));
                Ok(())
            }
            Phase::Running => {
                *phase = Phase::Running;
                Err(Error::Running)
            }
            Phase::Gone(why) => {
                *phase = Phase::Gone(why);
                Err(Error::Closed)
            }
        }
    }

    /// Requests an interruption of the running job, if one runs.
    pub(crate) fn interrupt(&self, what: Interruption) {
        // The lock keeps the next job from starting before the request is made.
        let phase = self.phase();
        if matches!(*phase, Phase::Running) {
            self.interrupt.request(what);
        }
    }

    /// Stops the running job, and destroys the interpreter and its descendants.
    pub(crate) fn kill(&self) {
        self.stop(Reason::Killed);
    }

    /// Stops as `kill` does, for the given reason.
    pub(crate) fn stop(&self, reason: Reason) {
        // Ends the waits of others for this island.
        self.context
            .exchange
            .with(|broker, _| broker.set_stopping(self.party));
        self.stop.request(reason);
        // If the job is being polled right now, the polling thread sees the request and destroys
        // the instance.
        let _ = self.close();
    }

    /// Releases everything that the interpreter held, and stops its descendants.
    pub(super) fn end(&self, instance: Option<Box<Instance>>) {
        self.abandon_calls();
        self.family.remove(self.id);
        self.context.exchange.with(|broker, effects| {
            broker.remove_party(self.party, effects);
        });
        if let Some(mut instance) = instance {
            self.give_back(&mut instance.store);
            // It has at most a few thousand handles, so it counts as one part.
            deferred_drop::discard(1, instance);
        }
        self.kill_children();
    }

    /// Returns the slot's written pages to the system, if the next instance in the slot is then
    /// faster. The instance of `store` must not run again.
    #[expect(unsafe_code, reason = "see `pages::give_back`")]
    fn give_back(&self, store: &mut Store<State>) {
        let was_large = store.data_mut().end_large_pages();
        let Some(memory) = &store.data().memory else {
            return;
        };
        let memory = memory.as_le_slice(&*store).as_ptr_range();
        let (time, _) = self.account.used(LimitKind::Cpu);
        let time = time.saturating_add(store.data().copied);
        if self.context.slots.ends(memory.start.addr(), time) || was_large {
            // SAFETY: the range is the memory of the guest in `store`, which the caller destroys
            // without entering it again, and the slice from which the range was made is gone.
            unsafe { pages::give_back(memory) };
        }
    }

    pub(super) fn kill_children(&self) {
        for child in self.family.children_of(self.id) {
            child.kill();
        }
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        let phase = self.phase.get_mut().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(phase, Phase::Gone(None)) {
            Phase::Idle(instance) => self.end(Some(instance)),
            // The job was never finished, or its future was dropped.
            Phase::Running => self.end(None),
            Phase::Gone(_) => {}
        }
    }
}
