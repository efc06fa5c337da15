//! The ends of channels that a host holds.

use crate::broker::{Case, Outcome, PartyId};
use crate::encoding::{self, Refusal};
use crate::exchange::{Charter, End, Exchange, Message, Unbound};
use crate::imports::channels;
use crate::interpreter::to_value;
use crate::runtime::{Capacity, Context};
use crate::value::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A channel, both ends of which the host holds.
pub(crate) fn create(
    context: &Arc<Context>,
    capacity: Capacity,
) -> crate::Result<(Sender, Receiver)> {
    let charter = Charter::new(None, Unbound::Keep);
    let (sender, receiver) =
        channels::create(&context.exchange, capacity.into(), charter, PartyId::HOST)
            .map_err(|error| crate::Error::Internal(error.into()))?;
    let host_end = |end| HostEnd {
        context: context.clone(),
        end: Arc::new(end),
    };
    Ok((Sender(host_end(sender)), Receiver(host_end(receiver))))
}

/// An end, with the runtime whose timers its waits need.
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

/// Why a value was not sent.  It is given back.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// The channel is full, or nobody waits at a rendezvous; only from [`Sender::try_send`].
    Full(Value),
    /// Time ran out; only from [`Sender::send_timeout`].
    Timeout(Value),
    /// The channel is closed, or has no receiver any more.
    Closed(Value),
    /// The value cannot be sent at all.
    Refused {
        /// The value.
        value: Value,
        /// What is wrong with it.
        refusal: Refusal,
    },
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Full(_) => f.write_str("the channel is full"),
            SendError::Timeout(_) => f.write_str("nobody received in time"),
            SendError::Closed(_) => f.write_str("the channel is closed"),
            SendError::Refused { refusal, .. } => write!(f, "cannot send: {refusal}"),
        }
    }
}

impl std::error::Error for SendError {}

/// Why nothing was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvError {
    /// Nothing is in the channel; only from [`Receiver::try_recv`].
    Empty,
    /// Time ran out; only from [`Receiver::recv_timeout`].
    Timeout,
    /// The channel is empty, and closed or without senders.
    Closed,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecvError::Empty => "the channel is empty",
            RecvError::Timeout => "nothing was sent in time",
            RecvError::Closed => "the channel is empty and closed",
        })
    }
}

impl std::error::Error for RecvError {}

/// The end of a channel that puts values in.
///
/// Clones are the same end.  The channel is closed for receivers when the last sender is dropped,
/// in the host and in all interpreters.
#[derive(Debug, Clone)]
pub struct Sender(HostEnd);

impl Sender {
    /// Sends `value`, waiting until it is in the channel or, in a rendezvous, taken.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] and [`SendError::Refused`].
    pub fn send(&self, value: impl Into<Value>) -> Result<(), SendError> {
        self.0.context.workers.wait(self.put(value.into(), None))
    }

    /// As [`send`](Self::send), for asynchronous hosts.  Dropping the future gives up: the value
    /// is sent or it is not, and where it is not it is dropped.
    pub async fn send_async(&self, value: impl Into<Value>) -> Result<(), SendError> {
        self.put(value.into(), None).await
    }

    /// Sends `value` if that is possible without waiting.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`], [`SendError::Closed`] and [`SendError::Refused`].
    pub fn try_send(&self, value: impl Into<Value>) -> Result<(), SendError> {
        let sent = self.put(value.into(), Some(Duration::ZERO));
        self.0
            .context
            .workers
            .wait(sent)
            .map_err(|error| match error {
                SendError::Timeout(value) => SendError::Full(value),
                other => other,
            })
    }

    /// Sends `value`, waiting for at most `limit`, on the monotonic clock.
    ///
    /// # Errors
    ///
    /// [`SendError::Timeout`], [`SendError::Closed`] and [`SendError::Refused`].
    pub fn send_timeout(&self, value: impl Into<Value>, limit: Duration) -> Result<(), SendError> {
        let sent = self.put(value.into(), Some(limit));
        self.0.context.workers.wait(sent)
    }

    /// Closes the channel for all senders; receivers get what is in it.  Closing twice is harmless.
    pub fn close(&self) {
        self.0.close();
    }

