//! The import with which an interpreter reports its handles for a copy.

use crate::island::bindings::archipel::island::holdings::Host;
use crate::island::handles::{InterpreterRef, ReceiverEnd, SenderEnd, copy};
use crate::island::holdings::{Holdings, Report};
use archipel_core::broker::PartyId;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime::{Result, bail};

/// The part of a store's state that this import reaches.
pub(super) struct Reporter<'a> {
    pub(super) table: &'a ResourceTable,
    pub(super) report: &'a mut Report,
    /// The guest's limit on handles.
    pub(super) handles: u64,
}

pub(super) struct HasReporter;

impl HasData for HasReporter {
    type Data<'a> = Reporter<'a>;
}

impl Host for Reporter<'_> {
    fn tell(
        &mut self,
        senders: Vec<Resource<SenderEnd>>,
        receivers: Vec<Resource<ReceiverEnd>>,
        interpreters: Vec<Resource<InterpreterRef>>,
        tasks: u32,
    ) -> Result<()> {
        if matches!(self.report, Report::NotAsked) {
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
        *self.report = Report::Asked(holdings);
        Ok(())
    }
}
