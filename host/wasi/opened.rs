//! Descriptors that an interpreter has open.

use crate::island::state::State;
use crate::telemetry;
use crate::wasi::descriptors::Held;
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::TcpSocket;

/// The charges for its sockets. Files and folders hold theirs themselves.
#[derive(Default)]
pub(super) struct Descriptors {
    /// By the table index of the socket.
    sockets: HashMap<u32, Arc<Held>>,
}

impl State {
    /// Charges one descriptor, or returns `None` if the guest has reached its share.
    ///
    /// It waits for descriptors that the guest has already released, which the blocking pool
    /// closes.
    pub(super) async fn another_descriptor(&mut self) -> Option<Held> {
        let island = self.island.upgrade()?;
        let held = Held::take_one(&island.family).await;
        if held.is_none() {
            telemetry::few_descriptors(&island);
        }
        held
    }

    /// Charges one descriptor as [`State::another_descriptor`] does, without waiting.
    pub(super) fn another_descriptor_now(&mut self) -> Option<Held> {
        let island = self.island.upgrade()?;
        let held = Held::take(&island.family, 1);
        if held.is_none() {
            telemetry::few_descriptors(&island);
        }
        held
    }

    /// Charges a socket until it is closed.
    pub(super) fn opened_socket(&mut self, socket: &Resource<TcpSocket>, held: Held) {
        let sockets = &mut self.meters.descriptors.sockets;
        sockets.insert(socket.rep(), Arc::new(held));
    }

    /// Returns the charge for a socket.
    pub(super) fn held_by_socket(&self, socket: &Resource<TcpSocket>) -> Option<Arc<Held>> {
        self.meters.descriptors.sockets.get(&socket.rep()).cloned()
    }

    /// Releases the charge for a socket.
    pub(super) fn closed_socket(&mut self, number: u32) {
        self.meters.descriptors.sockets.remove(&number);
    }
}
