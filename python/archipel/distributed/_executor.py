"""The part of the executors that does not depend on the engine."""

from __future__ import annotations

import concurrent.futures
import itertools
import uuid
from typing import TYPE_CHECKING, Any

from .._errors import InterpreterDied
from . import _work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class ClusterExecutor(concurrent.futures.Executor):
    """An executor of `concurrent.futures`; a subclass starts the calls on an engine."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._packer = _work.Packer(settings)
        # Interpreters are not shared with other executors, whose functions could have changed them.
        self._key = uuid.uuid4().hex
        self._pending: set[concurrent.futures.Future[Any]] = set()
        self._shut = False

    def _begin(self, number: str, *call: Any) -> Any:
        """Start `_work.run(number, *call)` on a worker, and return its future."""
        raise NotImplementedError

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Start the call `fn(*args, **kwargs)`, and return its future.

        An argument can also be a future or a reference of the engine, whose value the worker takes from its store.
        Raises RuntimeError after `shutdown`, and NotShareableError for a function that cannot be sent.
        """
        return self._start(fn, tuple(kwargs), (*args, *kwargs.values()))

    def map(
        self,
        fn: Callable[..., Any],
        /,
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        **options: Any,
    ) -> Iterator[Any]:
        """Return an iterator over the results of `fn`, called with the items of `iterables`, in order.

        With `chunksize`, a task of the engine makes that number of calls, which costs less for short calls.  The other
        arguments are those of `Executor.map`.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1")
        if chunksize == 1:
            return super().map(fn, *iterables, timeout=timeout, **options)
        rows = zip(*iterables)
        chunks = iter(lambda: list(itertools.islice(rows, chunksize)), [])
        results = super().map(_Chunk(fn), chunks, timeout=timeout, **options)
        return itertools.chain.from_iterable(results)

    def _start(self, fn: Any, names: tuple[str, ...] | None, values: tuple[Any, ...]) -> concurrent.futures.Future[Any]:
        if self._shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if isinstance(fn, _Chunk):
            fn, names = fn.function, None
        packed = self._packer.pack(fn)
        future = self._begin(uuid.uuid4().hex, self._packer.settings, self._key, packed, names, *values)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
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


def died(error: BaseException) -> InterpreterDied:
    """Return the exception of a call after the engine's, which says that its workers died."""
    made = InterpreterDied("the worker of the call died, and so did the worker that ran it again")
    made.__cause__ = error
    return made


class _Chunk:
    """A function that is called once for each item of a list."""

    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        self.function = function
