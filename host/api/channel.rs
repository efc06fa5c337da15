//! Channel ends that a host holds.

mod capacity;
mod error;
mod receiver;
mod select;
mod sender;

use crate::exchange::Exchange;
use crate::exchange::channel_meta::{ChannelMeta, Unbound};
use crate::exchange::end::End;
use crate::island::context::Context;
use archipel_core::broker::PartyId;
use std::fmt;
use std::sync::Arc;

pub use capacity::Capacity;
pub use error::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
pub use receiver::Receiver;
pub use select::{Select, Selected};
pub use sender::Sender;

/// Creates a channel with both ends held by the host.
pub(crate) fn create(
    context: &Arc<Context>,
    capacity: Capacity,
) -> crate::Result<(Sender, Receiver)> {
    let meta = ChannelMeta::new(None, Unbound::Keep);
    let (sender, receiver) = context
        .exchange
        .create_channel(capacity.into(), meta, PartyId::HOST)
        .ok_or_else(|| crate::Error::Internal("out of channel numbers".into()))?;
    let host_end = |end| HostEnd {
        context: context.clone(),
        end: Arc::new(end),
    };
    Ok((
        Sender::new(host_end(sender)),
        Receiver::new(host_end(receiver)),
    ))
}

/// An end, with the runtime whose timers its waits use.
#[derive(Clone)]
struct HostEnd {
    context: Arc<Context>,
    end: Arc<End>,
}

impl HostEnd {
    fn exchange(&self) -> &Arc<Exchange> {
        self.end.exchange()
    }

    fn into_flight(self) -> Option<End> {
        self.end.duplicate(PartyId::FLIGHT)
    }

    fn close(&self) {
        self.exchange().with(|broker, effects| {
            broker.close(self.end.channel, effects);
        });
    }
}

impl fmt::Debug for HostEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.end.channel)
    }
}
