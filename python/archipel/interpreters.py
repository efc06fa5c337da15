"""The names of PEP 554 and PEP 734 for host programs that were written for those.

    >>> from archipel import interpreters
    >>> interp = interpreters.create()
    >>> interp.run("print('during')")
    during

The host itself is not an interpreter of this package, so `get_current`, `get_main` and queues do not exist here.
"""

from __future__ import annotations

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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

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

    def __init__(self, excinfo: Any) -> None:
        super().__init__(excinfo.formatted)
        self.type: Any = excinfo.type
        self.msg: str = excinfo.msg
        self.formatted: str = excinfo.errdisplay


class RunFailedError(ExecutionFailed):
    """Code in an interpreter raised an exception, which `__cause__` describes."""


class Interpreter(_interpreter.Interpreter):
    """An interpreter with the methods of PEP 554 and PEP 734, and those of `archipel.Interpreter`."""

    __module__ = "archipel.interpreters"

    isolated: bool = True

    def run(  # type: ignore[override]  # PEP 554 has this signature.
        self, source: str, /, *, channels: Mapping[str, RecvChannel | SendChannel] | None = None
    ) -> None:
        """Run source text in `__main__` after binding channel ends there, as in PEP 554.

        Raises RunFailedError if the code raises an exception.
        """
        try:
            if channels:
                self.prepare_main(dict(channels))
            self.exec(source)
        except ExecutionFailed as error:
            raise RunFailedError(error.excinfo) from UncaughtException(error.excinfo)

    def run_in_thread(
        self, source: str, /, *, channels: Mapping[str, RecvChannel | SendChannel] | None = None
    ) -> threading.Thread:
        """Start `run` in a thread, and return the thread."""
        return _start(lambda: self.run(source, channels=channels))

    def call_in_thread(
        self, function: str | Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> threading.Thread:
        """Start `call` in a thread, and return the thread."""
        return _start(lambda: self.call(function, *args, **kwargs))


def _start(target):
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def create(*, isolated: bool = True) -> Interpreter:
    """Create an interpreter without capabilities or limits, and return it.  `isolated` is always true."""
    if not isolated:
        raise ValueError("an interpreter of this package is always isolated")
    writers = _outputs.writer(None, "stdout"), _outputs.writer(None, "stderr")
    island = _runtime.runtime()._runtime.create(None, None, [], None, None, *writers)
    interpreter = Interpreter(island, None)
    _all.add(interpreter)
    return interpreter


def list_all() -> list[Interpreter]:
    """Return the interpreters that `create` made and that still exist."""
    return sorted((interpreter for interpreter in _all if not interpreter._gone), key=lambda each: each.id)


def create_channel(capacity: int | None = 0) -> tuple[RecvChannel, SendChannel]:
    """Create a channel and return its ends, `(RecvChannel, SendChannel)`."""
    return _runtime.channel(capacity)


def is_shareable(obj: object) -> bool:
    """Return whether `obj` is data, which can be sent."""
    try:
        _archipel.check(obj, "obj")
    except NotShareableError:
        return isinstance(obj, _channels._End)
    return True
