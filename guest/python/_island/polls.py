"""Polls, which count as waits of zero length: `is_alive`, `get_nowait`, `done` and similar.

A loop that only polls, such as `while thread.is_alive(): pass`, never waits.  With preemptive threads, the other thread
makes progress anyway.  Here it starts during a poll, after a few unsuccessful ones: see `waits.look`.  A poll costs
nothing extra while no thread is pending and nothing is expected in the background.
"""

import functools
import os
import queue
import threading
from concurrent.futures import _base

from . import waits


def _again(function, is_in_vain):
    """Wrap `function` to call it once more if its result was unsuccessful and something has happened since."""

    @functools.wraps(function)
    def look(self, *args, **kwargs):
        found = function(self, *args, **kwargs)
        if (waits.deferred or waits.background) and is_in_vain(found) and waits.look(id(self)):
            return function(self, *args, **kwargs)
        return found

    return look


def _is_set(self):
    if not self._flag and (waits.deferred or waits.background):
        waits.look(id(self))
    return self._flag


def _acquire(original):
    @functools.wraps(original)
    def acquire(self, blocking=True, timeout=None):
        got = original(self, blocking, timeout)
        if not got and not blocking and (waits.deferred or waits.background) and waits.look(id(self)):
            return original(self, blocking, timeout)
        return got

    return acquire


def _get(original):
    @functools.wraps(original)
    def get(self, block=True, timeout=None):
        try:
            return original(self, block, timeout)
        except queue.Empty:
            if not _look(self, block, timeout):
                raise
        return original(self, block, timeout)

    return get


def _put(original):
    @functools.wraps(original)
    def put(self, item, block=True, timeout=None):
        try:
            return original(self, item, block, timeout)
        except queue.Full:
            if not _look(self, block, timeout):
                raise
        return original(self, item, block, timeout)

    return put


def _look(obj, block, timeout):
    """Return whether something has happened since a non-waiting call found `obj` empty or full."""
    if block and timeout != 0 or not (waits.deferred or waits.background):
        return False
    return waits.look(id(obj))


def _first_of(function):
    """Wrap `function`, which looks at all threads, as `_again` does."""

    @functools.wraps(function)
    def look():
        if waits.deferred or waits.background:
            waits.look(function)
        return function()

    return look


def install():
    """Wrap the polling methods of `threading`, `queue` and `concurrent.futures`."""
    functools.update_wrapper(_is_set, threading.Event.is_set)
    threading.Event.is_set = _is_set
    threading.Semaphore.acquire = threading.Semaphore.__enter__ = _acquire(
        threading.Semaphore.acquire
    )
    threading.active_count = _first_of(threading.active_count)
    threading.enumerate = _first_of(threading.enumerate)
    for cls in (queue.Queue, queue.SimpleQueue):
        for name in ("empty", "full", "qsize"):
            if hasattr(cls, name):
                # The caller may be waiting for more items or for fewer.
                setattr(cls, name, _again(getattr(cls, name), lambda found: True))
    queue.Queue.get = _get(queue.Queue.get)
    queue.Queue.put = _put(queue.Queue.put)
    future = _base.Future
    future.done = _again(future.done, lambda done: not done)
    future.cancelled = _again(future.cancelled, lambda cancelled: not cancelled)
    future.running = _again(future.running, lambda running: True)
    if hasattr(os, "sched_yield"):
        os.sched_yield = _first_of(os.sched_yield)
