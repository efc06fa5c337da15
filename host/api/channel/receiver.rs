//! The receiving end of a channel.

use super::{HostEnd, RecvError, RecvTimeoutError, TryRecvError};
use crate::api::interpreter::{decoded, to_value};
use crate::exchange::end::End;
use crate::exchange::message::Message;
use crate::telemetry;
use archipel_core::broker::{Case, Outcome, PartyId};
use archipel_core::encoding::Refusal;
use archipel_core::value::Value;
use std::time::Duration;

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
pub struct Receiver {
    host: HostEnd,
}

impl Receiver {
    /// Wraps an end.
    pub(super) fn new(host: HostEnd) -> Self {
        Receiver { host }
    }

    /// Receives the next value. Blocks until there is one.
    ///
    /// # Errors
    ///
    /// Returns [`RecvError::Closed`] if the channel is empty, and closed or without senders. Returns
    /// [`RecvError::Undecodable`] if the next message has no host value; that message is gone, and the next
    /// call receives the one after it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::Capacity;
    ///
    /// let (sender, receiver) = runtime.channel(Capacity::Rendezvous)?;
    /// let sent = std::thread::spawn(move || sender.send("hello"));
    /// assert_eq!(receiver.recv()?, "hello");
    /// assert!(sent.join().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv(&self) -> Result<Value, RecvError> {
        self.host.context.workers.wait(self.take_at_last())
    }

    /// Does what [`recv`](Self::recv) does, without blocking the thread.
    ///
    /// Dropping the future cancels the receive and loses no message.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::Capacity;
    ///
    /// let (sender, receiver) = runtime.channel(Capacity::Unbounded)?;
    /// sender.send(1)?;
    /// assert_eq!(receiver.recv_async().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv_async(&self) -> Result<Value, RecvError> {
        self.take_at_last().await
    }

    /// Receives the next value if there is one now.
    ///
    /// # Errors
    ///
    /// Returns [`TryRecvError::Empty`] if the channel is empty, [`TryRecvError::Closed`] if it is also closed
    /// or without senders, and [`TryRecvError::Undecodable`] if the next message has no host value.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::{Capacity, TryRecvError};
    ///
    /// let (sender, receiver) = runtime.channel(Capacity::Unbounded)?;
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1)?;
    /// assert_eq!(receiver.try_recv()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_recv(&self) -> Result<Value, TryRecvError> {
        let taken = self.take(Some(Duration::ZERO));
        self.host
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
        self.host.context.workers.wait(self.take(Some(limit)))
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::{Capacity, SendError};
    ///
    /// let (sender, receiver) = runtime.channel(Capacity::Unbounded)?;
    /// receiver.close();
    /// assert!(matches!(sender.send(1), Err(SendError::Closed(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) {
        self.host.close();
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
            while let Ok(message) = self.host.context.workers.wait(self.take_message(None)) {
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
        self.host.exchange().with(|broker, effects| {
            broker.give_back(self.host.end.channel, message, effects);
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
        let cases = vec![Case::Receive(self.host.end.channel)];
        let done = self.host.exchange().wait(PartyId::HOST, cases, limit).await;
        match done.map(|done| done.outcome) {
            Some(Outcome::Received(message)) => Ok(message),
            None => Err(RecvTimeoutError::Timeout),
            Some(_) => Err(RecvTimeoutError::Closed),
        }
    }

    /// Returns the end.
    pub(super) fn host_end(&self) -> &HostEnd {
        &self.host
    }

    pub(crate) fn into_flight(self) -> Option<End> {
        self.host.into_flight()
    }
}

/// Logs that a message was skipped.
fn skipped(refusal: &Refusal) {
    telemetry::event!(warn, "skipped an undecodable message: {refusal}");
}
