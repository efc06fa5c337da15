"""Multiple interpreters and channels between them: PEP 554, as of May 2020.

An interpreter of this module has a memory of its own and shares nothing with others but the
channels that it was given.
"""

import builtins
import weakref

import _interpreters
from _interpreters import NotShareableError, is_shareable
from _island import codec, loop, tasks, waits
from _island.errors import DeadlockError, InterpreterError, not_sent
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
    """An uncaught exception ended `Interpreter.run`; its cause describes the exception."""


class UncaughtException(Exception):
    """The description of an exception that another interpreter did not catch."""

    def __init__(self, excinfo):
        super().__init__(excinfo.formatted)
        self.excinfo = excinfo
        self.type = excinfo.type
        self.msg = excinfo.msg

    def __str__(self):
        return f"{self.excinfo.formatted}\n\nUncaught in the interpreter:\n\n{self.excinfo.errdisplay}"


class ChannelError(Exception):
    """The base of the exceptions about channels."""


class ChannelNotFoundError(ChannelError):
    """There is no such channel."""


class ChannelEmptyError(ChannelError):
    """Nothing is in the channel now."""


class ChannelNotEmptyError(ChannelError):
    """Something is in the channel still."""


class NotReceivedError(ChannelError):
    """Nobody took the object."""


class ChannelClosedError(ChannelError):
    """The channel is closed, or nobody is left at its other end."""


class ChannelReleasedError(ChannelClosedError):
    """This end was released."""


class Interpreter:
    """A Python interpreter other than, or the same as, the current one."""

    def __init__(self, id, *, isolated=True):
        _interpreters.whence(id)
        self._id = id
        self._isolated = isolated
        _interpreters.incref(id)

    def __del__(self):
        # It fails in an object whose `__init__` did.
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
        return self._id

    @property
    def isolated(self):
        return self._isolated

    def is_running(self):
        """Whether the interpreter is executing code now."""
        return _interpreters.is_running(self._id)

    def close(self):
        """Destroy the interpreter.  Raises InterpreterError when it is running or current."""
        _interpreters.destroy(self._id)

    def copy(self):
        """Create an interpreter with the same state: modules, names and all they refer to.

        The copy goes on by itself.  It has ends of the same channels and references to the same
        interpreters, but no open files, and what the original started in other interpreters has
        failed for it.  Raises InterpreterError when the interpreter is running, when it is in the
        middle of reading a directory, or when a limit would be passed.
        """
        return Interpreter(_interpreters.copy(self._id), isolated=self._isolated)

    def reset(self):
        """Give the interpreter the state of a new one, and destroy those that it created.

        Raises InterpreterError when it is running.
        """
        _interpreters.reset(self._id)

    def run(self, source, /, *, channels=None):
        """Run source text in the interpreter's `__main__` and wait until it has ended.

        `channels` is a dict of names and the channel ends to bind to them before.  Raises
        RunFailedError when an exception was not caught.
        """
        _, excinfo = _interpreters.run(self._id, self._job(source, channels))
        if excinfo is not None:
            raise _failed(excinfo)

    async def run_async(self, source, /, *, channels=None):
        """As `run`, for a coroutine; cancelling it does not stop the interpreter."""
        task = self._start(source, channels)
        await loop.ended(task)
        _, excinfo = _interpreters.result(task)
        if excinfo is not None:
            raise _failed(excinfo)

    def run_in_thread(self, source, /, *, channels=None):
        """Run source text beside the caller, and return what has `join` and `is_alive`.

        An uncaught exception is shown as one in a `threading.Thread` is.
        """
        task = self._start(source, channels)

        def finish(_, excinfo):
            if excinfo is not None:
                raise _failed(excinfo)

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
                    raise ValueError(f"channels[{name!r}] is no channel end: {end!r}")
            _interpreters.set___main___attrs(self._id, dict(channels))
        codec.sized(source.encode())
        return _host.Job_Exec(source)


def _failed(excinfo):
    error = RunFailedError(excinfo.formatted)
    error.__cause__ = UncaughtException(excinfo)
    return error


def create(*, isolated=True):
    """Create a new interpreter.

    An isolated one has no powers, and nothing but data comes from it.  One that is not has all that
    its creator has, as those of `concurrent.interpreters`; its memory is its own all the same.
    """
    return Interpreter(_interpreters.create_child(not isolated), isolated=isolated)


def list_all():
    """The current interpreter and those that it may name: its descendants."""
    return [Interpreter(id) for id, _ in _interpreters.list_all()]


def get_current():
    """The interpreter that runs this."""
    return Interpreter(_interpreters.get_current()[0])


