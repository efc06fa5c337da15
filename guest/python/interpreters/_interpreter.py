"""Interpreters, as `interpreters` has them."""

import _interpreters
from _island import codec, loop, tasks
from interpreters._channel import RecvChannel, SendChannel
from wit_world.imports import interpreters as _host


class RunFailedError(RuntimeError):
    """The code of `Interpreter.run` raised an exception, which `__cause__` describes."""


class UncaughtException(Exception):
    """The description of an exception that was not caught in another interpreter.

    `type` describes the class, `msg` is the text, and `excinfo` has both and the formatted traceback.
    """

    def __init__(self, excinfo):
        super().__init__(excinfo.formatted)
        self.excinfo = excinfo
        self.type = excinfo.type
        self.msg = excinfo.msg

    def __str__(self):
        return f"{self.excinfo.formatted}\n\nUncaught in the interpreter:\n\n{self.excinfo.errdisplay}"


class Interpreter:
    """A reference to a Python interpreter, perhaps the current one.

    `Interpreter(id)` refers to an existing interpreter; `create` makes a new one.  An interpreter is destroyed when
    the last reference to it is dropped.  References compare equal if they refer to the same interpreter.

    Raises InterpreterNotFoundError if there is no such interpreter or this one cannot name it.
    """

    def __init__(self, id, *, isolated=True):
        _interpreters.whence(id)
        self._id = id
        self._isolated = isolated
        _interpreters.incref(id)

    def __del__(self):
        # `__init__` may have failed.
        if hasattr(self, "_id"):
            _interpreters.decref(self._id)

    def __repr__(self):
        return f"Interpreter(id={self._id}, isolated={self._isolated})"

    def __reduce__(self):
        return type(self), (self._id,)

    def __eq__(self, other):
        return isinstance(other, Interpreter) and self._id == other._id

    def __hash__(self):
        return hash(self._id)

    @property
    def id(self):
        """The number of the interpreter within its family; the first interpreter is 0."""
        return self._id

    @property
    def isolated(self):
        """True if the interpreter was created with `isolated=True`, as far as this reference knows."""
        return self._isolated

    def is_running(self):
        """Return whether the interpreter is executing code.

        Raises InterpreterNotFoundError if it no longer exists.
        """
        return _interpreters.is_running(self._id)

    def close(self):
        """Destroy the interpreter and its descendants.

        Raises InterpreterError if the interpreter is running or is the current one.
        """
        _interpreters.destroy(self._id)

    def copy(self):
        """Create an interpreter with the same state: modules, names and all objects that they refer to.

        The copy is independent.  It has ends of the same channels, references to the same interpreters, and the
        policy and limits of the original.  Its open files are closed, and jobs that the original started in other
        interpreters count as failed.  Copying takes time in proportion to the size of the state.

        Raises InterpreterError if the interpreter is running, has an unfinished directory listing, or if no further
        interpreter is allowed.
        """
        return Interpreter(_interpreters.copy(self._id), isolated=self._isolated)

    def reset(self):
        """Restore the state that the interpreter was created with, and destroy its descendants.

        Raises InterpreterError if the interpreter is running.
        """
        _interpreters.reset(self._id)

    def run(self, source, /, *, channels=None):
        """Run source text in the interpreter's `__main__` and wait until it ends.

        `channels` is a dict of names and channel ends, which are bound in `__main__` first.  An interruption of the
        caller ends this wait, but does not stop the interpreter.

        Raises RunFailedError if the code raises an exception, InterpreterError if the interpreter is already running,
        and `archipel.LimitExceeded` or `archipel.InterpreterDied` if it was stopped or crashed.
        """
        _, excinfo = _interpreters.run(self._id, self._job(source, channels))
        if excinfo is not None:
            raise _run_failure(excinfo)

    async def run_async(self, source, /, *, channels=None):
        """Run source text as `run` does, without blocking the event loop.

        Cancelling the coroutine does not stop the interpreter.
        """
        task = self._start(source, channels)
        await loop.wait_for_end(task)
        _, excinfo = _interpreters.result(task)
        if excinfo is not None:
            raise _run_failure(excinfo)

    def run_in_thread(self, source, /, *, channels=None):
        """Run source text in parallel with the caller, and return an object with `join` and `is_alive`.

        An exception that the code does not catch is reported as one in a `threading.Thread` is.  The other arguments
        and exceptions are those of `run`.
        """
        task = self._start(source, channels)

        def finish(_, excinfo):
            if excinfo is not None:
                raise _run_failure(excinfo)

        return tasks.TaskThread(lambda: task, finish)

    def _start(self, source, channels):
        return _interpreters.start(self._id, self._job(source, channels))

    def _job(self, source, channels):
        if not isinstance(source, str):
            raise TypeError(f"source must be str, not {type(source).__name__}")
        if channels is not None and not isinstance(channels, dict):
            raise TypeError(f"channels must be a dict, not {type(channels).__name__}")
        if channels:
            for name, end in channels.items():
                if not isinstance(end, (RecvChannel, SendChannel)):
                    raise ValueError(f"channels[{name!r}] is not a channel end: {end!r}")
            _interpreters.set___main___attrs(self._id, dict(channels))
        codec.check_size(source.encode())
        return _host.Job_Exec(source)


def _run_failure(excinfo):
    error = RunFailedError(excinfo.formatted)
    error.__cause__ = UncaughtException(excinfo)
    return error


def create(*, isolated=True):
    """Create an interpreter and return it.

    An isolated interpreter has no capabilities except its output, and can send only data.  With `isolated=False` it
    has all of its creator's capabilities, like the interpreters of `concurrent.interpreters`; its memory is separate
    either way.

    Raises InterpreterError if no further interpreter is allowed.
    """
    return Interpreter(_interpreters.create_child(not isolated), isolated=isolated)


def list_all():
    """Return the current interpreter and its living descendants as a list."""
    return [Interpreter(id) for id, _ in _interpreters.list_all()]


def get_current():
    """Return the current interpreter."""
    return Interpreter(_interpreters.get_current()[0])


def get_main():
    """Return the first interpreter of the family.

    Raises InterpreterNotFoundError if the current interpreter cannot name it.
    """
    return Interpreter(0)
