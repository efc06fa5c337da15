//! Access to a guest's memory: copying it to another instance, finding signal words, checking for
//! room.
//!
//! The linker adds functions to the guest that read and write its memory, `guest/src/image.wit`. A
//! copy writes only pages that differ, so its cost depends on what the original changed.

use super::alarm::Alarm;
use super::pages;
use crate::exec::yield_once;
use std::ops::Range;
use wasmtime::component::{self, Component, ComponentExportIndex, TypedFunc, WasmList};
use wasmtime::{Result, Store, format_err};

/// The number of bytes that are compared and copied before other tasks can run.
const BYTES_AT_ONCE: usize = 32 << 20;

/// The unit of memory growth, in bytes.
const GROWTH: usize = 64 << 10;

/// The functions of `image.wit`, found once.
pub(crate) struct GuestMemory {
    view: ComponentExportIndex,
    grow: ComponentExportIndex,
    room: ComponentExportIndex,
    aim: ComponentExportIndex,
    write: ComponentExportIndex,
    foreign: ComponentExportIndex,
    alarm: ComponentExportIndex,
}

/// The error of a failed copy. The instance with the error is not usable any longer.
pub(crate) enum Fault {
    Original(wasmtime::Error),
    Copy(wasmtime::Error),
    /// The system has no memory for the copy.
    NoMemory,
}

impl From<wasmtime::Error> for Fault {
    fn from(error: wasmtime::Error) -> Self {
        Fault::Copy(error)
    }
}

/// An instance of a guest, in its store.
pub(crate) struct Guest<'a, T: 'static> {
    pub(crate) store: &'a mut Store<T>,
    pub(crate) instance: &'a component::Instance,
}

impl GuestMemory {
    /// Finds the functions in `component`; returns `None` if another linker made it.
    pub(crate) fn find(component: &Component) -> Option<GuestMemory> {
        let interface = component.get_export_index(None, "archipel:image/image@0.1.0")?;
        let function = |name: &str| component.get_export_index(Some(&interface), name);
        Some(GuestMemory {
            view: function("view")?,
            grow: function("grow")?,
            room: function("room")?,
            aim: function("aim")?,
            write: function("write")?,
            foreign: function("foreign")?,
            alarm: function("alarm")?,
        })
    }

    /// Returns the addresses of the signal words in the memory of `guest`, and that memory.
    pub(crate) async fn alarm<T: Send>(
        &self,
        guest: &mut Guest<'_, T>,
    ) -> Result<(Alarm, WasmList<u8>)> {
        type Words = (WasmList<u8>, WasmList<u8>, WasmList<u8>);
        let alarm: TypedFunc<(), (Words,)> = guest
            .instance
            .get_typed_func(&mut *guest.store, self.alarm)?;
        // The lists are views, so their length costs nothing.
        let fuel = guest.store.hostcall_fuel();
        guest.store.set_hostcall_fuel(usize::MAX);
        let result = alarm.call_async(&mut *guest.store, ()).await;
        guest.store.set_hostcall_fuel(fuel);
        let ((breaker, signal, memory),) = result?;
        Ok((Alarm { breaker, signal }, memory))
    }

    /// Sets whether the handles in the memory of `guest` belong to another instance. The guest
    /// drops none of them while they do.
    pub(crate) async fn set_foreign<T: Send>(
        &self,
        guest: &mut Guest<'_, T>,
        foreign: bool,
    ) -> Result<()> {
        let set: TypedFunc<(bool,), ()> = guest
            .instance
            .get_typed_func(&mut *guest.store, self.foreign)?;
        set.call_async(&mut *guest.store, (foreign,)).await
    }

