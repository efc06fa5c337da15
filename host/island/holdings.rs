//! The handles that a guest holds, which it reports for a copy.

use super::Island;
use super::handles::{InterpreterRef, ReceiverEnd, SenderEnd, copy};
use super::state::State;
use super::tasks::Task;
use crate::exchange::end::End;
use std::sync::Arc;
use wasmtime::Result;
use wasmtime::component::Resource;

/// The reported handles, kept alive until the copy has them.
#[derive(Default)]
pub(crate) struct Holdings {
    pub(crate) senders: Vec<End>,
    pub(crate) receivers: Vec<End>,
    pub(crate) interpreters: Vec<Arc<Island>>,
    pub(crate) tasks: u32,
}

/// The state of a report: it is ignored unless it was requested.
#[derive(Default)]
pub(crate) enum Report {
    #[default]
    NotAsked,
    Asked(Holdings),
}

impl Report {
    /// Requests a report.
    pub(crate) fn ask(&mut self) {
        *self = Report::Asked(Holdings::default());
    }

    /// Returns the report, which is empty if none was made.
    pub(crate) fn take(&mut self) -> Holdings {
        match std::mem::take(self) {
            Report::NotAsked => Holdings::default(),
            Report::Asked(holdings) => holdings,
        }
    }
}

/// The handles of a copy, in the order of the original's.
pub(crate) struct Arrived {
    pub(crate) senders: Vec<Resource<SenderEnd>>,
    pub(crate) receivers: Vec<Resource<ReceiverEnd>>,
    pub(crate) interpreters: Vec<Resource<InterpreterRef>>,
    pub(crate) tasks: Vec<Resource<Task>>,
}

impl Holdings {
    /// Adds all handles to the table of the copy.
    pub(crate) fn arrive(self, state: &mut State) -> Result<Arrived> {
        let mut arrived = Arrived {
            senders: Vec::with_capacity(self.senders.len()),
            receivers: Vec::with_capacity(self.receivers.len()),
            interpreters: Vec::with_capacity(self.interpreters.len()),
            tasks: Vec::new(),
        };
        for end in &self.senders {
            let held = SenderEnd(copy(end, state.party)?);
            arrived.senders.push(state.must_hold(held)?);
        }
        for end in &self.receivers {
            let held = ReceiverEnd(copy(end, state.party)?);
            arrived.receivers.push(state.must_hold(held)?);
        }
        for island in self.interpreters {
            let reference = InterpreterRef(island);
            arrived.interpreters.push(state.must_hold(reference)?);
        }
        for _ in 0..self.tasks {
            let task = Task::lost(state)?;
            arrived.tasks.push(state.must_hold(task)?);
        }
        Ok(arrived)
    }
}
