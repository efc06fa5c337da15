"""Exceptions that several modules raise, and the conversion of the host's errors to them."""

from componentize_py_types import Err
from wit_world.imports import channels, interpreters

# Err is a frozen dataclass; Python could not even attach a traceback to it.
Err.__setattr__ = BaseException.__setattr__


def forget(error):
    """Release the frames that an `Err` passed through.

    The generated bindings keep the exception in a local of the frame that raises it.  Its traceback would keep both
    alive, with everything that the callers' frames refer to, until the next garbage collection.  Code that catches an
    `Err` without reading its `value` must call this.
    """
    error.__traceback__ = None


def _get_value(self):
    forget(self)
    return self.__dict__["value"]


def _set_value(self, value):
    self.__dict__["value"] = value


Err.value = property(_get_value, _set_value)


class InterpreterError(Exception):
    """An operation on another interpreter failed."""


class InterpreterNotFoundError(InterpreterError):
    """The interpreter does not exist, or this one cannot name it."""


class InterpreterDied(InterpreterError):
    """The interpreter died while it ran a job: it crashed, or the host stopped it."""


class LimitExceeded(InterpreterDied):
    """The interpreter was stopped because it exceeded a limit, or an operation would have exceeded one.

    `kind` is the name of the limit, `limit` its value and `used` the amount, in seconds, bytes or counts.  `who` is
    the id of the interpreter, or None if that is unknown.
    """

    def __init__(self, kind, limit, used, who=None):
        super().__init__(f"limit exceeded: {kind}: {limit}")
        self.kind = kind
        self.limit = limit
        self.used = used
        self.who = who


class Cancelled(BaseException):
    """The running job was cancelled by an ancestor or by the host; the text is their message.

    Like KeyboardInterrupt it does not derive from `Exception`, so `except Exception` does not catch it.
    """


class Denied(InterpreterError):
    """The policy or the limits of this interpreter do not allow the request."""


class AliasError(RuntimeError):
    """The call of an alias failed; the text is the reason that the other side gave.

    Raise it in a function that is lent as an alias to give its caller a reason.  Of any other exception the caller
    gets only the class name.
    """


class NotShareableError(TypeError):
    """The object contains something that is not data, so it cannot be sent."""


class DeadlockError(RuntimeError):
    """A wait cannot end, because all parties that could end it are waiting too; the text lists them."""


# The private modules present these as their own, as CPython's do.
for _class in (InterpreterError, InterpreterNotFoundError):
    _class.__module__ = "_interpreters"
NotShareableError.__module__ = "_interpreters"
for _class in (DeadlockError, InterpreterDied, LimitExceeded, Cancelled, Denied, AliasError):
    _class.__module__ = "archipel"

# Limits on time, which Python expresses in seconds.
_TIMES = frozenset(("cpu", "wall"))


def amount(kind, number):
    """Convert an amount from the host's unit to Python's."""
    return number / 1e9 if kind in _TIMES and number is not None else number


def limit_exceeded(reached, who=None):
    """Return the exception for an exceeded limit that the host reports."""
    kind = reached.kind
    return LimitExceeded(kind, amount(kind, reached.limit), amount(kind, reached.used), who)


def refusal_error(refusal, id=None):
    """Return the exception for a `refusal` of the host that concerns interpreter `id`."""
    match refusal:
        case interpreters.Refusal_Absent():
            return InterpreterNotFoundError(f"unrecognized interpreter ID {id}")
        case interpreters.Refusal_Running():
            return InterpreterError("interpreter already running")
        case interpreters.Refusal_Closed():
            return InterpreterNotFoundError(f"interpreter {id} is closed")
        case interpreters.Refusal_Limit(value=("handles", limit)):
            return LimitExceeded("handles", limit, limit + 1)
        case interpreters.Refusal_Limit(value=(what, limit)):
            return InterpreterError(f"limit exceeded: {limit} {what}")
        case interpreters.Refusal_NotShareable(value=what):
            return NotShareableError(what)
        case interpreters.Refusal_Unfit(value=why):
            return InterpreterError(why)
        case interpreters.Refusal_Denied(value=what):
            return Denied(what)
        case interpreters.Refusal_Wrong(value=what):
            return ValueError(what)
    return InterpreterError(f"unexpected refusal by the host: {refusal!r}")


def channel_error(error):
    """Return the exception for a channel `error` that has no meaning specific to the calling module."""
    match error:
        case channels.Error_NotShareable(value=what):
            return NotShareableError(what)
        case channels.Error_TooLarge(value=limit):
            return ValueError(f"too large: the limit is {limit}")
        case channels.Error_Limit(value=reached):
            return limit_exceeded(reached)
        case channels.Error_NoMemory():
            return MemoryError()
        case channels.Error_Deadlock(value=text):
            return DeadlockError(text)
        case channels.Error_Closed():
            return RuntimeError("the interpreter is being stopped")
    return RuntimeError(f"unexpected error from the host: {error!r}")
