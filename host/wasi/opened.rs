//! The descriptors that an interpreter has open.

use crate::descriptors::Held;
use crate::state::State;
use crate::telemetry;
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::TcpSocket;

/// What is counted for its sockets.  Files and folders hold their descriptors themselves.
#[derive(Default)]
pub(super) struct Descriptors {
    /// By the number of the socket.
    sockets: HashMap<u32, Arc<Held>>,
}

impl State {
    /// Counts one descriptor more; `None` where the guest may have no more.
    ///
    /// It waits for those that the guest has let go of already, which are closed beside the workers.
    pub(super) async fn another_descriptor(&mut self) -> Option<Held> {
        let island = self.island.upgrade()?;
        let held = Held::take_one(&island.family).await;
        if held.is_none() {
            telemetry::few_descriptors(&island);
        }
        held
    }

    /// As [`State::another_descriptor`], but it waits for nothing.
    pub(super) fn another_descriptor_now(&mut self) -> Option<Held> {
        let island = self.island.upgrade()?;
        let held = Held::take(&island.family, 1);
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
