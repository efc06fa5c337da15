"""Multiple interpreters and channels between them: PEP 554, as of May 2020.

An interpreter of this module has a memory of its own and shares nothing with others but the
channels that it was given.
"""

import sys

import _interpreters
from _interpreters import NotShareableError, is_shareable
from _island import codec, report, tasks, waits
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
        excinfo = _interpreters.finish(self._start(source, channels))
        if excinfo is not None:
            raise _failed(excinfo)

    def run_in_thread(self, source, /, *, channels=None):
        """Run source text beside the caller, and return what has `join` and `is_alive`.

        An uncaught exception is shown as one in a `threading.Thread` is.
        """
        return tasks.TaskThread(self._start(source, channels), _show)

    def _start(self, source, channels):
        if not isinstance(source, str):
            raise TypeError(f"source must be str, not {type(source).__name__}")
        if channels:
            for name, end in channels.items():
                if not isinstance(end, (RecvChannel, SendChannel)):
                    raise TypeError(f"channels[{name!r}] is no channel end: {end!r}")
            _interpreters.set___main___attrs(self._id, dict(channels))
        return _interpreters.start(self._id, _host.Job_Exec(source))


def _failed(excinfo):
    error = RunFailedError(excinfo.formatted)
    error.__cause__ = UncaughtException(excinfo)
    return error


def _show(excinfo):
    if excinfo is not None:
        print(excinfo.errdisplay, file=sys.stderr)
        report.flush()


def create(*, isolated=True):
    """Create a new interpreter."""
    return Interpreter(_interpreters.create(), isolated=isolated)


def list_all():
    """The current interpreter and those that it may name: its descendants."""
    return [Interpreter(id) for id, _ in _interpreters.list_all()]


def get_current():
    """The interpreter that runs this."""
    return Interpreter(_interpreters.get_current()[0])


def get_main():
    """The first interpreter of this family."""
    return Interpreter(0)


class _End:
    __slots__ = ("_handle", "_id", "__weakref__")

    def __init__(self, handle):
        self._handle = handle
        self._id = handle.id()

    def __repr__(self):
        return f"{type(self).__name__}(id={self._id})"

    def __eq__(self, other):
        return type(other) is type(self) and self._id == other._id

    def __hash__(self):
        return hash((type(self), self._id))

    @property
    def id(self):
        return self._id

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if self._handle is not None:
            self.release()

    def release(self):
        """Give this end up; the channel goes on between others that hold it."""
        self._held()
        self._handle = None

    def close(self):
        """Close the channel for everybody: what is in it can be received still."""
        self._held().close()

    def _held(self):
        if self._handle is None:
            raise ChannelReleasedError(f"channel {self._id} was released")
        return self._handle

    def _error(self, error):
        if type(error) is _channels.Error_Closed:
            return ChannelClosedError(f"channel {self._id} is closed")
        return not_sent(error)


class RecvChannel(_End):
    """The receiving end of a channel."""

    __slots__ = ()

    def recv(self, *, timeout=None):
        """Wait for the next object and return it; TimeoutError after `timeout` seconds."""
        try:
            return waits.receive(self._held(), timeout)
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

    def __iter__(self):
        """Receive until the channel is closed and empty."""
        while True:
            try:
                obj = self.recv()
            except ChannelClosedError:
                return
            yield obj


class SendChannel(_End):
    """The sending end of a channel."""

    __slots__ = ()

    def send(self, obj, *, timeout=None):
        """Send `obj` and wait until it is in the channel, or taken where that holds nothing.

        Raises NotReceivedError after `timeout` seconds; the object is not sent then.
        """
        try:
            waits.send(self._held(), obj, timeout)
        except Err as error:
            if type(error.value) is _channels.Error_Timeout:
                raise NotReceivedError(f"nobody received from channel {self._id}") from None
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

    def send_buffer(self, obj):
        """Send a copy of the bytes of a buffer; they arrive as a memoryview."""
        if not self._send_buffer(obj, None):
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
        sender, receiver = _channels.create(wanted)
    except Err as error:
        raise not_sent(error.value) from None
    return RecvChannel(receiver), SendChannel(sender)


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