    /// Makes the memory of `copy`, which is new, equal to that of `original`, and returns it.
    pub(crate) async fn copy<T: Send>(
        &self,
        original: &mut Guest<'_, T>,
        copy: &mut Guest<'_, T>,
    ) -> std::result::Result<WasmList<u8>, Fault> {
        let from = self.view(original).await.map_err(Fault::Original)?;
        let from = from.as_le_slice(&*original.store);
        let mut to = self.view(copy).await?;
        let missing = from.len().saturating_sub(to.len()) / GROWTH;
        if missing > 0 {
            self.grow(copy, missing).await?;
            to = self.view(copy).await?;
        }
        if to.len() != from.len() {
            return Err(format_err!("the copy's memory has a different size").into());
        }
        let store = &mut *copy.store;
        let aim: TypedFunc<(u32,), ()> = copy.instance.get_typed_func(&mut *store, self.aim)?;
        let write: TypedFunc<(&[u8],), ()> =
            copy.instance.get_typed_func(&mut *store, self.write)?;
        for start in (0..from.len()).step_by(BYTES_AT_ONCE) {
            if start > 0 {
                yield_once().await;
            }
            let part = start..(start + BYTES_AT_ONCE).min(from.len());
            let from = &from[part.clone()];
            for run in differences(from, &to.as_le_slice(&*store)[part]) {
                let place = u32::try_from(start + run.start).map_err(wasmtime::Error::from)?;
                aim.call_async(&mut *store, (place,)).await?;
                write.call_async(&mut *store, (&from[run],)).await?;
            }
        }
        Ok(to)
    }

    async fn grow<T: Send>(
        &self,
        guest: &mut Guest<'_, T>,
        pages: usize,
    ) -> std::result::Result<(), Fault> {
        let store = &mut *guest.store;
        let grow: TypedFunc<(u32,), (bool,)> =
            guest.instance.get_typed_func(&mut *store, self.grow)?;
        let pages = u32::try_from(pages).map_err(wasmtime::Error::from)?;
        match grow.call_async(&mut *store, (pages,)).await? {
            (true,) => Ok(()),
            (false,) => Err(Fault::NoMemory),
        }
    }

    /// Returns whether the guest can allocate `bytes` now.
    pub(crate) async fn has_room<T: Send>(
        &self,
        guest: &mut Guest<'_, T>,
        bytes: u32,
    ) -> Result<bool> {
        let store = &mut *guest.store;
        let room: TypedFunc<(u32,), (bool,)> =
            guest.instance.get_typed_func(&mut *store, self.room)?;
        let (there,) = room.call_async(&mut *store, (bytes,)).await?;
        Ok(there)
    }

    /// Returns a view of the memory of `guest`.
    async fn view<T: Send>(&self, guest: &mut Guest<'_, T>) -> Result<WasmList<u8>> {
        let view: TypedFunc<(), (WasmList<u8>,)> = guest
            .instance
            .get_typed_func(&mut *guest.store, self.view)?;
        // The list is a view, so its length costs nothing.
        let fuel = guest.store.hostcall_fuel();
        guest.store.set_hostcall_fuel(usize::MAX);
        let result = view.call_async(&mut *guest.store, ()).await;
        guest.store.set_hostcall_fuel(fuel);
        Ok(result?.0)
    }
}

/// Returns the ranges in which `from` and `to`, which have the same length, differ, in whole pages.
fn differences(from: &[u8], to: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for candidates in pages::written(from) {
        for start in candidates.clone().step_by(pages::SMALLEST) {
            let page = start..(start + pages::SMALLEST).min(candidates.end);
            if from[page.clone()] == to[page.clone()] {
                continue;
            }
            match found.last_mut() {
                Some(last) if last.end == page.start => last.end = page.end,
                _ => found.push(page),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_differing_pages_form_one_range() {
        let from = vec![0_u8; 10 * pages::SMALLEST];
        let mut to = from.clone();
        for page in [0, 3, 4, 9] {
            to[page * pages::SMALLEST + 17] = 1;
        }
        let runs: Vec<_> = differences(&to, &from)
            .into_iter()
            .map(|run| run.start / pages::SMALLEST..run.end / pages::SMALLEST)
            .collect();
        assert_eq!(runs, [0..1, 3..5, 9..10]);
        assert!(differences(&from, &from).is_empty());
    }
}