    async fn put(&self, value: Value, limit: Option<Duration>) -> Result<(), SendError> {
        let encoded = match encoding::encode(&value) {
            Ok(encoded) if encoded.handles == 0 => encoded,
            Ok(_) => {
                let refusal = Refusal::NoSuchHandle {
                    index: 0,
                    handles: 0,
                };
                return Err(SendError::Refused { value, refusal });
            }
            Err(refusal) => return Err(SendError::Refused { value, refusal }),
        };
        let message = Message::new(encoded, Vec::new());
        let limit_in_bytes = crate::imports::MOST_BYTES;
        if message.body.len() > limit_in_bytes {
            let refusal = Refusal::TooLarge {
                limit: limit_in_bytes,
            };
            return Err(SendError::Refused { value, refusal });
        }
        let cases = vec![Case::Send(self.0.end.channel, message)];
        let done = self.0.exchange().wait(PartyId::HOST, cases, limit).await;
        match done.map(|done| done.outcome) {
            Some(Outcome::Sent) => Ok(()),
            None => Err(SendError::Timeout(value)),
            Some(_) => Err(SendError::Closed(value)),
        }
    }

    pub(crate) fn into_flight(self) -> Option<End> {
        self.0.into_flight()
    }
}

/// The end of a channel that takes values out.
///
/// Clones are the same end; each value goes to one receiver.  Channel ends that travel in a message
/// are of use to interpreters only: a host that receives such a message gets a
/// [`Value::Handle`] in their place, and the ends are released.
///
/// # Examples
///
/// ```no_run
/// # let runtime = archipel::Runtime::new()?;
/// use archipel::{Capacity, RecvError};
///
/// let (sender, receiver) = runtime.channel(Capacity::Bounded(2))?;
/// sender.send("hello")?;
/// assert_eq!(receiver.recv()?, "hello");
/// assert_eq!(receiver.try_recv(), Err(RecvError::Empty));
/// drop(sender);
/// assert_eq!(receiver.recv(), Err(RecvError::Closed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Receiver(HostEnd);

impl Receiver {
    /// Waits for the next value.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`].
    pub fn recv(&self) -> Result<Value, RecvError> {
        self.0.context.workers.wait(self.take(None))
    }

    /// As [`recv`](Self::recv), for asynchronous hosts.  Dropping the future loses nothing.
    pub async fn recv_async(&self) -> Result<Value, RecvError> {
        self.take(None).await
    }

    /// The next value, if there is one now.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`] and [`RecvError::Closed`].
    pub fn try_recv(&self) -> Result<Value, RecvError> {
        let taken = self.take(Some(Duration::ZERO));
        self.0
            .context
            .workers
            .wait(taken)
            .map_err(|error| match error {
                RecvError::Timeout => RecvError::Empty,
                other => other,
            })
    }

    /// Waits for the next value for at most `limit`, on the monotonic clock.
    ///
    /// # Errors
    ///
    /// [`RecvError::Timeout`] and [`RecvError::Closed`].
    pub fn recv_timeout(&self, limit: Duration) -> Result<Value, RecvError> {
        self.0.context.workers.wait(self.take(Some(limit)))
    }

    /// The values as they come, until the channel is closed and empty.
    pub fn iter(&self) -> impl Iterator<Item = Value> + '_ {
        std::iter::from_fn(|| self.recv().ok())
    }

    /// Closes the channel for all senders; receivers get what is in it.  Closing twice is harmless.
    pub fn close(&self) {
        self.0.close();
    }

    /// A `crossbeam-channel` receiver of the same values, for a host that selects over several
    /// channels with `crossbeam_channel::select!`.
    ///
    /// A thread of its own carries the values over, one at a time, until the channel is closed or
    /// the returned receiver is dropped; a value that was on its way then goes back to the channel.
    pub fn into_crossbeam(self) -> crossbeam_channel::Receiver<Value> {
        let (sender, receiver) = crossbeam_channel::bounded(0);
        std::thread::spawn(move || {
            for value in self.iter() {
                if let Err(crossbeam_channel::SendError(value)) = sender.send(value) {
                    self.give_back(&value);
                    break;
                }
            }
        });
        receiver
    }

    fn give_back(&self, value: &Value) {
        // It came from the channel, so it can be encoded.
        if let Ok(encoded) = encoding::encode(value) {
            let message = Message::new(encoded, Vec::new());
            self.0.exchange().with(|broker, effects| {
                broker.give_back(self.0.end.channel, message, effects);
            });
        }
    }

    async fn take(&self, limit: Option<Duration>) -> Result<Value, RecvError> {
        let cases = vec![Case::Receive(self.0.end.channel)];
        let done = self.0.exchange().wait(PartyId::HOST, cases, limit).await;
        match done.map(|done| done.outcome) {
            // What is in the exchange was checked before, so it has a value.
            Some(Outcome::Received(message)) => to_value(message).map_err(|_| RecvError::Closed),
            None => Err(RecvError::Timeout),
            Some(_) => Err(RecvError::Closed),
        }
    }

    pub(crate) fn into_flight(self) -> Option<End> {
        self.0.into_flight()
    }
}
