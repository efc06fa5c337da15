//! Delivery of messages into the memory of the receiving guest.
//!
//! A message belongs to its channel until it is completely copied: a guest that dies during the
//! copy, or has no room for the message, does not lose it. So the host lowers an [`Arrival`], which
//! owns the message and returns it to the channel when dropped, unless lowering was completed.

use crate::exchange::Exchange;
use crate::exchange::message::{Form, Message};
use crate::island::bindings::archipel::island::channels::Attachments;
use crate::island::caller::{Caller, Ports, Stranded};
use crate::island::not_sent::NotSent;
use crate::island::to_guest::{SMALL_MESSAGE, attach};
use crate::lock::lock;
use archipel_core::broker::Origin;
use archipel_core::encoding;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::Result;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext,
};
use wasmtime::component::{ComponentType, Lower};

/// The minimum memory that a guest needs for an object in a container.
const POINTER: usize = 4;

/// The old size that marks an allocation as a check for room: see `guest/src/wat/room.wat`.
const ROOM_CHECK: usize = 1;

/// A received message that returns to its channel when dropped before it was delivered.
struct Undelivered {
    exchange: Arc<Exchange>,
    message: Option<Message>,
    origin: Option<Origin>,
    arrived: AtomicBool,
    #[cfg(test)]
    party: archipel_core::broker::PartyId,
}

impl Drop for Undelivered {
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

impl Undelivered {
    fn new(state: &Ports, message: Message, origin: Option<Origin>) -> Self {
        Undelivered {
            exchange: state.shared.exchange.clone(),
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

    /// Checks with the guest's allocator that there is room for the objects of a large message,
    /// which are made after delivery, when a failure would lose the message.
    fn ask_for_room<T>(&self, cx: &mut LowerContext<'_, T>) -> Result<()> {
        let Some(message) = &self.message else {
            return Ok(());
        };
        let size = message.body.len();
        if size > SMALL_MESSAGE {
            let for_objects = match encoding::is_wide(&message.body) {
                // It is decoded into a growing buffer.
                true => size.saturating_mul(2),
                false => message.objects.saturating_mul(POINTER),
            };
            cx.realloc(0, ROOM_CHECK, 1, size.saturating_add(for_objects))?;
        }
        Ok(())
    }

    /// Lowers the message with `lower`, and records that it is in the guest's memory.
    fn deliver<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        lower: impl FnOnce(&mut LowerContext<'_, T>) -> Result<()>,
    ) -> Result<()> {
        #[cfg(test)]
        self.fail_in_a_test()?;
        self.ask_for_room(cx)?;
        lower(cx)?;
        #[cfg(test)]
        self.fail_in_a_test()?;
        self.note_arrival();
        Ok(())
    }

    /// Records that the message is in the guest's memory.
    fn note_arrival(&self) {
        self.arrived.store(true, Ordering::Relaxed);
        #[cfg(test)]
        self.exchange.points.arrived(self.body());
    }

    /// Fails if a test fails the lowering here, as missing memory does.
    #[cfg(test)]
    fn fail_in_a_test(&self) -> Result<()> {
        use crate::failpoints::{Point, Verdict};
        match self.exchange.points.pass(self.party, Point::Lowers) {
            Verdict::Fail => wasmtime::bail!("a test lets it fail"),
            Verdict::GoOn | Verdict::Stay => Ok(()),
        }
    }
}

/// A received message for the guest: a `channels.message` in component types.
pub(super) struct Arrival {
    held: Undelivered,
    attachments: Option<Attachments>,
    stranded: Stranded,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if !*self.held.arrived.get_mut()
            && let Some(attachments) = self.attachments.take()
        {
            let mut stranded = lock(&self.stranded);
            stranded.extend(attachments.ends);
        }
    }
}

impl Arrival {
    /// Prepares a message that was received from `origin`.
    ///
    /// The inner error means that the receiver does not trust the sender of a trusted message, which
    /// then counts as received, or that the receiver has too many handles for the ends; the message
    /// then stays in its channel.
    pub(super) fn new(
        state: &mut Caller<'_>,
        message: Message,
        origin: Option<Origin>,
    ) -> Result<Result<Self, NotSent>> {
        // Owned first, since adding its ends to the guest's table fails if the guest has too many
        // handles.
        let held = Undelivered::new(state, message, origin);
        let attachments = match &held.message {
            Some(message) => attach(state, message)?,
            None => Ok(None),
        };
        Ok(match attachments {
            Ok(attachments) => Ok(Arrival {
                held,
                attachments,
                stranded: state.stranded.clone(),
            }),
            // Dropping `held` returns the message to its channel.
            Err(refusal @ NotSent::Limit(_)) => Err(refusal),
            Err(refusal) => {
                held.note_arrival();
                Err(refusal)
            }
        })
    }

