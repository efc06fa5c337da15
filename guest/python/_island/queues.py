"""Queues that wait instead of polling.

`concurrent.interpreters` is CPython's own; its `Queue.put` and `Queue.get` poll every 10 ms and cut
timeouts to whole seconds.  These two methods wait in the host, on a monotonic clock.
"""

import _interpqueues


def _put(self, obj, block=True, timeout=None, *, unbounditems=None):
    if not block:
        return self.put_nowait(obj, unbounditems=unbounditems)
    _interpqueues.put(self._id, obj, timeout=timeout)


def _get(self, block=True, timeout=None):
    if not block:
        return self.get_nowait()
    return _interpqueues.get(self._id, timeout=timeout)[0]


def install(module):
    """Give `module.Queue` these methods, under the names and texts of the originals."""
    queue = module.Queue
    for name, method in (("put", _put), ("get", _get)):
        original = getattr(queue, name)
        method.__name__, method.__qualname__ = name, f"Queue.{name}"
        method.__module__, method.__doc__ = queue.__module__, original.__doc__
        setattr(queue, name, method)
