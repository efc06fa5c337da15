"""Calls in the worker processes of a cluster."""

from __future__ import annotations

import collections
import hashlib
import threading
import weakref

from .. import _runtime, _source
from .._errors import Cancelled, ExecutionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The maximum number of idle interpreters that a worker keeps for one executor.
_MOST_IDLE = 4

_lock = threading.Lock()
# The idle interpreters by the key of their settings, with the functions that they have.
_idle: dict[str, collections.deque[Any]] = {}
# The interpreters of running calls, and the calls that were cancelled before they began.
_running: dict[str, Any] = {}
_cancelled: collections.deque[str] = collections.deque(maxlen=10_000)


class Packer:
    """Makes calls that can be sent to a worker."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        # The functions that were packed before.
        self._packed: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def pack(self, function: Any) -> Any:
        """Return a function as data: its key, and the arguments that install it."""
        try:
            packed = self._packed.get(function)
        except TypeError:
            packed = None
        if packed is None:
            remote = _source.remote(function)
            parts = remote.messages({})
            text = repr((parts, remote.module, remote.qualname)).encode("utf-8", "surrogatepass")
            key = f"d{hashlib.sha256(text).hexdigest()[:32]}"
            packed = parts, key, remote.module, remote.qualname
            try:
                self._packed[function] = packed
            except TypeError:
                pass
        return packed

    def key(self) -> str:
        """Return the key of the settings."""
        return hashlib.sha256(repr(sorted(self.settings.items())).encode()).hexdigest()


def run(number: str, settings: dict[str, Any], key: str, packed: Any, args: Any, kwargs: Any) -> Any:
    """Run a call in an interpreter of this process.  `number` identifies it for `cancel`."""
    with _lock:
        if number in _cancelled:
            raise Cancelled("the call was cancelled")
        idle = _idle.setdefault(key, collections.deque())
        interpreter = idle.popleft() if idle else None
    if interpreter is None:
        interpreter = _runtime.create(**settings)
    with _lock:
        _running[number] = interpreter
    try:
        value = interpreter._call_packed(packed, args, kwargs)
    except ExecutionFailed:
        # The interpreter can be used again.
        _keep(idle, interpreter)
        raise
    except BaseException:
        interpreter.kill()
        if number in _cancelled:
            raise Cancelled("the call was cancelled") from None
        raise
    finally:
        with _lock:
            _running.pop(number, None)
    _keep(idle, interpreter)
    return value


def _keep(idle: Any, interpreter: Any) -> None:
    with _lock:
        if len(idle) < _MOST_IDLE:
            idle.append(interpreter)
            return
    interpreter.kill()


def cancel(number: str) -> bool:
    """Stop a call of this process, and return whether it ran."""
    with _lock:
        _cancelled.append(number)
        interpreter = _running.get(number)
    if interpreter is None:
        return False
    interpreter.kill()
    return True
