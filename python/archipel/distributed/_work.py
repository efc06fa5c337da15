"""Calls in the worker processes of a cluster."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import signal
import threading
import weakref

from .. import _runtime, _source
from .._errors import Cancelled, ExecutionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# The maximum number of idle interpreters that a worker keeps.
_MOST_IDLE = 8

# The maximum number of cancelled calls that a worker remembers.
_MOST_CANCELLED = 10_000

_lock = threading.Lock()
# The idle interpreters with the keys of their executors, the one that was used last at the end.
_idle: list[tuple[str, Any]] = []
# The interpreters of running calls, and the calls that were cancelled before they began.
_running: dict[str, Any] = {}
_cancelled: dict[str, None] = {}


class Packer:
    """Makes calls that can be sent to a worker."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        # The functions that were packed before.
        self._packed: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def pack(self, function: Any) -> Any:
        """Return a function as data: its key, and the pickled arguments that install it."""
        try:
            packed = self._packed.get(function)
        except TypeError:
            packed = None
        if packed is None:
            remote = _source.remote(function)
            parts = remote.messages({})
            data = pickle.dumps((parts, remote.module, remote.qualname), pickle.HIGHEST_PROTOCOL)
            packed = f"d{hashlib.sha256(data).hexdigest()[:32]}", data
            try:
                self._packed[function] = packed
            except TypeError:
                pass
        return packed


def run(number: str, settings: dict[str, Any], key: str, packed: Any, names: Any, *values: Any) -> Any:
    """Run a call in an interpreter of this process.  `number` identifies it for `cancel`, and `key` its executor.

    The last values are the arguments with `names`.  With None for `names`, the value is a list of the arguments of
    several calls, and the result a list of theirs.
    """
    interpreter = _take(key) or _runtime.create(**settings)
    try:
        with _lock:
            _running[number] = interpreter
            if number in _cancelled:
                raise Cancelled("the call was cancelled")
        with _killing_on_interrupt(interpreter):
            function, data = packed
            if not interpreter._has_installed(function):
                parts, module, qualname = pickle.loads(data)
                interpreter._install(parts, function, module, qualname)
            if names is None:
                value = [interpreter._call_installed(function, args, {}) for args in values[0]]
            else:
                count = len(values) - len(names)
                kwargs = dict(zip(names, values[count:]))
                value = interpreter._call_installed(function, values[:count], kwargs)
    except ExecutionFailed:
        # The interpreter can be used again.
        _keep(key, interpreter)
        raise
    except BaseException:
        interpreter.kill()
        if number in _cancelled:
            raise Cancelled("the call was cancelled") from None
        raise
    finally:
        with _lock:
            _running.pop(number, None)
    _keep(key, interpreter)
    return value


def _take(key: str) -> Any:
    """Return an idle interpreter of an executor, or None."""
    with _lock:
        for place in reversed(range(len(_idle))):
            if _idle[place][0] == key:
                return _idle.pop(place)[1]
    return None


@contextlib.contextmanager
def _killing_on_interrupt(interpreter: Any) -> Iterator[None]:
    """Kill the interpreter at an interrupt of this process, by which Ray cancels a task.

    Its code could catch the KeyboardInterrupt that it gets otherwise.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def kill(*_: Any) -> None:
        interpreter.kill()
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGINT, kill)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous or signal.SIG_DFL)


def _keep(key: str, interpreter: Any) -> None:
    with _lock:
        _idle.append((key, interpreter))
        excess = _idle.pop(0)[1] if len(_idle) > _MOST_IDLE else None
    if excess is not None:
        excess.kill()


def cancel(number: str) -> bool:
    """Stop a call of this process, and return whether it ran."""
    with _lock:
        while len(_cancelled) >= _MOST_CANCELLED:
            _cancelled.pop(next(iter(_cancelled)))
        _cancelled[number] = None
        interpreter = _running.get(number)
    if interpreter is None:
        return False
    interpreter.kill()
    return True
