//! The import with which an interpreter reports its handles for a copy.

use super::channels::copy;
use super::{InterpreterRef, ReceiverEnd, SenderEnd, Task};
use crate::exchange::End;
use crate::island::Island;
use crate::island::bindings::archipel::island::holdings::Host;
use crate::island::state::State;
use archipel_core::broker::PartyId;
use std::sync::Arc;
use wasmtime::component::Resource;
use wasmtime::{Result, bail};

/// The reported handles, kept alive until the copy has them.
#[derive(Default)]
pub(crate) struct Holdings {
    senders: Vec<End>,
    receivers: Vec<End>,
    interpreters: Vec<Arc<Island>>,
    tasks: u32,
}

/// The state of a report: it is ignored unless it was requested.
#[derive(Default)]
pub(crate) enum Answer {
    #[default]
    NotAsked,
    Asked(Holdings),
}

impl Answer {
    /// Requests a report.
    pub(crate) fn ask(&mut self) {
        *self = Answer::Asked(Holdings::default());
    }

    /// Returns the report, which is empty if none was made.
    pub(crate) fn take(&mut self) -> Holdings {
        match std::mem::take(self) {
            Answer::NotAsked => Holdings::default(),
            Answer::Asked(holdings) => holdings,
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

impl Host for State {
    fn tell(
        &mut self,
        senders: Vec<Resource<SenderEnd>>,
        receivers: Vec<Resource<ReceiverEnd>>,
        interpreters: Vec<Resource<InterpreterRef>>,
        tasks: u32,
    ) -> Result<()> {
        if matches!(self.holdings, Answer::NotAsked) {
            return Ok(());
        }
        let count = senders.len() + receivers.len() + interpreters.len();
        if count.saturating_add(tasks as usize) as u64 > self.handles {
            bail!("the guest reported more handles than its limit");
        }
        let mut holdings = Holdings {
            senders: Vec::with_capacity(senders.len()),
            receivers: Vec::with_capacity(receivers.len()),
            interpreters: Vec::with_capacity(interpreters.len()),
            tasks,
        };
        for end in senders {
            let end = copy(&self.table.get(&end)?.0, PartyId::FLIGHT)?;
            holdings.senders.push(end);
        }
        for end in receivers {
            let end = copy(&self.table.get(&end)?.0, PartyId::FLIGHT)?;
            holdings.receivers.push(end);
        }
        for interpreter in interpreters {
            let island = self.table.get(&interpreter)?.0.clone();
            holdings.interpreters.push(island);
        }
        self.holdings = Answer::Asked(holdings);
        Ok(())
    }
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
