//! Descriptors that an interpreter has open.

use crate::telemetry;
use crate::wasi::Wasi;
use crate::wasi::descriptors::DescriptorCharge;
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::TcpSocket;

/// The charges for its sockets. Files and folders hold theirs themselves.
#[derive(Default)]
pub(super) struct SocketCharges {
    /// By the table index of the socket.
    charges: HashMap<u32, Arc<DescriptorCharge>>,
}

impl Wasi {
    /// Charges one descriptor, or returns `None` if the guest has reached its share.
    ///
    /// It waits for descriptors that the guest has already released, which the blocking pool
    /// closes.
    pub(super) async fn another_descriptor(&mut self) -> Option<DescriptorCharge> {
        let held = self.descriptors.take_one().await;
        if held.is_none() {
            telemetry::few_descriptors(&self.subject);
        }
        held
    }

    /// Charges one descriptor as [`Wasi::another_descriptor`] does, without waiting.
    pub(super) fn another_descriptor_now(&mut self) -> Option<DescriptorCharge> {
        let held = self.descriptors.take(1);
        if held.is_none() {
            telemetry::few_descriptors(&self.subject);
        }
        held
    }

    /// Charges a socket until it is closed.
    pub(super) fn opened_socket(&mut self, socket: &Resource<TcpSocket>, held: DescriptorCharge) {
        let sockets = &mut self.files.sockets.charges;
        sockets.insert(socket.rep(), Arc::new(held));
    }

    /// Returns the charge for a socket.
    pub(super) fn held_by_socket(
        &self,
        socket: &Resource<TcpSocket>,
    ) -> Option<Arc<DescriptorCharge>> {
        self.files.sockets.charges.get(&socket.rep()).cloned()
    }

    /// Releases the charge for a socket.
    pub(super) fn closed_socket(&mut self, number: u32) {
        self.files.sockets.charges.remove(&number);
    }
}
