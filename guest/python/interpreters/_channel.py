"""Channels, as `interpreters` has them."""

import builtins
import weakref

import _interpreters
import interpreters
from _interpreters import NotShareableError
from _island import codec, loop, waits
from _island.errors import channel_error
from componentize_py_types import Err
from wit_world.imports import channels as _channels


class ChannelError(Exception):
    """The base class of the exceptions about channels."""


class ChannelNotFoundError(ChannelError):
    """The channel does not exist."""


class ChannelEmptyError(ChannelError):
    """The channel is empty."""


class ChannelNotEmptyError(ChannelError):
    """The channel still has queued objects."""


class NotReceivedError(ChannelError):
    """No receiver took the object in time; it was not sent."""


class ChannelClosedError(ChannelError):
    """The channel is closed, or its other side has no holders."""


class ChannelReleasedError(ChannelClosedError):
    """This end was released by `release`."""


# The ends that this interpreter holds, for `list_all_channels`.
_held_ends = weakref.WeakSet()


class _End:
    __slots__ = ("_handle", "_id", "__weakref__")

    def __init__(self, handle):
        if type(handle) is not self._handle_type:
            raise TypeError(f"{type(self).__name__} cannot be created; use create_channel()")
        self._handle = handle
        self._id = handle.id()
        _held_ends.add(self)

    def __repr__(self):
        return f"{type(self).__name__}(id={self._id})"

    def __eq__(self, other):
        return type(other) is type(self) and self._id == other._id

    def __hash__(self):
        return hash((type(self), self._id))

    @property
    def id(self):
        """The number of the channel within the family."""
        return self._id

    @property
    def is_closed(self):
        """True if the channel is closed for sending, or if this end was released."""
        if waits.deferred or waits.background:
            waits.look(id(self))
        return self._handle is None or self._handle.info().closed

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.release()

    def release(self):
        """Release this end; the channel stays open for other holders.

        After the last sender was released, receivers get the queued objects and then ChannelClosedError.  After the
        last receiver was released, senders get ChannelClosedError.  Releasing an end again has no effect.
        """
        self._handle = None

    def _held(self):
        if self._handle is None:
            raise ChannelReleasedError(f"channel {self._id} was released")
        return self._handle

    def _users(self, ids):
        found = []
        for id in ids:
            try:
                found.append(interpreters.Interpreter(id))
            except _interpreters.InterpreterNotFoundError:
                # This interpreter cannot name it; it may be the parent, for example.
                pass
        return found

    def _error(self, error):
        match error:
            case _channels.Error_Closed():
                return ChannelClosedError(f"channel {self._id} is closed")
            case _channels.Error_NotEmpty():
                return ChannelNotEmptyError(f"channel {self._id} is not empty")
            case _channels.Error_Poisoned(value=reason):
                return _poison(codec.loads(reason), self._id)
        return channel_error(error)


def _poison(reason, id):
    """Return the exception that a sender left.  Only builtin exceptions are restored as they were."""
    name, args = reason
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(*args)
        except Exception:
            # The class does not accept these arguments.
            pass
    return ChannelClosedError(f"channel {id} is closed: {name}{args!r}")


class RecvChannel(_End):
    """The receiving end of a channel.

    It is a context manager that releases the end, an iterator and an asynchronous iterator over the received objects,
    and an awaitable for the next object.  It can be sent to other interpreters.  All methods raise
    ChannelReleasedError once the end was released, and those that receive raise ChannelClosedError if the channel is
    empty and closed, or the exception that a sender gave to `poison`.
    """

    __slots__ = ()
    _handle_type = _channels.Receiver

    @property
    def interpreters(self):
        """The interpreters that have received from the channel and still hold this end."""
        return self._users(self._held().info().receivers)

    def close(self, force=False):
        """Close the channel for all holders.

        With `force`, queued objects are discarded.  Raises ChannelNotEmptyError otherwise if there are any.
        """
        if force:
            self._held().destroy()
            return
        try:
            self._held().close()
        except Err as error:
            raise self._error(error.value) from None

    def recv(self, *, timeout=None):
        """Wait for the next object and return it.

        Raises TimeoutError if none arrives within `timeout` seconds, and MemoryError if there is no memory for the
        message, which then stays in the channel.
        """
        try:
            return waits.receive(self._handle or self._held(), timeout)
        except Err as error:
            if type(error.value) is _channels.Error_Timeout:
                raise TimeoutError(f"timed out receiving from channel {self._id}") from None
            raise self._error(error.value) from None

    def recv_nowait(self, default=...):
        """Return the next object, or `default` if the channel is empty.

        Raises ChannelEmptyError if the channel is empty and no default is given.
        """
        try:
            return waits.receive(self._held(), 0)
        except Err as error:
            if type(error.value) is not _channels.Error_Timeout:
                raise self._error(error.value) from None
        if default is ...:
            raise ChannelEmptyError(f"channel {self._id} is empty")
        return default

    async def recv_async(self):
        """Wait for the next object in an event loop and return it.

        Cancelling the coroutine loses nothing: the object stays in the channel.
        """
        try:
            return await loop.receive(self._held())
        except Err as error:
            raise self._error(error.value) from None

    def __await__(self):
        return self.recv_async().__await__()

    async def __aiter__(self):
        """Yield objects until the channel is closed and empty."""
        while True:
            try:
                obj = await self.recv_async()
            except ChannelClosedError:
                return
            yield obj

    def __iter__(self):
        """Yield objects until the channel is closed and empty."""
        while True:
            try:
                # The body of `recv`, inlined to save a frame.
                obj = waits.receive(self._handle or self._held())
            except ChannelClosedError:
                return
            except Err as error:
                error = self._error(error.value)
                if isinstance(error, ChannelClosedError):
                    return
                raise error from None
            yield obj


