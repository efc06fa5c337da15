//! The descriptors that an interpreter has open.

use crate::descriptors::Held;
use crate::state::State;
use crate::telemetry;
use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Weak};
use wasmtime::component::Resource;
use wasmtime_wasi::p2::TcpSocket;

/// What is counted for its files and folders.  A stream into a file keeps it open when its descriptor is gone, so
/// what counts is whether the file is.
#[derive(Default)]
pub(super) struct Descriptors {
    files: Vec<(Weak<File>, Held)>,
    /// By the number of the socket.
    sockets: HashMap<u32, Arc<Held>>,
    /// For the granted directories.
    pub(super) granted: Option<Held>,
    /// At this size, those that were closed are looked for.
    clean_at: usize,
}

/// With fewer than these it is not worth while to look.
const FEW: usize = 16;

impl Descriptors {
    /// Counts a file for as long as it is open.
    pub(super) fn opened(&mut self, file: &Arc<File>, held: Held) {
        if self.files.len() >= self.clean_at.max(FEW) {
            self.clean();
            self.clean_at = 2 * self.files.len();
        }
        self.files.push((Arc::downgrade(file), held));
    }

    fn clean(&mut self) {
        self.files.retain(|(file, _)| file.strong_count() > 0);
    }
}

impl State {
    /// Counts one descriptor more; `None` where the guest may have no more.
    pub(super) fn another_descriptor(&mut self) -> Option<Held> {
        let island = self.island.upgrade()?;
        let held = Held::take(&island.family, 1).or_else(|| {
            self.meters.descriptors.clean();
            Held::take(&island.family, 1)
        });
        if held.is_none() {
            telemetry::few_descriptors(&island);
        }
        held
    }

    /// Counts a socket until it is closed.
    pub(super) fn opened_socket(&mut self, socket: &Resource<TcpSocket>, held: Held) {
        let sockets = &mut self.meters.descriptors.sockets;
        sockets.insert(socket.rep(), Arc::new(held));
    }

    /// What is counted for a socket.
    pub(super) fn held_by_socket(&self, socket: &Resource<TcpSocket>) -> Option<Arc<Held>> {
        self.meters.descriptors.sockets.get(&socket.rep()).cloned()
    }

    /// Counts a socket no more.
    pub(super) fn closed_socket(&mut self, number: u32) {
        self.meters.descriptors.sockets.remove(&number);
    }
}
