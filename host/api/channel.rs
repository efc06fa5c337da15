//! Channel ends that a host holds.

mod capacity;
mod error;

use crate::api::interpreter::{decoded, to_value};
use crate::exchange::Exchange;
use crate::exchange::channel_meta::{ChannelMeta, Unbound};
use crate::exchange::end::End;
use crate::exchange::message::Message;
use crate::island::context::Context;
use crate::telemetry;
use archipel_core::broker::{Case, Outcome, PartyId};
use archipel_core::encoding::{self, Refusal};
use archipel_core::value::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use capacity::Capacity;
pub use error::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};

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
    Ok((Sender(host_end(sender)), Receiver(host_end(receiver))))
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

/// The sending end of a channel, held by the host.
///
/// Clones are the same end. When the last sender is dropped, in the host and in all interpreters, receivers
/// get the queued values and then see the channel closed.
///
/// Messages from the host can be up to 64 MiB in encoded form. They outlive the sender.
///
/// # Examples
///
/// ```no_run
/// # let runtime = archipel::Runtime::new()?;
/// use archipel::{Capacity, TrySendError};
///
/// let (sender, receiver) = runtime.channel(Capacity::Bounded(1))?;
/// sender.send(1)?;
/// assert!(matches!(sender.try_send(2), Err(TrySendError::Full(_))));
/// assert_eq!(receiver.recv()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sender(HostEnd);

impl Sender {
    /// Sends `value`. Blocks until the value is queued or, at a rendezvous, received.
    ///
    /// # Errors
    ///
    /// Returns [`SendError::Closed`] if the channel is closed or has no receivers, and [`SendError::Refused`]
    /// if the value cannot be sent. Both return the value.
    pub fn send(&self, value: impl Into<Value>) -> Result<(), SendError> {
        self.0.context.workers.wait(self.put_at_last(value.into()))
    }

    /// Does what [`send`](Self::send) does, without blocking the thread.
    ///
    /// Dropping the future cancels the send: the value was either sent, or is dropped.
    pub async fn send_async(&self, value: impl Into<Value>) -> Result<(), SendError> {
        self.put_at_last(value.into()).await
    }

    /// Sends `value` if this is possible without waiting.
    ///
    /// # Errors
    ///
    /// Returns [`TrySendError::Full`] if the send would have to wait, [`TrySendError::Closed`] if the channel
    /// is closed or has no receivers, and [`TrySendError::Refused`] if the value cannot be sent. All return
    /// the value.
    pub fn try_send(&self, value: impl Into<Value>) -> Result<(), TrySendError> {
        let sent = self.put(value.into(), Some(Duration::ZERO));
        self.0
            .context
            .workers
            .wait(sent)
            .map_err(TrySendError::from)
    }

