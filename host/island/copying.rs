//! Copying and resetting an island.

use super::caller::Caller;
use super::entered::Entered;
use super::execution::{died, supervised, without_result};
use super::handles::{InterpreterRef, ReceiverEnd, SenderEnd, copy};
use super::holdings::Holdings;
use super::job::Reply;
use super::tasks::Task;
use super::{Instance, Island};
use crate::engine::guest_memory::{Fault, GuestMemory};
use crate::exec::run::Run;
use crate::wasi::Listing;
use archipel_core::error::{Error, LimitKind, Result};
use std::sync::Arc;
use wasmtime::component::Resource;

/// The error of a failed copy. An error of the original destroys the original.
enum Failure {
    Original(Error),
    Copy(Error),
}

impl Island {
    /// Starts making a copy, as a child of `parent` or for the host, and returns the future.
    ///
    /// Dropping the future destroys the original too, since its state is then unknown.
    pub(crate) fn copy(self: &Arc<Self>, parent: Option<&Arc<Island>>) -> Result<Run<Arc<Island>>> {
        let mut entered = self.enter()?;
        let parent = parent.cloned();
        Ok(Run::begin(&self.stop, async move {
            match entered.copy(parent.as_ref()).await {
                Ok((copy, instance)) => {
                    entered.leave(&Ok(Reply::Done));
                    copy.begin(instance);
                    Ok(copy)
                }
                Err(Failure::Copy(error)) => {
                    entered.leave(&Ok(Reply::Done));
                    Err(error)
                }
                Err(Failure::Original(error)) => {
                    let end = Err(error);
                    entered.leave(&end);
                    end.and_then(|_| Err(Error::Closed))
                }
            }
        }))
    }

    /// Starts resetting the island to its initial state, and returns the future.
    pub(crate) fn reset(self: &Arc<Self>) -> Result<Run<()>> {
        let mut entered = self.enter()?;
        Ok(Run::begin(&self.stop, async move {
            let made = match new_instance(&mut entered).await {
                Ok(instance) => instance,
                Err(error) if entered.instance.is_some() => {
                    entered.leave(&Ok(Reply::Done));
                    return Err(error);
                }
                Err(error) => {
                    let end = Err(error);
                    entered.leave(&end);
                    return end.and_then(|_| Err(Error::Closed));
                }
            };
            // Dropping the old instance releases what it held.
            entered.instance = Some(made);
            entered.island.kill_children();
            entered.island.abandon_calls();
            entered.island.aliases.renew();
            entered.leave(&Ok(Reply::Done));
            Ok(())
        }))
    }
}

/// Creates a second instance for an island that has one.
async fn new_instance(entered: &mut Entered) -> Result<Box<Instance>> {
    match entered.island.instantiate().await {
        // The runtime is full: reuse the slot of the old instance.
        Err(Error::Capacity { .. }) => {
            entered.instance = None;
            entered.island.instantiate().await
        }
        made => made,
    }
}

impl Entered {
    async fn copy(
        &mut self,
        parent: Option<&Arc<Island>>,
    ) -> Result<(Arc<Island>, Box<Instance>), Failure> {
        let island = &self.island;
        let Some(original) = &mut self.instance else {
            return Err(Failure::Original(Error::Closed));
        };
        let table = &mut original.store.data_mut().wasi.table;
        if table.iter_mut().any(|entry| entry.is::<Listing>()) {
            let text = "an os.scandir iterator is open (close it first)";
            return Err(Failure::Copy(Error::NotCopyable(text.to_owned())));
        }
        let settings = island.settings.clone();
        let trusted = settings.trusted && parent.is_some();
        let copy = Island::enrol(
            &island.context,
            &island.family,
            parent,
            |number| island.trust.get().of_copy(number, trusted),
            settings,
            island.started,
        )
        .map_err(Failure::Copy)?;
        copy.take_equipment_of(island);
        let mut instance = copy.instantiate().await.map_err(Failure::Copy)?;
        let image = &island.context.image.memory;
        let work = async { Ok(copy_state(image, original, &mut instance).await) };
        supervised(island, work)
            .await
            .unwrap_or_else(|stopped| Err(Failure::Original(stopped)))?;
        let (time, _) = island.account.used(LimitKind::Cpu);
        instance.store.data_mut().copied = original.store.data().copied.saturating_add(time);
        Ok((copy, instance))
    }
}

/// Copies the state of `original` to `copy`, which is new.
async fn copy_state(
    image: &GuestMemory,
    original: &mut Instance,
    copy: &mut Instance,
) -> Result<(), Failure> {
    // The epoch deadlines of idle stores can lie far in the past.
    original.store.set_epoch_deadline(1);
    copy.store.set_epoch_deadline(1);
    let guest = original.exports.archipel_island_copying();
    original.store.data_mut().holdings.ask();
    let prepared = guest.call_prepare(&mut original.store).await;
    let holdings = original.store.data_mut().holdings.take();
    without_result(prepared).map_err(Failure::Original)?;
    let memory = image.copy(&mut original.guest(), &mut copy.guest()).await;
    let copied = match memory {
        Ok(memory) => {
            copy.store.data_mut().memory = Some(memory);
            let introduced = original.store.data().ports.introduced.clone();
            copy.store.data_mut().ports.introduced = introduced;
            revive(image, copy, holdings).await.map_err(Failure::Copy)
        }
        Err(Fault::NoMemory) => {
            let text = "for the copy of an interpreter".to_owned();
            Err(Failure::Copy(Error::NoMemory(text)))
        }
        Err(Fault::Copy(error)) => Err(Failure::Copy(died(&error))),
        Err(Fault::Original(error)) => Err(Failure::Original(died(&error))),
    };
    let guest = original.exports.archipel_island_copying();
    let resumed = guest.call_resume(&mut original.store).await;
    without_result(resumed).map_err(Failure::Original)?;
    copied
}

/// Gives a copy, whose memory is that of its original, handles of its own.
async fn revive(image: &GuestMemory, new: &mut Instance, holdings: Holdings) -> Result<()> {
    let foreign = image.set_foreign(&mut new.guest(), true).await;
    foreign.map_err(|error| died(&error))?;
    let arrived = holdings.arrive(&mut new.store.data_mut().caller());
    let arrived = arrived.map_err(|error| died(&error))?;
    let guest = new.exports.archipel_island_copying();
    let revived = guest.call_revive(
        &mut new.store,
        &arrived.senders,
        &arrived.receivers,
        &arrived.interpreters,
        &arrived.tasks,
    );
    without_result(revived.await)?;
    let foreign = image.set_foreign(&mut new.guest(), false).await;
    foreign.map_err(|error| died(&error))
}

/// The handles of a copy, in the order of the original's.
struct Arrived {
    senders: Vec<Resource<SenderEnd>>,
    receivers: Vec<Resource<ReceiverEnd>>,
    interpreters: Vec<Resource<InterpreterRef>>,
    tasks: Vec<Resource<Task>>,
}

impl Holdings {
    /// Adds all handles to the table of the copy.
    fn arrive(self, state: &mut Caller<'_>) -> wasmtime::Result<Arrived> {
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
            let task = Task::lost(&state.shared.exchange, state.party)?;
            arrived.tasks.push(state.must_hold(task)?);
        }
        Ok(arrived)
    }
}
