//! The way of a message into the memory of the guest that receives it.
//!
//! Until it is there it belongs to its channel: a guest that dies while it makes room for a
//! message, or that has no room for it, does not take it along.  So what is lowered is not the
//! message but an [`Arrival`], which owns it, and gives it back unless it was lowered to its end.

use super::message::{NotSent, luggage};
use crate::bindings::archipel::island::channels::{End, Luggage};
use crate::exchange::{Exchange, Form, Message};
use crate::state::State;
use archipel_core::broker::Origin;
use archipel_core::encoding;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::Result;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext,
};
use wasmtime::component::{ComponentType, Lower};

/// A message of this size finds room in what a guest keeps free.
const SMALL: usize = 64 << 10;

/// What a guest takes for an object in a container at the least.
const POINTER: usize = 4;

/// The old size that makes an allocation a question: see `guest/src/room.rs`.
const ROOM: usize = 1;

/// A message that was received, and goes back to its channel when it is dropped before it arrived.
struct Held {
    exchange: Arc<Exchange>,
    message: Option<Message>,
    origin: Option<Origin>,
    arrived: AtomicBool,
    #[cfg(test)]
    party: archipel_core::broker::PartyId,
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

impl Held {
    fn new(state: &State, message: Message, origin: Option<Origin>) -> Self {
        Held {
            exchange: state.context.exchange.clone(),
            message: Some(message),
            origin,
            arrived: AtomicBool::new(false),
            #[cfg(test)]
            party: state.party,
        }
    }

    fn body(&self) -> &[u8] {
        let message = self.message.as_ref();
        message.map_or(&[], |message| &message.body)
    }

    /// Asks the guest's allocator for room for the objects of a large message, which are made once it has arrived
    /// and would be lost then.
    fn ask_for_room<T>(&self, cx: &mut LowerContext<'_, T>) -> Result<()> {
        let Some(message) = &self.message else {
            return Ok(());
        };
        let size = message.body.len();
        if size > SMALL {
            let besides = match encoding::is_wide(&message.body) {
                // It is decoded into a buffer that grows.
                true => size.saturating_mul(2),
                false => message.objects.saturating_mul(POINTER),
            };
            cx.realloc(0, ROOM, 1, size.saturating_add(besides))?;
        }
        Ok(())
    }

    /// It is in the guest's memory now.
    fn note(&self) {
        self.arrived.store(true, Ordering::Relaxed);
        #[cfg(test)]
        self.exchange.points.arrived(self.body());
    }

    /// A moment at which a test can have the lowering fail, as it does where there is no memory for it.
    #[cfg(test)]
    fn passes(&self) -> Result<()> {
        use crate::points::{Point, Verdict};
        match self.exchange.points.pass(self.party, Point::Lowers) {
            Verdict::Fail => wasmtime::bail!("a test lets it fail"),
            Verdict::GoOn | Verdict::Stay => Ok(()),
        }
    }
}

/// Ends that were to travel with messages for which a guest had no room, until they are taken from it.
pub(crate) type Stranded = Arc<Mutex<Vec<End>>>;

/// A received message as a guest gets it: in the component's eyes a `channels.message`.
pub(super) struct Arrival {
    held: Held,
    luggage: Option<Luggage>,
    stranded: Stranded,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if !*self.held.arrived.get_mut()
            && let Some(luggage) = self.luggage.take()
        {
            let mut stranded = self.stranded.lock().unwrap_or_else(PoisonError::into_inner);
            stranded.extend(luggage.ends);
        }
    }
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
        // Held while its ends are handed over, which fails when the guest has too many.
        let held = Held::new(state, message, origin);
        let luggage = match &held.message {
            Some(message) => luggage(state, message)?,
            None => Ok(None),
        };
        Ok(match luggage {
            Ok(luggage) => Ok(Arrival {
                held,
                luggage,
                stranded: state.stranded.clone(),
            }),
            // It stays in its channel, for when there is room for what travels with it.
            Err(refusal @ NotSent::Limit(_)) => Err(refusal),
            Err(refusal) => {
                held.note();
                Err(refusal)
            }
        })
    }

    fn parts(&self) -> Parts<'_> {
        (self.held.body(), &self.luggage)
    }

    fn held(&self) -> &Held {
        &self.held
    }
}