    /// Sends `value`, blocking for at most `limit` on the monotonic clock.
    ///
    /// # Errors
    ///
    /// Returns [`SendTimeoutError::Timeout`] if the value was not sent in time, [`SendTimeoutError::Closed`]
    /// if the channel is closed or has no receivers, and [`SendTimeoutError::Refused`] if the value cannot be
    /// sent. All return the value.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::{Capacity, SendTimeoutError};
    /// use std::time::Duration;
    ///
    /// let (sender, _receiver) = runtime.channel(Capacity::Rendezvous)?;
    /// let sent = sender.send_timeout("hello", Duration::from_millis(10));
    /// assert!(matches!(sent, Err(SendTimeoutError::Timeout(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_timeout(
        &self,
        value: impl Into<Value>,
        limit: Duration,
    ) -> Result<(), SendTimeoutError> {
        let sent = self.put(value.into(), Some(limit));
        self.0.context.workers.wait(sent)
    }

    /// Closes the channel for all senders. Receivers still get the queued values. Closing a closed channel has
    /// no effect.
    pub fn close(&self) {
        self.0.close();
    }

    /// Sends a value without a time limit.
    async fn put_at_last(&self, value: Value) -> Result<(), SendError> {
        self.put(value, None).await.map_err(|error| match error {
            // Without a time limit, `Timeout` means only that the wait could not begin.
            SendTimeoutError::Timeout(value) | SendTimeoutError::Closed(value) => {
                SendError::Closed(value)
            }
            SendTimeoutError::Refused { value, refusal } => SendError::Refused { value, refusal },
        })
    }

    async fn put(&self, value: Value, limit: Option<Duration>) -> Result<(), SendTimeoutError> {
        let encoded = match encoding::encode(&value) {
            Ok(encoded) if encoded.handles == 0 => encoded,
            Ok(_) => {
                let refusal = Refusal::NoSuchHandle {
                    index: 0,
                    handles: 0,
                };
                return Err(SendTimeoutError::Refused { value, refusal });
            }
            Err(refusal) => return Err(SendTimeoutError::Refused { value, refusal }),
        };
        let message = Message::new(encoded, Vec::new());
        let limit_in_bytes = archipel_core::limits::MOST_MESSAGE as usize;
        if message.body.len() > limit_in_bytes {
            let refusal = Refusal::TooLarge {
                limit: limit_in_bytes,
            };
            return Err(SendTimeoutError::Refused { value, refusal });
        }
        let cases = vec![Case::Send(self.0.end.channel, message)];
        let done = self.0.exchange().wait(PartyId::HOST, cases, limit).await;
        match done.map(|done| done.outcome) {
            Some(Outcome::Sent) => Ok(()),
            None => Err(SendTimeoutError::Timeout(value)),
            Some(Outcome::TooLarge { limit, .. }) => {
                let refusal = Refusal::TooLarge { limit };
                Err(SendTimeoutError::Refused { value, refusal })
            }
            Some(_) => Err(SendTimeoutError::Closed(value)),
        }
    }

    pub(crate) fn into_flight(self) -> Option<End> {
        self.0.into_flight()
    }
}

/// The receiving end of a channel, held by the host.
///
/// Clones are the same end, and each value goes to one receiver. Channel ends in a message are of use to
/// interpreters only: a host that receives such a message gets a [`Value::Handle`] for each, and the ends are
/// released.
///
/// # Examples
///
/// ```no_run
/// # let runtime = archipel::Runtime::new()?;
/// use archipel::{Capacity, RecvError, TryRecvError};
///
/// let (sender, receiver) = runtime.channel(Capacity::Bounded(2))?;
/// sender.send("hello")?;
/// assert_eq!(receiver.recv()?, "hello");
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
/// drop(sender);
/// assert_eq!(receiver.recv(), Err(RecvError::Closed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Receiver(HostEnd);

impl Receiver {
    /// Receives the next value. Blocks until there is one.
    ///
    /// # Errors
    ///
    /// Returns [`RecvError::Closed`] if the channel is empty, and closed or without senders. Returns
    /// [`RecvError::Undecodable`] if the next message has no host value; that message is gone, and the next
    /// call receives the one after it.
    pub fn recv(&self) -> Result<Value, RecvError> {
        self.0.context.workers.wait(self.take_at_last())
    }

    /// Does what [`recv`](Self::recv) does, without blocking the thread.
    ///
    /// Dropping the future cancels the receive and loses no message.
    pub async fn recv_async(&self) -> Result<Value, RecvError> {
        self.take_at_last().await
    }

    /// Receives the next value if there is one now.
    ///
    /// # Errors
    ///
    /// Returns [`TryRecvError::Empty`] if the channel is empty, [`TryRecvError::Closed`] if it is also closed
    /// or without senders, and [`TryRecvError::Undecodable`] if the next message has no host value.
    pub fn try_recv(&self) -> Result<Value, TryRecvError> {
        let taken = self.take(Some(Duration::ZERO));
        self.0
            .context
            .workers
            .wait(taken)
            .map_err(TryRecvError::from)
    }

