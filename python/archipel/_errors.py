"""The exceptions of the package, and their construction for errors of the library."""

from __future__ import annotations

from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Error(Exception):
    """The base of all exceptions of this package."""


class InterpreterError(Error):
    """An operation on an interpreter failed."""


class InterpreterNotFoundError(InterpreterError):
    """The interpreter was closed, or has ended."""


class ConfigError(InterpreterError, ValueError):
    """An argument is invalid; the text says why and how to fix it."""


class OutOfMemory(InterpreterError, MemoryError):
    """The system refused memory for an interpreter."""


class ExecutionFailed(InterpreterError):
    """Code in an interpreter raised an exception and did not catch it.

    `excinfo` describes that exception: `type` (with `__name__`, `__qualname__` and `__module__`), `msg`, `formatted`
    (one line) and `errdisplay` (the traceback).  The interpreter can be used again.

        >>> import archipel
        >>> with archipel.create() as interpreter:
        ...     try:
        ...         interpreter.exec("1 / 0")
        ...     except archipel.ExecutionFailed as error:
        ...         error.excinfo.type.__name__, error.excinfo.msg
        ('ZeroDivisionError', 'division by zero')
    """

    def __init__(self, excinfo: Any) -> None:
        super().__init__(excinfo.formatted)
        self.excinfo: Any = excinfo

    def __str__(self) -> str:
        return f"{super().__str__()}\n\nUncaught in the interpreter:\n\n{self.excinfo.errdisplay}"

    def __reduce__(self) -> Any:
        return type(self), (self.excinfo,)


class InterpreterDied(InterpreterError):
    """The interpreter crashed, ended its process or was killed.  It is gone."""


class LimitExceeded(InterpreterDied):
    """The interpreter exceeded a limit and was stopped.  It is gone.

    `kind` is the name of the limit, `limit` its value and `used` the amount, in seconds, bytes or counts.
    """

    def __init__(self, text: str, kind: str, limit: float, used: float) -> None:
        super().__init__(text)
        self.kind: str = kind
        self.limit: float = limit
        self.used: float = used

    def __reduce__(self) -> Any:
        return type(self), (self.args[0], self.kind, self.limit, self.used)


class Cancelled(InterpreterError):
    """The interpreter was cancelled with `unwind=True`, or a task was cancelled.  The text is the message."""


class Denied(InterpreterError):
    """A policy or a limit does not allow the request."""


class NotShareableError(Error, TypeError):
    """An object is not data, so it cannot be sent.  The text has the path to it inside the argument."""


class DeadlockError(Error, RuntimeError):
    """A wait cannot end, because what could end it waits too."""


class AliasError(Error, RuntimeError):
    """The reason for which a host function fails, for the script that called it.

    Raise it in a function that is lent as an alias.  Of any other exception the script gets only the class name.
    """


class ChannelError(Error):
    """An operation on a channel failed."""


class ChannelClosedError(ChannelError):
    """The channel is closed, and has no objects left."""


class ChannelEmptyError(ChannelError):
    """The channel has no object now."""


class ChannelReleasedError(ChannelClosedError):
    """This end of the channel was released."""


for _name, _class in list(globals().items()):
    if isinstance(_class, type) and issubclass(_class, Error):
        _class.__module__ = "archipel"


def _failed(module, name, qualname, message, display):
    """Return the `ExecutionFailed` for an exception in a guest."""
    kind = SimpleNamespace(__name__=name, __qualname__=qualname, __module__=module)
    formatted = f"{name}: {message}" if message else name
    return ExecutionFailed(
        SimpleNamespace(type=kind, msg=message, formatted=formatted, errdisplay=display)
    )


def _limit_exceeded(text, kind, limit, used):
    return LimitExceeded(text, kind, limit, used)


def _complaint(error):
    """Return the reason for which a host function failed, for the script, and the detail for the host's log."""
    import logging
    import traceback

    # Not a warning, since the script decides how often it calls the function.
    logging.getLogger("archipel").info("a host function failed", exc_info=error)
    detail = "".join(traceback.format_exception(type(error), error, error.__traceback__))[-10_000:]
    if isinstance(error, AliasError):
        return str(error)[:1000], detail
    return f"the command failed: {type(error).__name__}", detail
