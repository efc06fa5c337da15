"""The part of the executors that does not depend on the engine."""

from __future__ import annotations

import concurrent.futures
import uuid
from typing import TYPE_CHECKING, Any

from . import _work

if TYPE_CHECKING:
    from collections.abc import Callable


class ClusterExecutor(concurrent.futures.Executor):
    """An executor of `concurrent.futures`; a subclass starts the calls on an engine."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._packer = _work.Packer(settings)
        self._key = self._packer.key()
        self._pending: set[concurrent.futures.Future[Any]] = set()
        self._shut = False

    def _begin(self, number: str, *call: Any) -> Any:
        """Start `_work.run(number, *call)` on a worker.  Return its future, and the engine's, which ends with it."""
        raise NotImplementedError

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Start the call `fn(*args, **kwargs)`, and return its future.

        Raises RuntimeError after `shutdown`, and NotShareableError for a function that cannot be sent.
        """
        if self._shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        packed = self._packer.pack(fn)
        future, engines = self._begin(uuid.uuid4().hex, self._packer.settings, self._key, packed, args, kwargs)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        engines.add_done_callback(future._settle)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no further calls.  The cluster and its client stay as they are."""
        self._shut = True
        pending = list(self._pending)
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            concurrent.futures.wait(pending)
