"""Jobs that run in other interpreters while this one goes on."""

import itertools
import sys
import threading
import weakref

import _interpreters
from componentize_py_types import Err
from wit_world.imports import channels

from . import waits
from .errors import not_sent

_numbers = itertools.count(1)

# Those that an interpreter at its end waits for, as it does for threads.
_live = weakref.WeakSet()


class TaskThread(threading.Thread):
    """A job in another interpreter, with the methods of a thread.

    `start()` returns the task of the job; what it raises, and what `finish(result, excinfo)` raises
    when the job has ended, is shown as an uncaught exception of a thread is.  What interrupts the
    caller meanwhile is the caller's.
    """

    def __init__(self, start, finish, name=None):
        super().__init__(name=name or f"Interpreter-{next(_numbers)}")
        self._finish = finish
        self._task = None
        self._error = None
        try:
            self._task = start()
        except (Exception, SystemExit) as error:
            self._error = error
            self._report(error)
        else:
            # Whoever drops it without joining it has an interpreter that goes on nevertheless.
            _live.add(self)
        self._started.set()

    def __repr__(self):
        state = "started" if self.is_alive() else "stopped"
        return f"<{type(self).__name__}({self.name}, {state})>"

    def start(self):
        """It was started when it was created."""
        raise RuntimeError("threads can only be started once")

    def join(self, timeout=None):
        """Wait until the job has ended, or for `timeout` seconds."""
        if self._task is None:
            return
        try:
            waits.ended(self._task, timeout)
        except Err as error:
            if type(error.value) is channels.Error_Timeout:
                return
            raise not_sent(error.value) from None
        task, self._task = self._task, None
        _live.discard(self)
        try:
            self._finish(*_interpreters.result(task))
        except (Exception, SystemExit) as error:
            self._report(error)

    def is_alive(self):
        """Whether the job has not ended yet."""
        self.join(0)
        return self._task is not None

    def _report(self, error):
        if isinstance(error, SystemExit):
            return
        # What was replaced since the snapshot is what should be called.
        threading.excepthook(
            threading.ExceptHookArgs((type(error), error, error.__traceback__, self))
        )
        sys.stderr.flush()


def join_all():
    """Wait for all that were started and not joined."""
    while _live:
        for thread in list(_live):
            thread.join()
