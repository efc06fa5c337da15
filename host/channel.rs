//! The ends of channels that a host holds.

mod error;

use crate::exchange::{Charter, End, Exchange, Message, Unbound};
use crate::imports::channels;
use crate::interpreter::{decoded, to_value};
use crate::runtime::{Capacity, Context};
use crate::telemetry;
use archipel_core::broker::{Case, Outcome, PartyId};
use archipel_core::encoding::{self, Refusal};
use archipel_core::value::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use error::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};

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
        self.0.context.workers.wait(self.put_at_last(value.into()))
    }

    /// As [`send`](Self::send), for asynchronous hosts.  Dropping the future gives up: the value
    /// is sent or it is not, and where it is not it is dropped.
    pub async fn send_async(&self, value: impl Into<Value>) -> Result<(), SendError> {
        self.put_at_last(value.into()).await
    }

    /// Sends `value` if that is possible without waiting.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`], [`TrySendError::Closed`] and [`TrySendError::Refused`].
    pub fn try_send(&self, value: impl Into<Value>) -> Result<(), TrySendError> {
        let sent = self.put(value.into(), Some(Duration::ZERO));
        self.0
            .context
            .workers
            .wait(sent)
            .map_err(TrySendError::from)
    }

    /// Sends `value`, waiting for at most `limit`, on the monotonic clock.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError::Timeout`], [`SendTimeoutError::Closed`] and [`SendTimeoutError::Refused`].
    pub fn send_timeout(
        &self,
        value: impl Into<Value>,
        limit: Duration,
    ) -> Result<(), SendTimeoutError> {
        let sent = self.put(value.into(), Some(limit));
        self.0.context.workers.wait(sent)
    }

    /// Closes the channel for all senders; receivers get what is in it.  Closing twice is harmless.
    pub fn close(&self) {
        self.0.close();
    }

    /// Sends a value however long it takes.
    async fn put_at_last(&self, value: Value) -> Result<(), SendError> {
        self.put(value, None).await.map_err(|error| match error {
            // Without a limit no time runs out but that of the runtime.
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
        let limit_in_bytes = crate::imports::MOST_BYTES;
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
    /// Waits for the next value.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`] at the end of the stream, and [`RecvError::Undecodable`] for one message that
    /// cannot become a value; the next call receives the one behind it.
    pub fn recv(&self) -> Result<Value, RecvError> {
        self.0.context.workers.wait(self.take_at_last())
    }

    /// As [`recv`](Self::recv), for asynchronous hosts.  Dropping the future loses nothing.
    pub async fn recv_async(&self) -> Result<Value, RecvError> {
        self.take_at_last().await
    }

    /// The next value, if there is one now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`], [`TryRecvError::Closed`] and [`TryRecvError::Undecodable`].
    pub fn try_recv(&self) -> Result<Value, TryRecvError> {
        let taken = self.take(Some(Duration::ZERO));
        self.0
            .context
            .workers
            .wait(taken)
            .map_err(TryRecvError::from)
    }

    /// Waits for the next value for at most `limit`, on the monotonic clock.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError::Timeout`], [`RecvTimeoutError::Closed`] and [`RecvTimeoutError::Undecodable`].
    pub fn recv_timeout(&self, limit: Duration) -> Result<Value, RecvTimeoutError> {
        self.0.context.workers.wait(self.take(Some(limit)))
    }

    /// The values as they come, until the channel is closed and empty.
    ///
    /// A message that cannot become a value is skipped, with a warning in the log: no sender can end the
    /// iteration for the others.  To learn of such messages, call [`recv`](Self::recv) in a loop.
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

    /// Closes the channel for all senders; receivers get what is in it.  Closing twice is harmless.
    pub fn close(&self) {
        self.0.close();
    }

    /// A `crossbeam-channel` receiver of the same values, for a host that selects over several
    /// channels with `crossbeam_channel::select!`.
    ///
    /// A thread of its own carries the values over, one at a time, until the channel is closed or
    /// the returned receiver is dropped; a value that was on its way then goes back to the channel.
    /// Messages that cannot become values are skipped as in [`iter`](Self::iter).
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

    /// Puts a message back to where it was, with all that travels beside it.
    fn give_back(&self, message: Message) {
        self.0.exchange().with(|broker, effects| {
            broker.give_back(self.0.end.channel, message, effects);
        });
    }

    /// Receives a value however long it takes.
    async fn take_at_last(&self) -> Result<Value, RecvError> {
        self.take(None).await.map_err(|error| match error {
            // Without a limit no time runs out but that of the runtime.
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

/// Logs that a message was passed over.
fn skipped(refusal: &Refusal) {
    telemetry::event!(
        warn,
        "a message that cannot become a value was skipped: {refusal}"
    );
}
