"""An executor on a Dask cluster."""

from __future__ import annotations

import concurrent.futures
import queue
import threading
import weakref
from typing import TYPE_CHECKING, Any

from distributed import KilledWorker
from distributed.diagnostics.plugin import SchedulerPlugin

from . import _work
from ._executor import ClusterExecutor, died

if TYPE_CHECKING:
    from distributed import Client

# The keys of the tasks begin with this.
_PREFIX = "archipel-"


class DaskExecutor(ClusterExecutor):
    """An executor of `concurrent.futures` that makes each call in an interpreter on a worker of a Dask cluster.

    `client` is the `distributed.Client`; `settings` are the arguments of `archipel.create`: `policy`, `limits` and
    `image`.  Functions, arguments and results are limited to what `Interpreter.call` accepts.  `Future.cancel` also
    stops a call that runs.  The workers and the scheduler need this package in the same version.
    """

    def __init__(self, client: Client, **settings: Any) -> None:
        super().__init__(settings)
        self._client = client
        client.register_plugin(_RetriesOnce(), name="archipel-retries")
        # The calls that ended, whose results a thread gathers together.
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        arguments = client, self._ended, self._pending
        threading.Thread(target=_gather, args=arguments, name="archipel-dask", daemon=True).start()
        weakref.finalize(self, self._ended.put, None)

    def _begin(self, number: str, *call: Any) -> Any:
        task = self._client.submit(_work.run, number, *call, key=f"{_PREFIX}{number}", pure=False)
        future = _Future(self._client, task, number)
        ended = self._ended
        task.add_done_callback(lambda _: ended.put(future))
        return future


class _RetriesOnce(SchedulerPlugin):
    """Lets a call whose worker died run once more, instead of as often as other tasks of the cluster."""

    idempotent = True

    def __init__(self) -> None:
        self._scheduler: Any = None

    async def start(self, scheduler: Any) -> None:
        self._scheduler = scheduler

    def transition(self, key: Any, start: str, finish: str, *args: Any, **kwargs: Any) -> None:
        if finish == "processing" and isinstance(key, str) and key.startswith(_PREFIX):
            task = self._scheduler.tasks.get(key)
            if task is not None:
                # The number of workers that died with it.
                task.suspicious = max(task.suspicious, self._scheduler.allowed_failures - 1)


async def _cancel(number: str) -> None:
    # It does not block the event loop of the worker.
    _work.cancel(number)


class _Future(concurrent.futures.Future):  # type: ignore[type-arg]
    """The future of a call on a worker."""

    def __init__(self, client: Any, task: Any, number: str) -> None:
        super().__init__()
        self._client = client
        self._task = task
        self._number = number

    def cancel(self) -> bool:
        """Cancel the call, wherever it is, and return whether it had not ended."""
        if not super().cancel():
            return False
        self.set_running_or_notify_cancel()
        self._client.cancel([self._task], force=True)
        # Dask does not stop a task that runs.
        self._client.run(_cancel, self._number, wait=False, on_error="ignore")
        return True

    def is_wanted(self) -> bool:
        """Return whether the result is wanted.  It cannot be cancelled from now on."""
        return not self.cancelled() and self.set_running_or_notify_cancel()

    def settle(self) -> None:
        """Set the result of the task, or its exception."""
        task = self._task
        try:
            if task.status == "error":
                raise task.exception()
            self.set_result(task.result())
        except KilledWorker as error:
            self.set_exception(died(error))
        except BaseException as error:
            self.set_exception(error)


def _gather(client: Any, ended: queue.SimpleQueue[Any], pending: set[Any]) -> None:
    """Give futures their results until `ended` yields None and no future is pending."""
    is_last = False
    while pending or not is_last:
        futures = [ended.get()]
        while not ended.empty():
            futures.append(ended.get())
        is_last = is_last or None in futures
        futures = [future for future in futures if future is not None and future.is_wanted()]
        finished = [future for future in futures if future._task.status == "finished"]
        try:
            # One request for all is faster than one for each.
            values = client.gather([future._task for future in finished])
        except BaseException:
            finished, values = [], []
        for future, value in zip(finished, values):
            future.set_result(value)
        for future in futures:
            if not future.done():
                future.settle()
            # The scheduler can forget the result.
            future._task.release()
