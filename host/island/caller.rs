//! The guest that calls an import, as far as the imports may know it.

use super::Island;
use super::bindings::archipel::island::channels;
use super::deferred_error::DeferredError;
use super::introduced::Introduced;
use super::shared::Shared;
use crate::exec::interrupt::Interrupt;
use archipel_core::broker::PartyId;
use archipel_core::error::LimitKind;
use archipel_core::ledger::{Account, Exceeded};
use archipel_core::limits::HANDLES;
use archipel_core::trust::SharedTrust;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, Weak};
use wasmtime::Result;
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};

/// Ends of messages for which the guest had no room, until they are taken back from its table.
pub(crate) type Stranded = Arc<Mutex<Vec<channels::End>>>;

/// The part of a store's state that the imports use.
pub(crate) struct Ports {
    pub(crate) shared: Arc<Shared>,
    pub(crate) island: Weak<Island>,
    pub(crate) party: PartyId,
    pub(crate) account: Arc<Account>,
    pub(crate) trust: SharedTrust,
    /// The pending interruption.
    pub(crate) interrupt: Arc<Interrupt>,
    /// The interpreters that the guest received in messages.
    pub(crate) introduced: Introduced,
    /// The guest's limit on handles.
    pub(crate) handles: u64,
    /// The number of handles that the guest holds.
    held: u64,
    pub(crate) deferred_error: DeferredError,
    pub(crate) stranded: Stranded,
    /// True if the guest's clock is frozen.
    pub(crate) is_frozen: bool,
}

impl Ports {
    /// Returns the initial ports of an instance of `island`.
    pub(super) fn new(island: &Arc<Island>) -> Ports {
        let handles = island.account.tightest(LimitKind::Handles);
        Ports {
            shared: island.context.shared.clone(),
            island: Arc::downgrade(island),
            party: island.party,
            account: island.account.clone(),
            trust: island.trust.clone(),
            interrupt: island.interrupt.clone(),
            introduced: Introduced::default(),
            handles: handles.unwrap_or(HANDLES),
            held: 0,
            deferred_error: DeferredError::default(),
            stranded: Stranded::default(),
            is_frozen: false,
        }
    }

    /// Returns the guest's interpreter.
    pub(crate) fn own(&self) -> Result<Arc<Island>> {
        self.island
            .upgrade()
            .ok_or_else(|| wasmtime::format_err!("the caller is gone"))
    }

    /// Returns the interpreter with the number `id`, if this one may name it.
    pub(crate) fn named(&self, id: u64) -> Option<Arc<Island>> {
        let own = self.island.upgrade()?;
        match own.family.member(id) {
            Some(island) if own.may_name(&island) || self.introduced.has(&island) => Some(island),
            _ => None,
        }
    }
}

/// The guest that calls an import: its ports and its handles. The rest of its store, such as its memory, its files and
/// its limits on memory, is out of the imports' reach.
pub(crate) struct Caller<'a> {
    pub(super) ports: &'a mut Ports,
    pub(crate) table: &'a mut ResourceTable,
}

impl Deref for Caller<'_> {
    type Target = Ports;

    fn deref(&self) -> &Ports {
        self.ports
    }
}

impl DerefMut for Caller<'_> {
    fn deref_mut(&mut self) -> &mut Ports {
        self.ports
    }
}

impl Caller<'_> {
    /// Adds a handle for the guest, unless it has reached its limit on handles.
    ///
    /// The outer error traps the guest.
    pub(crate) fn hold<T: Send + 'static>(
        &mut self,
        entry: T,
    ) -> Result<std::result::Result<Resource<T>, Exceeded>> {
        let exceeded = Exceeded {
            kind: LimitKind::Handles,
            limit: self.handles,
            used: self.held.saturating_add(1),
            generation: self.account.generation(),
        };
        if self.held >= self.handles {
            return Ok(Err(exceeded));
        }
        match self.table.push(entry) {
            Ok(handle) => {
                self.held += 1;
                Ok(Ok(handle))
            }
            // Open files have taken the other entries.
            Err(ResourceTableError::Full) => Ok(Err(exceeded)),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds a handle as `hold` does, for calls that cannot report a limit: exceeding it stops the
    /// guest.
    pub(crate) fn must_hold<T: Send + 'static>(&mut self, entry: T) -> Result<Resource<T>> {
        self.hold(entry)?.map_err(wasmtime::Error::new)
    }

    /// Removes a handle from the guest.
    pub(crate) fn let_go<T: Send + 'static>(&mut self, handle: Resource<T>) -> Result<T> {
        let entry = self.table.delete(handle)?;
        self.held = self.held.saturating_sub(1);
        Ok(entry)
    }
}