/// What it is lowered as.
type Parts<'a> = (&'a [u8], &'a Option<Luggage>);

/// The body of a received message that has no luggage: in the component's eyes a `list<u8>`.
pub(super) struct Body(Held);

impl Body {
    /// Gets a message ready that was received from `origin`; if it is not plain, it goes back there.
    pub(super) fn new(state: &State, message: Message, origin: Option<Origin>) -> Option<Self> {
        let is_plain = message.form == Form::Plain && message.ends.is_empty();
        let held = Held::new(state, message, origin);
        is_plain.then_some(Body(held))
    }

    fn parts(&self) -> &[u8] {
        self.0.body()
    }

    fn held(&self) -> &Held {
        &self.0
    }
}

/// Lowers a type as its parts.  Everything about it is what wasmtime says of those.
macro_rules! lower {
    ($type:ty: $parts:ty) => {
        #[expect(
            unsafe_code,
            reason = "only a type of one's own learns that it was lowered to its end"
        )]
        unsafe impl ComponentType for $type {
            type Lower = <$parts as ComponentType>::Lower;

            const ABI: CanonicalAbiInfo = <$parts as ComponentType>::ABI;

            fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
                <$parts as ComponentType>::typecheck(ty, types)
            }
        }

        #[expect(
            unsafe_code,
            reason = "only a type of one's own learns that it was lowered to its end"
        )]
        unsafe impl Lower for $type {
            fn linear_lower_to_flat<T>(
                &self,
                cx: &mut LowerContext<'_, T>,
                ty: InterfaceType,
                dst: &mut MaybeUninit<Self::Lower>,
            ) -> Result<()> {
                #[cfg(test)]
                self.held().passes()?;
                self.held().ask_for_room(cx)?;
                self.parts().linear_lower_to_flat(cx, ty, dst)?;
                #[cfg(test)]
                self.held().passes()?;
                self.held().note();
                Ok(())
            }

            fn linear_lower_to_memory<T>(
                &self,
                cx: &mut LowerContext<'_, T>,
                ty: InterfaceType,
                offset: usize,
            ) -> Result<()> {
                #[cfg(test)]
                self.held().passes()?;
                self.held().ask_for_room(cx)?;
                self.parts().linear_lower_to_memory(cx, ty, offset)?;
                #[cfg(test)]
                self.held().passes()?;
                self.held().note();
                Ok(())
            }
        }
    };
}

lower!(Arrival: Parts<'static>);
lower!(Body: &'static [u8]);

/// A result that is lowered as another one where the guest has no room for it.
pub(super) struct Fits<R> {
    result: R,
    instead: R,
}

impl<R> Fits<R> {
    pub(super) fn or(result: R, instead: R) -> Self {
        Fits { result, instead }
    }
}

/// Whether lowering failed since the guest's allocator had no memory: it returns an address beyond all of it then,
/// before anything is written (`guest/src/room.rs`).
fn had_no_room(error: &wasmtime::Error) -> bool {
    error.downcast_ref::<wasmtime::Trap>().is_none()
        && error
            .root_cause()
            .to_string()
            .contains("beyond end of memory")
}

#[expect(
    unsafe_code,
    reason = "everything about it is what wasmtime says of the type that it stands for"
)]
unsafe impl<R: ComponentType> ComponentType for Fits<R> {
    type Lower = R::Lower;

    const ABI: CanonicalAbiInfo = R::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        R::typecheck(ty, types)
    }
}

#[expect(
    unsafe_code,
    reason = "everything about it is what wasmtime says of the type that it stands for"
)]
unsafe impl<R: Lower> Lower for Fits<R> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        match self.result.linear_lower_to_flat(cx, ty, dst) {
            Err(error) if had_no_room(&error) => self.instead.linear_lower_to_flat(cx, ty, dst),
            lowered => lowered,
        }
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        match self.result.linear_lower_to_memory(cx, ty, offset) {
            Err(error) if had_no_room(&error) => {
                self.instead.linear_lower_to_memory(cx, ty, offset)
            }
            lowered => lowered,
        }
    }
}
