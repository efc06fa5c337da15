//! The way of a message into the memory of the guest that receives it.
//!
//! Until it is there it belongs to its channel: a guest that dies while it makes room for a
//! message, or that has no room for it, does not take it along.  So what is lowered is not the
//! message but an [`Arrival`], which owns it, and gives it back unless it was lowered to its end.

use super::message::{NotSent, luggage};
use crate::bindings::archipel::island::channels::Luggage;
use crate::broker::Origin;
use crate::exchange::{Exchange, Message};
use crate::state::State;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::Result;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext,
};
use wasmtime::component::{ComponentType, Lower};

/// A message that was received, and goes back to its channel when it is dropped before it arrived.
struct Held {
    exchange: Arc<Exchange>,
    message: Option<Message>,
    origin: Option<Origin>,
    arrived: AtomicBool,
}

impl Drop for Held {
    fn drop(&mut self) {
        if *self.arrived.get_mut() {
            return;
        }
        if let (Some(message), Some(origin)) = (self.message.take(), self.origin) {
            self.exchange.with(|broker, effects| {
                broker.redeliver(origin, message, effects);
            });
        }
    }
}

/// A received message as a guest gets it: in the component's eyes a `channels.message`.
pub(super) struct Arrival {
    held: Held,
    luggage: Option<Luggage>,
}

impl Arrival {
    /// Gets a message ready that was received from `origin`.
    ///
    /// The inner error says that the receiver does not trust the sender as the message needs it;
    /// such a message counts as received.
    pub(super) fn new(
        state: &mut State,
        message: Message,
        origin: Option<Origin>,
    ) -> Result<Result<Self, NotSent>> {
        let mut held = Held {
            exchange: state.context.exchange.clone(),
            message: None,
            origin,
            arrived: AtomicBool::new(false),
        };
        // Held while its ends are handed over, which fails when the guest has too many.
        let luggage = luggage(state, held.message.insert(message))?;
        Ok(match luggage {
            Ok(luggage) => Ok(Arrival { held, luggage }),
            Err(refusal) => {
                *held.arrived.get_mut() = true;
                Err(refusal)
            }
        })
    }

    fn parts(&self) -> Parts<'_> {
        let message = self.held.message.as_ref();
        let body = message.map_or(&[][..], |message| &message.body);
        (body, &self.luggage)
    }

    /// It is in the guest's memory now.
    fn note(&self) {
        self.held.arrived.store(true, Ordering::Relaxed);
    }
}

/// What it is lowered as.
type Parts<'a> = (&'a [u8], &'a Option<Luggage>);

// Everything about the type is what wasmtime says of the pair.
#[expect(
    unsafe_code,
    reason = "only a type of one's own learns that it was lowered to its end"
)]
unsafe impl ComponentType for Arrival {
    type Lower = <Parts<'static> as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <Parts<'static> as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <Parts<'static> as ComponentType>::typecheck(ty, types)
    }
}

#[expect(
    unsafe_code,
    reason = "only a type of one's own learns that it was lowered to its end"
)]
unsafe impl Lower for Arrival {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        self.parts().linear_lower_to_flat(cx, ty, dst)?;
        self.note();
        Ok(())
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        self.parts().linear_lower_to_memory(cx, ty, offset)?;
        self.note();
        Ok(())
    }
}
