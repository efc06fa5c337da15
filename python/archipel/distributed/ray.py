"""An executor on a Ray cluster."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import ray
from ray.exceptions import WorkerCrashedError

from . import _work
from ._executor import ClusterExecutor, died


class RayExecutor(ClusterExecutor):
    """An executor of `concurrent.futures` that makes each call in an interpreter on a worker of a Ray cluster.

    `options` are those of a Ray task, such as `{"num_cpus": 1}`; `settings` are the arguments of `archipel.create`:
    `policy`, `limits` and `image`.  Functions, arguments and results are limited to what `Interpreter.call` accepts.
    `Future.cancel` also stops a call that runs.  The workers need this package in the same version.
    """

    def __init__(self, *, options: dict[str, Any] | None = None, **settings: Any) -> None:
        super().__init__(settings)
        self._run = ray.remote(max_retries=1, **(options or {}))(_work.run)

    def _begin(self, number: str, *call: Any) -> Any:
        task = self._run.remote(number, *call)
        future = _Future(task)
        task.future().add_done_callback(future._settle)
        return future


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
            error = getattr(error, "cause", None) or error
            self.set_exception(died(error) if isinstance(error, WorkerCrashedError) else error)