    /// Receives the next value, blocking for at most `limit` on the monotonic clock.
    ///
    /// # Errors
    ///
    /// Returns [`RecvTimeoutError::Timeout`] if no value was sent in time, [`RecvTimeoutError::Closed`] if the
    /// channel is empty, and closed or without senders, and [`RecvTimeoutError::Undecodable`] if the next
    /// message has no host value.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::{Capacity, RecvTimeoutError};
    /// use std::time::Duration;
    ///
    /// let (_sender, receiver) = runtime.channel(Capacity::Unbounded)?;
    /// let received = receiver.recv_timeout(Duration::from_millis(10));
    /// assert_eq!(received, Err(RecvTimeoutError::Timeout));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_timeout(&self, limit: Duration) -> Result<Value, RecvTimeoutError> {
        self.0.context.workers.wait(self.take(Some(limit)))
    }

    /// Returns an iterator that receives values until the channel is empty, and closed or without senders. It
    /// blocks as [`recv`](Self::recv) does.
    ///
    /// The iterator skips undecodable messages and logs a warning for each, so that no sender can end the
    /// iteration for others. To get these errors, call [`recv`](Self::recv) in a loop.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::Capacity;
    ///
    /// let (sender, receiver) = runtime.channel(Capacity::Unbounded)?;
    /// sender.send(1)?;
    /// sender.send(2)?;
    /// sender.close();
    /// assert_eq!(receiver.iter().count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Value> + '_ {
        std::iter::from_fn(|| {
            loop {
                match self.recv() {
                    Ok(value) => return Some(value),
                    Err(RecvError::Undecodable(refusal)) => skipped(&refusal),
                    Err(RecvError::Closed) => return None,
                }
            }
        })
    }

    /// Closes the channel for all senders. Receivers still get the queued values. Closing a closed channel has
    /// no effect.
    pub fn close(&self) {
        self.0.close();
    }

    /// Converts the receiver into a `crossbeam-channel` receiver, for hosts that use
    /// `crossbeam_channel::select!`.
    ///
    /// A separate thread transfers the values, one at a time, until the channel is closed or the returned
    /// receiver is dropped. In the latter case a value in transfer returns to the channel. Undecodable
    /// messages are skipped as in [`iter`](Self::iter).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::Capacity;
    ///
    /// let (sender, receiver) = runtime.channel(Capacity::Unbounded)?;
    /// let values = receiver.into_crossbeam();
    /// sender.send(1)?;
    /// assert_eq!(values.recv()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_crossbeam(self) -> crossbeam_channel::Receiver<Value> {
        let (sender, receiver) = crossbeam_channel::bounded(0);
        std::thread::spawn(move || {
            while let Ok(message) = self.0.context.workers.wait(self.take_message(None)) {
                let sent = match decoded(&message) {
                    Ok(value) => sender.send(value).is_ok(),
                    Err(refusal) => {
                        skipped(&refusal);
                        true
                    }
                };
                if !sent {
                    self.give_back(message);
                    break;
                }
            }
        });
        receiver
    }

    /// Returns a message to the front of the channel, with its attachments.
    fn give_back(&self, message: Message) {
        self.0.exchange().with(|broker, effects| {
            broker.give_back(self.0.end.channel, message, effects);
        });
    }

    /// Receives a value without a time limit.
    async fn take_at_last(&self) -> Result<Value, RecvError> {
        self.take(None).await.map_err(|error| match error {
            // Without a time limit, `Timeout` means only that the wait could not begin.
            RecvTimeoutError::Timeout | RecvTimeoutError::Closed => RecvError::Closed,
            RecvTimeoutError::Undecodable(refusal) => RecvError::Undecodable(refusal),
        })
    }

    async fn take(&self, limit: Option<Duration>) -> Result<Value, RecvTimeoutError> {
        let message = self.take_message(limit).await?;
        to_value(message).map_err(RecvTimeoutError::Undecodable)
    }

    async fn take_message(&self, limit: Option<Duration>) -> Result<Message, RecvTimeoutError> {
        let cases = vec![Case::Receive(self.0.end.channel)];
        let done = self.0.exchange().wait(PartyId::HOST, cases, limit).await;
        match done.map(|done| done.outcome) {
            Some(Outcome::Received(message)) => Ok(message),
            None => Err(RecvTimeoutError::Timeout),
            Some(_) => Err(RecvTimeoutError::Closed),
        }
    }

    pub(crate) fn into_flight(self) -> Option<End> {
        self.0.into_flight()
    }
}

/// Logs that a message was skipped.
fn skipped(refusal: &Refusal) {
    telemetry::event!(warn, "skipped an undecodable message: {refusal}");
}
