//! The descriptors that an interpreter has open.

use crate::descriptors::Held;
use crate::state::State;
use crate::telemetry;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::TcpSocket;

/// What is counted for its sockets.  Files and folders hold their descriptors themselves.
#[derive(Default)]
pub(super) struct Descriptors {
    /// By the number of the socket.
    sockets: Vec<(u32, Held)>,
}

/// With fewer than these it is not worth while to look for closed ones.
const FEW: usize = 16;

impl State {
    /// Counts one descriptor more; `None` where the guest may have no more.
    pub(super) fn another_descriptor(&mut self) -> Option<Held> {
        let island = self.island.upgrade()?;
        let held = Held::take(&island.family, 1).or_else(|| {
            self.give_back_closed();
            Held::take(&island.family, 1)
        });
        if held.is_none() {
            telemetry::few_descriptors(&island);
        }
        held
    }

    /// Counts a socket for as long as it is open.
    pub(super) fn opened_socket(&mut self, socket: &Resource<TcpSocket>, held: Held) {
        let sockets = &mut self.meters.descriptors.sockets;
        // Another one may have had the number before.
        sockets.retain(|(number, _)| *number != socket.rep());
        sockets.push((socket.rep(), held));
        if sockets.len() >= FEW && sockets.len().is_power_of_two() {
            self.give_back_closed();
        }
    }

    /// Gives back what is held for what was closed.
    fn give_back_closed(&mut self) {
        let descriptors = &mut self.meters.descriptors;
        descriptors.sockets.retain(|(number, _)| {
            let socket = Resource::<TcpSocket>::new_borrow(*number);
            self.table.get(&socket).is_ok()
        });
    }
}
