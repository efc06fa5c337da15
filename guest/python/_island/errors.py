"""The exceptions that more than one of the modules raises, and what the host's errors become."""

from componentize_py_types import Err
from wit_world.imports import channels, interpreters

# It is a frozen dataclass, to which Python could not even attach a traceback.
Err.__setattr__ = BaseException.__setattr__


def forget(error):
    """Let go of the frames that an `Err` came through.

    The generated bindings keep it in a local of the frame that raises it, so that its traceback would
    keep it alive, with all that the frames of the callers have, until garbage is collected.  Whoever
    catches one and does not look at its value calls this.
    """
    error.__traceback__ = None


def _get_value(self):
    forget(self)
    return self.__dict__["value"]


def _set_value(self, value):
    self.__dict__["value"] = value


Err.value = property(_get_value, _set_value)


class InterpreterError(Exception):
    """A cross-interpreter operation failed."""


class InterpreterNotFoundError(InterpreterError):
    """An interpreter was not found."""


class InterpreterDied(InterpreterError):
    """The interpreter died in what it was asked to do: a crash, or a stop by the host."""


class LimitExceeded(InterpreterDied):
    """The interpreter was stopped since it reached a limit, or could not do what would pass one.

    `kind` is the limit's name, `limit` how much there may be and `used` how much there was, in seconds,
    bytes or counts; `who` is the id of the interpreter, if that is known.
    """

    def __init__(self, kind, limit, used, who=None):
        super().__init__(f"limit exceeded: {kind}: {limit}")
        self.kind = kind
        self.limit = limit
        self.used = used
        self.who = who


class Cancelled(BaseException):
    """What runs was cancelled from outside, for the reason that the text says.

    As KeyboardInterrupt it is no `Exception`, so that only who means it catches it.
    """


class Denied(InterpreterError):
    """What was asked for is more than whoever asks may have."""


class AliasError(RuntimeError):
    """An alias failed, for the reason that the other side gave.

    A function that others can call raises it to tell its caller a reason; of any other exception the
    caller learns the class.
    """


class NotShareableError(TypeError):
    """An object has something in it that is not data, so it cannot be sent."""


class DeadlockError(RuntimeError):
    """A wait that could never end: everybody who could end it is waiting too."""


# The private modules present these as theirs, as CPython's do.
for _class in (InterpreterError, InterpreterNotFoundError):
    _class.__module__ = "_interpreters"
NotShareableError.__module__ = "_interpreters"
for _class in (DeadlockError, InterpreterDied, LimitExceeded, Cancelled, Denied, AliasError):
    _class.__module__ = "archipel"

# Limits that are times, which Python has in seconds.
_TIMES = frozenset(("cpu", "wall"))


def amount(kind, number):
    """An amount of the host's as Python has it."""
    return number / 1e9 if kind in _TIMES and number is not None else number


def limit_exceeded(reached, who=None):
    """The exception for a limit that the host says was reached."""
    kind = reached.kind
    return LimitExceeded(kind, amount(kind, reached.limit), amount(kind, reached.used), who)


def refused(refusal, id=None):
    """The exception for a `refusal` of the host that concerns interpreter `id`."""
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
            return InterpreterError(f"the limit of {limit} {what} is reached")
        case interpreters.Refusal_NotShareable(value=what):
            return NotShareableError(what)
        case interpreters.Refusal_Unfit(value=why):
            return InterpreterError(why)
        case interpreters.Refusal_Denied(value=what):
            return Denied(what)
        case interpreters.Refusal_Wrong(value=what):
            return ValueError(what)
    return InterpreterError(f"refused: {refusal!r}")


def not_sent(error):
    """The exception for an `error` that no channel module gives a meaning of its own."""
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
    return RuntimeError(f"refused: {error!r}")