class SendChannel(_End):
    """The sending end of a channel.

    It is a context manager that releases the end, and can be sent to other interpreters.  All methods raise
    ChannelReleasedError once the end was released.  Those that send raise ChannelClosedError if the channel is closed
    or has no receiver, NotShareableError if the object contains something that is not data, ValueError if the message
    is too large, and `archipel.LimitExceeded` if it exceeds a limit on queued bytes.
    """

    __slots__ = ()
    _handle_type = _channels.Sender

    @property
    def interpreters(self):
        """The interpreters that have sent to the channel and still hold this end."""
        return self._users(self._held().info().senders)

    def close(self, force=False):
        """Close the channel for all holders; receivers still get the queued objects.

        With `force`, the queued objects are discarded.
        """
        if force:
            self._held().destroy()
        else:
            self._held().close()

    def poison(self, exc=None):
        """Close the channel with a reason: receivers get the queued objects, and then `exc` is raised.

        `exc` is an exception or an exception class; None is the same as `close`.  A builtin exception is raised as it
        is.  Any other becomes a ChannelClosedError whose text has its class and arguments.  Raises NotShareableError
        if the arguments are not plain data.
        """
        if exc is None:
            return self.close()
        if isinstance(exc, type) and issubclass(exc, BaseException):
            exc = exc()
        if not isinstance(exc, BaseException):
            raise TypeError(f"exc must be an exception, not {type(exc).__name__}")
        body, _, attachments = codec.encode_exactly((type(exc).__name__, exc.args))
        if attachments is not None:
            raise NotShareableError("the arguments of the exception are not plain data")
        try:
            self._held().poison(codec.check_size(body))
        except Err as error:
            raise self._error(error.value) from None

    def send(self, obj, *, timeout=None):
        """Send `obj` and wait until it is in the channel, or until it is received if the capacity is 0.

        Raises NotReceivedError after `timeout` seconds; the object is not sent then.
        """
        try:
            waits.send(self._handle or self._held(), obj, timeout)
        except Err as error:
            if type(error.value) is _channels.Error_Timeout:
                raise NotReceivedError(f"timed out sending to channel {self._id}") from None
            raise self._error(error.value) from None

    async def send_async(self, obj):
        """Send `obj` as `send` does, without blocking the event loop.

        Cancelling the coroutine withdraws the object, unless it was sent already.
        """
        try:
            await loop.send(self._held(), obj)
        except Err as error:
            raise self._error(error.value) from None

    def send_nowait(self, obj):
        """Send `obj` if that is possible without waiting, and return whether it was sent."""
        try:
            waits.send(self._held(), obj, 0)
        except Err as error:
            if type(error.value) is _channels.Error_Timeout:
                return False
            raise self._error(error.value) from None
        return True

    def send_buffer(self, obj, *, timeout=None):
        """Send a copy of the bytes of a buffer, which arrives as a memoryview.

        Raises NotReceivedError after `timeout` seconds, and TypeError if `obj` is not a buffer.
        """
        if not self._send_buffer(obj, timeout):
            raise NotReceivedError(f"timed out sending to channel {self._id}")

    def send_buffer_nowait(self, obj):
        """Send a buffer as `send_buffer` does if that is possible without waiting; return whether it was sent."""
        return self._send_buffer(obj, 0)

    def _send_buffer(self, obj, timeout):
        message = codec.buffer(obj)
        try:
            waits.send_message(self._held(), message, timeout)
        except Err as error:
            if type(error.value) is _channels.Error_Timeout:
                return False
            raise self._error(error.value) from None
        return True


def create_channel(capacity=0):
    """Create a channel and return its ends, `(RecvChannel, SendChannel)`.

    `capacity` is the number of objects that the channel queues.  With 0, a send waits until the object is received;
    with None, the channel queues as much as the policy allows.

    Raises TypeError or ValueError for an invalid capacity, and ValueError if there are too many channels.
    """
    if capacity is None:
        wanted = _channels.Capacity_Unbounded()
    elif isinstance(capacity, bool) or not isinstance(capacity, int):
        raise TypeError(f"capacity must be an int or None, not {type(capacity).__name__}")
    elif not 0 <= capacity < 1 << 32:
        raise ValueError(f"capacity must be from 0 to {(1 << 32) - 1}, not {capacity}")
    elif capacity == 0:
        wanted = _channels.Capacity_Rendezvous()
    else:
        wanted = _channels.Capacity_Bounded(capacity)
    try:
        sender, receiver = _channels.create(wanted, _channels.Unbound.KEEP)
    except Err as error:
        raise channel_error(error.value) from None
    return RecvChannel(receiver), SendChannel(sender)


def list_all_channels():
    """Return the open channels of which this interpreter holds both ends, as `[(RecvChannel, SendChannel)]`."""
    found = {}
    for end in _held_ends:
        if not end.is_closed:
            found.setdefault(end._id, {})[type(end)] = end
    return [
        (ends[RecvChannel], ends[SendChannel])
        for _, ends in sorted(found.items())
        if len(ends) == 2
    ]


codec.register(
    3,
    SendChannel,
    lambda end: (_channels.EndRef_Sender(end._held()),),
    lambda ends, index: SendChannel(codec.end(ends, index, _channels.End_Sender)),
)
codec.register(
    4,
    RecvChannel,
    lambda end: (_channels.EndRef_Receiver(end._held()),),
    lambda ends, index: RecvChannel(codec.end(ends, index, _channels.End_Receiver)),
)
