"""Jobs in other interpreters, presented as threads."""

import itertools
import sys
import threading
import weakref

import _interpreters
from componentize_py_types import Err
from wit_world.imports import channels

from . import waits
from .errors import channel_error

_numbers = itertools.count(1)

# Jobs that the interpreter joins before it ends, as it does threads.
_live = weakref.WeakSet()


class TaskThread(threading.Thread):
    """A job in another interpreter, with the methods of a thread.

    `start()` starts the job and returns its task.  `finish(result, excinfo)` is called when the job has ended.  What
    either raises is reported like an uncaught exception of a thread, except for interruptions of the caller, which
    propagate.
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
            # An instance that is dropped without `join` leaves an interpreter that still runs.
            _live.add(self)
        self._started.set()

    def __repr__(self):
        state = "started" if self.is_alive() else "stopped"
        return f"<{type(self).__name__}({self.name}, {state})>"

    def start(self):
        """Raise RuntimeError: the job was started when the object was created."""
        raise RuntimeError("threads can only be started once")

    def join(self, timeout=None):
        """Wait until the job has ended, for at most `timeout` seconds."""
        if self._task is None:
            return
        try:
            waits.wait_for_end(self._task, timeout)
        except Err as error:
            if type(error.value) is channels.Error_Timeout:
                return
            raise channel_error(error.value) from None
        task, self._task = self._task, None
        _live.discard(self)
        try:
            self._finish(*_interpreters.result(task))
        except (Exception, SystemExit) as error:
            self._report(error)

    def is_alive(self):
        """Return whether the job is still running."""
        self.join(0)
        return self._task is not None

    def _report(self, error):
        if isinstance(error, SystemExit):
            return
        # A hook that was installed after the snapshot takes precedence.
        threading.excepthook(
            threading.ExceptHookArgs((type(error), error, error.__traceback__, self))
        )
        sys.stderr.flush()


def join_all():
    """Join all jobs that were started and not joined."""
    while _live:
        for thread in list(_live):
            thread.join()
