"""Exceptions that the host raises in running code: KeyboardInterrupt and Cancelled.

The host uses a signal of its own, the last one, which arrives wherever CPython checks for signals: between
instructions, and in long-running C code.  The handler asks the host which exception to raise.
"""

import _signal

from wit_world.imports import process

from .errors import Cancelled

# `guest/src/alarm.rs` has the same number.
_SIGNAL = 64

_getsignal = _signal.getsignal
_INTERRUPT = _signal.SIGINT
_IGNORE = _signal.SIG_IGN
_Cancelled = process.Interruption_Cancelled

# The package of the library itself, and the packages of the bindings.
_OWN = ("_island", "wit_world", "componentize_py")


def _handle_signal(number, frame):
    if _may_rise(frame):
        rise(frame)


def rise(frame=None):
    """Raise the exception that the host requests, if any; returns if a signal handler of the script returns."""
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
    """Return whether an exception may be raised in `frame`; if not, the host signals again.

    In the bindings nothing would catch the exception.  The library would lose a message that it has just received.  In
    the report of how a script ended, the exception would come too late.
    """
    caller = frame
    while caller is not None and caller.f_globals.get("__name__") == "enum":
        # The bindings call `enum` too.
        caller = caller.f_back
    if caller is None or _is_own(caller) or caller.f_globals.get("__name__") == "weakref":
        # The bindings also call finalizers of handles, which must not raise.
        return False
    inner = frame
    while (outer := inner.f_back) is not None and outer.f_back is not None:
        inner = outer
    return inner.f_globals.get("__name__") != "_island.report"


def _is_own(frame):
    name = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.startswith(_OWN)


def install():
    """Install the handler of the host's signal."""
    _signal.signal(_SIGNAL, _handle_signal)