    fn parts(&self) -> Parts<'_> {
        (self.held.body(), &self.attachments)
    }

    fn held(&self) -> &Undelivered {
        &self.held
    }
}

/// The parts as which it is lowered.
type Parts<'a> = (&'a [u8], &'a Option<Attachments>);

/// The body of a received plain value or array without attachments: a `list<u8>` in component types.
pub(super) struct BareArrival(Undelivered);

impl BareArrival {
    /// Prepares a message that was received from `origin`; one that is neither plain nor an array returns there.
    pub(super) fn new(state: &Ports, message: Message, origin: Option<Origin>) -> Option<Self> {
        let is_bare = match message.form {
            Form::Plain => message.ends.is_empty(),
            Form::Escaped => message.ends.is_empty() && encoding::is_array(&message.body),
            _ => false,
        };
        let held = Undelivered::new(state, message, origin);
        is_bare.then_some(BareArrival(held))
    }

    fn parts(&self) -> &[u8] {
        self.0.body()
    }

    fn held(&self) -> &Undelivered {
        &self.0
    }
}

/// Implements lowering of a type by lowering its parts. The ABI, the type check and the lowering
/// are wasmtime's for the parts.
macro_rules! lower {
    ($type:ty: $parts:ty) => {
        #[expect(
            unsafe_code,
            reason = "only a custom impl can tell that lowering was completed"
        )]
        // SAFETY: the lowered form, its ABI and the type check are those of `$parts`, whose
        // implementation is wasmtime's, so they agree with each other.
        unsafe impl ComponentType for $type {
            type Lower = <$parts as ComponentType>::Lower;

            const ABI: CanonicalAbiInfo = <$parts as ComponentType>::ABI;

            fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
                <$parts as ComponentType>::typecheck(ty, types)
            }
        }

        #[expect(
            unsafe_code,
            reason = "only a custom impl can tell that lowering was completed"
        )]
        // SAFETY: both methods lower `$parts` with wasmtime's implementation, to the place that they
        // were given, and write nothing else. The type is that of the `ComponentType` above.
        unsafe impl Lower for $type {
            fn linear_lower_to_flat<T>(
                &self,
                cx: &mut LowerContext<'_, T>,
                ty: InterfaceType,
                dst: &mut MaybeUninit<Self::Lower>,
            ) -> Result<()> {
                self.held()
                    .deliver(cx, |cx| self.parts().linear_lower_to_flat(cx, ty, dst))
            }

            fn linear_lower_to_memory<T>(
                &self,
                cx: &mut LowerContext<'_, T>,
                ty: InterfaceType,
                offset: usize,
            ) -> Result<()> {
                self.held()
                    .deliver(cx, |cx| self.parts().linear_lower_to_memory(cx, ty, offset))
            }
        }
    };
}

lower!(Arrival: Parts<'static>);
lower!(BareArrival: &'static [u8]);

/// A result that is replaced by another one if the guest has no room for it.
pub(super) struct Fits<R> {
    result: R,
    instead: R,
}

impl<R> Fits<R> {
    pub(super) fn or(result: R, instead: R) -> Self {
        Fits { result, instead }
    }
}

/// Returns whether lowering failed because the guest's allocator had no memory: it then returns an
/// address beyond the end of memory, before anything is written (`guest/src/wat/room.wat`).
fn had_no_room(error: &wasmtime::Error) -> bool {
    error.downcast_ref::<wasmtime::Trap>().is_none()
        && error
            .root_cause()
            .to_string()
            .contains("beyond end of memory")
}

#[expect(unsafe_code, reason = "delegates everything to the type that it wraps")]
// SAFETY: everything is that of `R`, so it agrees.
unsafe impl<R: ComponentType> ComponentType for Fits<R> {
    type Lower = R::Lower;

    const ABI: CanonicalAbiInfo = R::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        R::typecheck(ty, types)
    }
}

#[expect(unsafe_code, reason = "delegates everything to the type that it wraps")]
// SAFETY: both methods lower a value of `R`, whose form this type has, to the place that they were
// given. The second lowering overwrites what a failed first one wrote.
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
