//! The sending end of a channel.

use super::{HostEnd, SendError, SendTimeoutError, TrySendError};
use crate::exchange::end::End;
use crate::exchange::message::Message;
use archipel_core::broker::{Case, Outcome, PartyId};
use archipel_core::encoding::{self, Refusal};
use archipel_core::value::Value;
use std::time::Duration;

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
pub struct Sender {
    host: HostEnd,
}

impl Sender {
    /// Wraps an end.
    pub(super) fn new(host: HostEnd) -> Self {
        Sender { host }
    }

    /// Sends `value`. Blocks until the value is queued or, at a rendezvous, received.
    ///
    /// # Errors
    ///
    /// Returns [`SendError::Closed`] if the channel is closed or has no receivers, and [`SendError::Refused`]
    /// if the value cannot be sent. Both return the value.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::{Capacity, SendError};
    ///
    /// let (sender, receiver) = runtime.channel(Capacity::Unbounded)?;
    /// sender.send(vec![1, 2])?;
    /// assert_eq!(receiver.recv()?.to_string(), "[1, 2]");
    /// drop(receiver);
    /// assert!(matches!(sender.send(3), Err(SendError::Closed(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send(&self, value: impl Into<Value>) -> Result<(), SendError> {
        self.host
            .context
            .workers
            .wait(self.put_at_last(value.into()))
    }

    /// Does what [`send`](Self::send) does, without blocking the thread.
    ///
    /// Dropping the future cancels the send: the value was either sent, or is dropped.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::Capacity;
    ///
    /// let (sender, receiver) = runtime.channel(Capacity::Rendezvous)?;
    /// let received = std::thread::spawn(move || receiver.recv());
    /// sender.send_async("hello").await?;
    /// assert!(received.join().is_ok());
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::{Capacity, TrySendError};
    ///
    /// let (sender, _receiver) = runtime.channel(Capacity::Bounded(1))?;
    /// sender.try_send(1)?;
    /// match sender.try_send(2) {
    ///     Err(TrySendError::Full(value)) => assert_eq!(value, 2),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_send(&self, value: impl Into<Value>) -> Result<(), TrySendError> {
        let sent = self.put(value.into(), Some(Duration::ZERO));
        self.host
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
        self.host.context.workers.wait(sent)
    }

    /// Closes the channel for all senders. Receivers still get the queued values. Closing a closed channel has
    /// no effect.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::{Capacity, RecvError};
    ///
    /// let (sender, receiver) = runtime.channel(Capacity::Unbounded)?;
    /// sender.send(1)?;
    /// sender.close();
    /// assert_eq!(receiver.recv()?, 1);
    /// assert_eq!(receiver.recv(), Err(RecvError::Closed));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) {
        self.host.close();
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
        let message = match message_of(&value) {
            Ok(message) => message,
            Err(refusal) => return Err(SendTimeoutError::Refused { value, refusal }),
        };
        let cases = vec![Case::Send(self.host.end.channel, message)];
        let done = self.host.exchange().wait(PartyId::HOST, cases, limit).await;
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

    /// Returns the end.
    pub(super) fn host_end(&self) -> &HostEnd {
        &self.host
    }

    pub(crate) fn into_flight(self) -> Option<End> {
        self.host.into_flight()
    }
}

/// Encodes a value that is sent.
pub(super) fn message_of(value: &Value) -> Result<Message, Refusal> {
    let encoded = encoding::encode(value)?;
    if encoded.handles > 0 {
        return Err(Refusal::NoSuchHandle {
            index: 0,
            handles: 0,
        });
    }
    let message = Message::new(encoded, Vec::new());
    let limit = archipel_core::limits::MOST_MESSAGE as usize;
    match message.body.len() > limit {
        true => Err(Refusal::TooLarge { limit }),
        false => Ok(message),
    }
}
