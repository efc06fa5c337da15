"""Multiple interpreters and channels between them: PEP 554, as of May 2020.

Every interpreter has its own memory and shares nothing with others except the channels that it was given:

    import interpreters

    child = interpreters.create()
    recv, send = interpreters.create_channel(8)
    child.run_in_thread("send.send(6 * 7)", channels={"send": send})
    print(recv.recv())

Timeouts are in seconds; None waits without limit.  Every wait can raise DeadlockError, if all parties that could end
it are waiting too; `archipel.Cancelled`, if an ancestor or the host cancels this interpreter; and KeyboardInterrupt.
"""

import builtins
import weakref

import _interpreters
from _interpreters import NotShareableError, is_shareable
from _island import codec, loop, tasks, waits
from _island.errors import DeadlockError, InterpreterError, channel_error
from componentize_py_types import Err
from wit_world.imports import channels as _channels
from wit_world.imports import interpreters as _host

__all__ = [
    "Interpreter",
    "create",
    "get_current",
    "get_main",
    "is_shareable",
    "list_all",
    "RecvChannel",
    "SendChannel",
    "create_channel",
    "list_all_channels",
    "ChannelClosedError",
    "ChannelEmptyError",
    "ChannelError",
    "ChannelNotEmptyError",
    "ChannelNotFoundError",
    "ChannelReleasedError",
    "DeadlockError",
    "InterpreterError",
    "NotReceivedError",
    "NotShareableError",
    "RunFailedError",
]


class RunFailedError(RuntimeError):
    """The code of `Interpreter.run` raised an exception, which `__cause__` describes."""


class UncaughtException(Exception):
    """The description of an exception that was not caught in another interpreter.

    `type` describes the class, `msg` is the text, and `excinfo` has both and the formatted traceback.
    """

    def __init__(self, excinfo):
        super().__init__(excinfo.formatted)
        self.excinfo = excinfo
        self.type = excinfo.type
        self.msg = excinfo.msg

    def __str__(self):
        return f"{self.excinfo.formatted}\n\nUncaught in the interpreter:\n\n{self.excinfo.errdisplay}"


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


class Interpreter:
    """A reference to a Python interpreter, perhaps the current one.

    `Interpreter(id)` refers to an existing interpreter; `create` makes a new one.  An interpreter is destroyed when
    the last reference to it is dropped.  References compare equal if they refer to the same interpreter.

    Raises InterpreterNotFoundError if there is no such interpreter or this one cannot name it.
    """

    def __init__(self, id, *, isolated=True):
        _interpreters.whence(id)
        self._id = id
        self._isolated = isolated
        _interpreters.incref(id)

    def __del__(self):
        # `__init__` may have failed.
        if hasattr(self, "_id"):
            _interpreters.decref(self._id)

    def __repr__(self):
        return f"Interpreter(id={self._id}, isolated={self._isolated})"

    def __reduce__(self):
        return type(self), (self._id,)

    def __eq__(self, other):
        return isinstance(other, Interpreter) and self._id == other._id

    def __hash__(self):
        return hash(self._id)

    @property
    def id(self):
        """The number of the interpreter within its family; the first interpreter is 0."""
        return self._id

    @property
    def isolated(self):
        """True if the interpreter was created with `isolated=True`, as far as this reference knows."""
        return self._isolated

    def is_running(self):
        """Return whether the interpreter is executing code.

        Raises InterpreterNotFoundError if it no longer exists.
        """
        return _interpreters.is_running(self._id)

    def close(self):
        """Destroy the interpreter and its descendants.

        Raises InterpreterError if the interpreter is running or is the current one.
        """
        _interpreters.destroy(self._id)

    def copy(self):
        """Create an interpreter with the same state: modules, names and all objects that they refer to.

        The copy is independent.  It has ends of the same channels, references to the same interpreters, and the
        policy and limits of the original.  Its open files are closed, and jobs that the original started in other
        interpreters count as failed.  Copying takes time in proportion to the size of the state.

        Raises InterpreterError if the interpreter is running, has an unfinished directory listing, or if no further
        interpreter is allowed.
        """
        return Interpreter(_interpreters.copy(self._id), isolated=self._isolated)

    def reset(self):
        """Restore the state that the interpreter was created with, and destroy its descendants.

        Raises InterpreterError if the interpreter is running.
        """
        _interpreters.reset(self._id)

    def run(self, source, /, *, channels=None):
        """Run source text in the interpreter's `__main__` and wait until it ends.

        `channels` is a dict of names and channel ends, which are bound in `__main__` first.  An interruption of the
        caller ends this wait, but does not stop the interpreter.

        Raises RunFailedError if the code raises an exception, InterpreterError if the interpreter is already running,
        and `archipel.LimitExceeded` or `archipel.InterpreterDied` if it was stopped or crashed.
        """
        _, excinfo = _interpreters.run(self._id, self._job(source, channels))
        if excinfo is not None:
            raise _run_failure(excinfo)

    async def run_async(self, source, /, *, channels=None):
        """Run source text as `run` does, without blocking the event loop.

        Cancelling the coroutine does not stop the interpreter.
        """
        task = self._start(source, channels)
        await loop.wait_for_end(task)
        _, excinfo = _interpreters.result(task)
        if excinfo is not None:
            raise _run_failure(excinfo)

    def run_in_thread(self, source, /, *, channels=None):
        """Run source text in parallel with the caller, and return an object with `join` and `is_alive`.

        An exception that the code does not catch is reported as one in a `threading.Thread` is.  The other arguments
        and exceptions are those of `run`.
        """
        task = self._start(source, channels)

        def finish(_, excinfo):
            if excinfo is not None:
                raise _run_failure(excinfo)

        return tasks.TaskThread(lambda: task, finish)

    def _start(self, source, channels):
        return _interpreters.start(self._id, self._job(source, channels))

    def _job(self, source, channels):
        if not isinstance(source, str):
            raise TypeError(f"source must be str, not {type(source).__name__}")
        if channels is not None and not isinstance(channels, dict):
            raise TypeError(f"channels must be a dict, not {type(channels).__name__}")
        if channels:
            for name, end in channels.items():
                if not isinstance(end, (RecvChannel, SendChannel)):
                    raise ValueError(f"channels[{name!r}] is not a channel end: {end!r}")
            _interpreters.set___main___attrs(self._id, dict(channels))
        codec.check_size(source.encode())
        return _host.Job_Exec(source)


def _run_failure(excinfo):
    error = RunFailedError(excinfo.formatted)
    error.__cause__ = UncaughtException(excinfo)
    return error


def create(*, isolated=True):
    """Create an interpreter and return it.

    An isolated interpreter has no capabilities except its output, and can send only data.  With `isolated=False` it
    has all of its creator's capabilities, like the interpreters of `concurrent.interpreters`; its memory is separate
    either way.

    Raises InterpreterError if no further interpreter is allowed.
    """
    return Interpreter(_interpreters.create_child(not isolated), isolated=isolated)


def list_all():
    """Return the current interpreter and its living descendants as a list."""
    return [Interpreter(id) for id, _ in _interpreters.list_all()]


def get_current():
    """Return the current interpreter."""
    return Interpreter(_interpreters.get_current()[0])


def get_main():
    """Return the first interpreter of the family.

    Raises InterpreterNotFoundError if the current interpreter cannot name it.
    """
    return Interpreter(0)


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
                found.append(Interpreter(id))
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
