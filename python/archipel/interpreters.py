"""The names of PEP 554 and PEP 734 for host programs that were written for those.

    >>> from archipel import interpreters
    >>> interp = interpreters.create()
    >>> interp.run("print('during')")
    during

The host itself is not an interpreter of this package, so `get_current`, `get_main` and queues do not exist here.
"""

import threading
import weakref

from . import _archipel, _channels, _interpreter, _outputs, _runtime
from ._errors import (
    ChannelClosedError,
    ChannelEmptyError,
    ChannelError,
    ChannelReleasedError,
    ExecutionFailed,
    InterpreterError,
    InterpreterNotFoundError,
    NotShareableError,
)

__all__ = [
    "ChannelClosedError",
    "ChannelEmptyError",
    "ChannelError",
    "ChannelReleasedError",
    "ExecutionFailed",
    "Interpreter",
    "InterpreterError",
    "InterpreterNotFoundError",
    "NotShareableError",
    "RecvChannel",
    "RunFailedError",
    "SendChannel",
    "UncaughtException",
    "create",
    "create_channel",
    "is_shareable",
    "list_all",
]

RecvChannel = _channels.RecvChannel
SendChannel = _channels.SendChannel

_all = weakref.WeakSet()


class UncaughtException(Exception):
    """An exception that code in an interpreter did not catch.  `type`, `msg` and `formatted` describe it."""

    def __init__(self, excinfo):
        super().__init__(excinfo.formatted)
        self.type = excinfo.type
        self.msg = excinfo.msg
        self.formatted = excinfo.errdisplay


class RunFailedError(ExecutionFailed):
    """Code in an interpreter raised an exception, which `__cause__` describes."""


class Interpreter(_interpreter.Interpreter):
    """An interpreter with the methods of PEP 554 and PEP 734, and those of `archipel.Interpreter`."""

    __module__ = "archipel.interpreters"

    isolated = True

    def run(self, source, /, *, channels=None):
        """Run source text in `__main__` after binding channel ends there, as in PEP 554.

        Raises RunFailedError if the code raises an exception.
        """
        try:
            if channels:
                self.prepare_main(dict(channels))
            self.exec(source)
        except ExecutionFailed as error:
            raise RunFailedError(error.excinfo) from UncaughtException(error.excinfo)

    def run_in_thread(self, source, /, *, channels=None):
        """Start `run` in a thread, and return the thread."""
        return _start(lambda: self.run(source, channels=channels))

    def call_in_thread(self, function, /, *args, **kwargs):
        """Start `call` in a thread, and return the thread."""
        return _start(lambda: self.call(function, *args, **kwargs))


def _start(target):
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def create(*, isolated=True):
    """Create an interpreter without capabilities or limits, and return it.  `isolated` is always true."""
    if not isolated:
        raise ValueError("an interpreter of this package is always isolated")
    writers = _outputs.writer(None, "stdout"), _outputs.writer(None, "stderr")
    island = _runtime.runtime()._runtime.create(None, None, [], None, None, *writers)
    interpreter = Interpreter(island, None)
    _all.add(interpreter)
    return interpreter


def list_all():
    """Return the interpreters that `create` made and that still exist."""
    return sorted((interpreter for interpreter in _all if not interpreter._gone), key=lambda each: each.id)


def create_channel(capacity=0):
    """Create a channel and return its ends, `(RecvChannel, SendChannel)`."""
    return _runtime.channel(capacity)


def is_shareable(obj):
    """Return whether `obj` is data, which can be sent."""
    try:
        _archipel.check(obj, "obj")
    except NotShareableError:
        return isinstance(obj, _channels._End)
    return True
