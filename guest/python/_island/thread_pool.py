"""`concurrent.futures.ThreadPoolExecutor` for an interpreter with one stack.

A submitted call runs as a `threading.Thread` would: when the submitter next waits or ends.
"""

from concurrent.futures import _base
from concurrent.futures import thread as _thread

from . import waits


class _Work:
    __slots__ = ("executor", "item")

    def __init__(self, executor, item):
        self.executor = executor
        self.item = item

    def _run_deferred(self):
        context = self.executor._context()
        if context is not None:
            self.item.run(context)


def _context(self):
    """Return the context that the work runs in, or None if its initializer failed."""
    if self._broken:
        return None
    if self._own_context is None:
        context = self._create_worker_context()
        try:
            context.initialize()
        except BaseException:
            _base.LOGGER.critical("Exception in initializer:", exc_info=True)
            self._initializer_failed()
            return None
        self._own_context = context
    return self._own_context


def submit(self, fn, /, *args, **kwargs):
    if self._broken:
        raise self.BROKEN(self._broken)
    if self._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    future = _base.Future()
    item = _thread._WorkItem(future, self._resolve_work_item_task(fn, args, kwargs))
    waits.deferred.append(_Work(self, item))
    return future


def _own_work(self):
    return [w for w in waits.deferred if type(w) is _Work and w.executor is self]


def _initializer_failed(self):
    self._broken = "A thread initializer failed, the thread pool is not usable anymore"
    for work in _own_work(self):
        waits.deferred.remove(work)
        work.item.future.set_exception(self.BROKEN(self._broken))


def shutdown(self, wait=True, *, cancel_futures=False):
    self._shutdown = True
    for work in _own_work(self):
        if cancel_futures:
            waits.deferred.remove(work)
            work.item.future.cancel()
        elif wait and work in waits.deferred:
            waits.deferred.remove(work)
            work._run_deferred()


def install():
    """Install these methods in the class, with the docstrings of the originals."""
    cls = _thread.ThreadPoolExecutor
    cls._own_context = None
    for method in (submit, shutdown, _initializer_failed):
        original = getattr(cls, method.__name__)
        method.__doc__, method.__module__ = original.__doc__, original.__module__
        method.__qualname__ = original.__qualname__
        setattr(cls, method.__name__, method)
    cls._context = _context
