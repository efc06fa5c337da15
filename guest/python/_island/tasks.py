"""Jobs that run in other interpreters while this one goes on."""

import itertools

import _interpreters
from componentize_py_types import Err
from wit_world.imports import channels

from . import waits
from .errors import not_sent

_numbers = itertools.count(1)


class TaskThread:
    """A job in another interpreter, with the methods of `threading.Thread` that matter.

    `finish(excinfo)` is called once with what `_interpreters.exec` would have returned.
    """

    def __init__(self, task, finish, name=None):
        self._task = task
        self._finish = finish
        self.name = name or f"Interpreter-{next(_numbers)}"
        self.daemon = True

    def __repr__(self):
        state = "started" if self.is_alive() else "stopped"
        return f"<{type(self).__name__}({self.name}, {state})>"

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
        self._finish(_interpreters.finish(task))

    def is_alive(self):
        """Whether the job has not ended yet."""
        self.join(0)
        return self._task is not None
