"""Exceptions that the host makes rise in what runs: KeyboardInterrupt, and Cancelled.

The host has a signal of its own for them, the last one, which arrives wherever CPython looks for signals:
between two instructions, and in long C code.  What is to rise the handler asks the host.
"""

import _signal

from wit_world.imports import process

from .errors import Cancelled

# The linker knows this number too: `guest/src/alarm.rs`.
_SIGNAL = 64

_getsignal = _signal.getsignal
_INTERRUPT = _signal.SIGINT
_IGNORE = _signal.SIG_IGN
_Cancelled = process.Interruption_Cancelled

# The package of the library itself, and that of the bindings.
_OWN = ("_island", "wit_world", "componentize_py")


def _arrived(number, frame):
    if _may_rise(frame):
        rise(frame)


def rise(frame=None):
    """Raise what the host asks for, if it still does; a signal handler of the script's may return."""
    asked = process.take_interruption()
    if asked is None:
        return
    if type(asked) is _Cancelled:
        raise Cancelled(asked.value)
    handler = _getsignal(_INTERRUPT)
    if callable(handler):
        handler(_INTERRUPT, frame)
    elif handler != _IGNORE:
        raise KeyboardInterrupt


def _may_rise(frame):
    """Whether an exception may rise in `frame`; if not, the host signals again.

    In the bindings nobody would catch it; the library would lose what it has just received; and in the
    telling of how a script has ended it would come too late.
    """
    caller = frame
    while caller is not None and caller.f_globals.get("__name__") == "enum":
        # The bindings call it too.
        caller = caller.f_back
    if caller is None or _is_own(caller) or caller.f_globals.get("__name__") == "weakref":
        # The bindings call finalizers of handles, and would not survive it either.
        return False
    inner = frame
    while (outer := inner.f_back) is not None and outer.f_back is not None:
        inner = outer
    return inner.f_globals.get("__name__") != "_island.report"


def _is_own(frame):
    name = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.startswith(_OWN)


def install():
    """Listen to the host."""
    _signal.signal(_SIGNAL, _arrived)
