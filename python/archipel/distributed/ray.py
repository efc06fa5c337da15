"""An executor on a Ray cluster."""

from __future__ import annotations

import concurrent.futures
import uuid
from typing import TYPE_CHECKING, Any

import ray

from . import _work

if TYPE_CHECKING:
    from collections.abc import Callable


class RayExecutor(concurrent.futures.Executor):
    """An executor of `concurrent.futures` that makes each call in an interpreter on a worker of a Ray cluster.

    `options` are those of a Ray task, such as `{"num_cpus": 1}`; `settings` are the arguments of `archipel.create`:
    `policy`, `limits` and `image`.  Functions, arguments and results are limited to what `Interpreter.call` accepts.
    `Future.cancel` also stops a call that runs.  The workers need this package in the same version.
    """

    def __init__(self, *, options: dict[str, Any] | None = None, **settings: Any) -> None:
        self._packer = _work.Packer(settings)
        self._key = self._packer.key()
        self._run = ray.remote(max_retries=1, **(options or {}))(_work.run)
        self._pending: set[concurrent.futures.Future[Any]] = set()
        self._shut = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Start the call `fn(*args, **kwargs)`, and return its future.

        Raises RuntimeError after `shutdown`, and NotShareableError for a function that cannot be sent.
        """
        if self._shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        number = uuid.uuid4().hex
        packed = self._packer.pack(fn)
        task = self._run.remote(number, self._packer.settings, self._key, packed, args, kwargs)
        future = _Future(task)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        task.future().add_done_callback(future._settle)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no further calls.  The cluster keeps running."""
        self._shut = True
        pending = list(self._pending)
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            concurrent.futures.wait(pending)


class _Future(concurrent.futures.Future):  # type: ignore[type-arg]
    """The future of a call on a worker."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        self._task = task

    def cancel(self) -> bool:
        """Cancel the call, wherever it is, and return whether it had not ended."""
        if not super().cancel():
            return False
        self.set_running_or_notify_cancel()
        # It raises KeyboardInterrupt in the worker, which interrupts the interpreter.
        ray.cancel(self._task)
        return True

    def _settle(self, task: concurrent.futures.Future[Any]) -> None:
        if self.cancelled() or not self.set_running_or_notify_cancel():
            return
        error = task.exception()
        if error is None:
            self.set_result(task.result())
        else:
            self.set_exception(getattr(error, "cause", None) or error)