def get_main():
    """The first interpreter of this family."""
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
        """The number of the channel."""
        return self._id

    @property
    def is_closed(self):
        """Whether nothing can be sent any more."""
        if waits.deferred or waits.background:
            waits.look(id(self))
        return self._handle is None or self._handle.info().closed

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.release()

    def release(self):
        """Give this end up; the channel goes on between others that hold it.

        When the last sender was released, receivers take what is in the channel and then find it
        closed; when the last receiver was, senders find it closed.  Doing it twice is harmless.
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
                # One that this interpreter cannot name, such as its parent.
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
        return not_sent(error)


def _poison(reason, id):
    """The exception that a sender left behind; only builtin ones come back as what they were."""
    name, args = reason
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(*args)
        except Exception:
            # Its arguments are none of that class's.
            pass
    return ChannelClosedError(f"channel {id} is closed: {name}{args!r}")


class RecvChannel(_End):
    """The receiving end of a channel."""

    __slots__ = ()
    _handle_type = _channels.Receiver

    @property
    def interpreters(self):
        """The interpreters that have received from the channel and hold this end."""
        return self._users(self._held().info().receivers)

    def close(self, force=False):
        """Close the channel for everybody.

        Raises ChannelNotEmptyError when something is in it, which is thrown away if `force`.
        """
        if force:
            self._held().destroy()
            return
        try:
            self._held().close()
        except Err as error:
            raise self._error(error.value) from None

    def recv(self, *, timeout=None):
        """Wait for the next object and return it; TimeoutError after `timeout` seconds."""
        try:
            return waits.receive(self._handle or self._held(), timeout)
        except Err as error:
            if type(error.value) is _channels.Error_Timeout:
                raise TimeoutError(f"nothing came from channel {self._id}") from None
            raise self._error(error.value) from None

    def recv_nowait(self, default=...):
        """The next object if there is one, else `default`, else ChannelEmptyError."""
        try:
            return waits.receive(self._held(), 0)
        except Err as error:
            if type(error.value) is not _channels.Error_Timeout:
                raise self._error(error.value) from None
        if default is ...:
            raise ChannelEmptyError(f"channel {self._id} is empty")
        return default

    async def recv_async(self):
        """As `recv`, for a coroutine; nothing is lost when it is cancelled."""
        try:
            return await loop.receive(self._held())
        except Err as error:
            raise self._error(error.value) from None

    def __await__(self):
        return self.recv_async().__await__()

    async def __aiter__(self):
        """Receive until the channel is closed and empty."""
        while True:
            try:
                obj = await self.recv_async()
            except ChannelClosedError:
                return
            yield obj

    def __iter__(self):
        """Receive until the channel is closed and empty."""
        while True:
            try:
                # What `recv` does, without its frame.
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
    """The sending end of a channel."""

    __slots__ = ()
    _handle_type = _channels.Sender

    @property
    def interpreters(self):
        """The interpreters that have sent to the channel and hold this end."""
        return self._users(self._held().info().senders)

    def close(self, force=False):
        """Close the channel for everybody: what is in it can be received still.

        It is thrown away instead if `force`.
        """
        if force:
            self._held().destroy()
        else:
            self._held().close()

    def poison(self, exc=None):
        """Close the channel for a reason: who receives gets what is in it, and then `exc` raised.

        A builtin exception is raised as it is; of any other, ChannelClosedError tells the class and
        the arguments, which must be shareable.
        """
        if exc is None:
            return self.close()
        if isinstance(exc, type) and issubclass(exc, BaseException):
            exc = exc()
        if not isinstance(exc, BaseException):
            raise TypeError(f"exc must be an exception, not {type(exc).__name__}")
        body, _, luggage = codec.encode_exactly((type(exc).__name__, exc.args))
        if luggage is not None:
            raise NotShareableError("the arguments of the exception are not plain data")
        try:
            self._held().poison(body)
        except Err as error:
            raise self._error(error.value) from None

    def send(self, obj, *, timeout=None):
        """Send `obj` and wait until it is in the channel, or taken where that holds nothing.

        Raises NotReceivedError after `timeout` seconds; the object is not sent then.
        """
        try:
            waits.send(self._handle or self._held(), obj, timeout)
        except Err as error:
            if type(error.value) is _channels.Error_Timeout:
                raise NotReceivedError(f"nobody received from channel {self._id}") from None
            raise self._error(error.value) from None

    async def send_async(self, obj):
        """As `send`, for a coroutine; when it is cancelled, the object was not sent."""
        try:
            await loop.send(self._held(), obj)
        except Err as error:
            raise self._error(error.value) from None

    def send_nowait(self, obj):
        """Send `obj` if that is possible without waiting; returns whether it was sent."""
        try:
            waits.send(self._held(), obj, 0)
        except Err as error:
            if type(error.value) is _channels.Error_Timeout:
                return False
            raise self._error(error.value) from None
        return True

    def send_buffer(self, obj, *, timeout=None):
        """Send a copy of the bytes of a buffer; they arrive as a memoryview."""
        if not self._send_buffer(obj, timeout):
            raise NotReceivedError(f"nobody received from channel {self._id}")

    def send_buffer_nowait(self, obj):
        """As `send_buffer`, if possible without waiting; returns whether it was sent."""
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

    With a capacity of 0 a send waits until the object is received; with n, n objects wait in the
    channel; with None, any number that the policy allows.
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
        raise not_sent(error.value) from None
    return RecvChannel(receiver), SendChannel(sender)


def list_all_channels():
    """The open channels of which this interpreter holds both ends: `[(RecvChannel, SendChannel)]`."""
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
