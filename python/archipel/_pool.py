"""An executor whose workers are interpreters."""

from __future__ import annotations

import concurrent.futures
import os
import threading
import weakref
from collections import deque

from . import _runtime
from ._errors import Error, ExecutionFailed, InterpreterDied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from . import _types


class BrokenInterpreterPool(Error, concurrent.futures.BrokenExecutor):
    """The initializer of an `InterpreterPoolExecutor` failed, so the pool cannot run calls."""

    __module__ = "archipel"


class _Call:
    __slots__ = ("future", "function", "args", "kwargs")

    def __init__(self, future, function, args, kwargs):
        self.future = future
        self.function = function
        self.args = args
        self.kwargs = kwargs


class _Worker:
    """A place for an interpreter, which the first call creates."""

    __slots__ = ("interpreter",)

    def __init__(self):
        self.interpreter = None

    def kill(self):
        """Destroy the interpreter.  The next call creates another."""
        if self.interpreter is not None:
            self.interpreter.kill()
            self.interpreter = None


class InterpreterPoolExecutor(concurrent.futures.Executor):
    """An executor of `concurrent.futures` that makes each call in one of several interpreters, in parallel.

    `max_workers` is the number of interpreters; the default is one for each processor.  They are created when they
    are needed, with `policy`, `limits`, `image`, `stdout` and `stderr` as in `archipel.create`.  `initializer` is
    called with `initargs` in each new interpreter.  Functions, arguments and results are limited to what
    `Interpreter.call` accepts.

        >>> import archipel
        >>> with archipel.InterpreterPoolExecutor(2) as pool:
        ...     list(pool.map(pow, [1, 2, 3], [2, 2, 2]))
        [1, 4, 9]

    The exception of a call is raised by `Future.result` as ExecutionFailed.  An interpreter that a call ends, such as
    by a limit, is replaced by a new one.
    """

    __module__ = "archipel"

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: str | Callable[..., Any] | None = None,
        initargs: Iterable[Any] = (),
        *,
        policy: _types.Policy = None,
        limits: _types.Limits = None,
        image: _types.Path = None,
        stdout: _types.Output = None,
        stderr: _types.Output = None,
        runtime: _runtime.Runtime | None = None,
    ) -> None:
        if max_workers is None:
            max_workers = os.cpu_count() or 1
        if isinstance(max_workers, bool) or not isinstance(max_workers, int):
            raise TypeError(f"max_workers must be an int or None, not {type(max_workers).__name__}")
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer) and not isinstance(initializer, str):
            raise TypeError("initializer must be callable, a name or None")
        create = _runtime.create if runtime is None else runtime.create
        name = thread_name_prefix or "pool"
        self._create = lambda: create(
            policy=policy, limits=limits, image=image, name=name, stdout=stdout, stderr=stderr
        )
        self._most = max_workers
        self._initializer = initializer
        self._initargs = tuple(initargs)
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._queue: deque[_Call] = deque()
        self._idle: list[_Worker] = []
        self._count = 0
        self._running: set[_Worker] = set()
        self._shut = False
        self._broken = None
        weakref.finalize(self, _close_all, self._idle)

    def submit(self, fn: str | Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Start the call `fn(*args, **kwargs)` in an interpreter, and return its `concurrent.futures.Future`.

        Raises RuntimeError after `shutdown`, and BrokenInterpreterPool if an initializer failed.
        """
        call = _Call(concurrent.futures.Future(), fn, args, kwargs)
        with self._lock:
            if self._broken is not None:
                raise BrokenInterpreterPool(self._broken)
            if self._shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            worker = self._take()
            if worker is None:
                self._queue.append(call)
                return call.future
        self._start(worker, call)
        return call.future

    def _take(self):
        """Return an idle or a new worker, or None.  The caller has the lock."""
        if self._idle:
            return self._idle.pop()
        if self._count < self._most:
            self._count += 1
            return _Worker()
        return None

    def _start(self, worker, call):
        """Start a call in `worker`, and other calls for as long as calls cannot be started."""
        while call is not None:
            if not call.future.set_running_or_notify_cancel():
                worker, call = self._next(worker)
                continue
            try:
                if worker.interpreter is None:
                    worker.interpreter = self._made()
                interpreter = worker.interpreter
                name, args, kwargs = interpreter._bound(
                    interpreter._name_of(call.function), call.args, call.kwargs
                )
                with self._lock:
                    self._running.add(worker)
                interpreter._island.call_later(name, args, kwargs, self._finisher(worker, call))
                return
            except BaseException as error:
                with self._lock:
                    self._running.discard(worker)
                call.future.set_exception(error)
                if isinstance(error, InterpreterDied):
                    worker.kill()
                worker, call = self._next(worker)

    def _made(self):
        interpreter = self._create()
        if self._initializer is not None:
            try:
                interpreter.call(self._initializer, *self._initargs)
            except BaseException as error:
                interpreter.kill()
                with self._lock:
                    self._broken = f"the initializer failed: {type(error).__name__}: {error}"
                    queue, self._queue = self._queue, deque()
                for call in queue:
                    call.future.set_exception(BrokenInterpreterPool(self._broken))
                raise BrokenInterpreterPool(self._broken) from error
        return interpreter

    def _finisher(self, worker, call):
        def finish(value, error):
            with self._lock:
                self._running.discard(worker)
            if error is not None and not isinstance(error, ExecutionFailed):
                # The interpreter can be gone, so another takes its place.
                worker.kill()
            # The next call starts before callbacks of this one run.
            self._start(*self._next(worker))
            if error is not None:
                call.future.set_exception(error)
            else:
                call.future.set_result(value)

        return finish

    def _next(self, worker):
        """Return a worker and its next call, or put it back and return None for the call."""
        with self._lock:
            if self._queue:
                return worker, self._queue.popleft()
            if self._shut or worker.interpreter is None:
                self._count -= 1
                worker.kill()
            else:
                self._idle.append(worker)
            if self._count == 0 or self._shut and not self._running:
                self._ended.notify_all()
            return None, None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no further calls, and destroy the interpreters when their calls have ended.

        With `wait`, it returns after that.  `cancel_futures` cancels the calls that have not started.
        """
        with self._lock:
            self._shut = True
            idle, self._idle[:] = list(self._idle), []
            self._count -= len(idle)
            cancelled: deque[_Call] = deque()
            if cancel_futures:
                cancelled, self._queue = self._queue, deque()
        for worker in idle:
            worker.kill()
        for call in cancelled:
            call.future.cancel()
            call.future.set_running_or_notify_cancel()
        if wait:
            with self._lock:
                while self._count > 0:
                    # In slices, so that KeyboardInterrupt ends the wait.
                    self._ended.wait(1.0)


def _close_all(idle):
    for worker in idle:
        worker.kill()
