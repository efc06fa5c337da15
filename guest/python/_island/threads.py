"""`threading` for an interpreter with one stack.

A started thread runs from its beginning to its end when its creator next waits or ends, and never in parallel with it.
A wait that this makes impossible raises DeadlockError.
"""

import _thread
import contextvars
import queue
import sys
import threading
import time

from wit_world.imports import interpreters

from . import waits
from .errors import Cancelled, DeadlockError

_sleep = time.sleep


class Lock:
    """A lock whose holder is a thread that is lower on the stack or has ended."""

    __slots__ = ("_locked", "__weakref__")

    def __init__(self):
        self._locked = False

    def acquire(self, blocking=True, timeout=-1):
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if not self._locked:
            self._locked = True
            return True
        if not blocking or timeout == 0:
            if waits.deferred or waits.background:
                waits.look(id(self))
            if self._locked:
                return False
        if timeout != -1:
            deadline = time.monotonic() + timeout
        while self._locked:
            if waits.deferred or waits.background:
                left = None if timeout == -1 else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                waits.let_happen(left)
            elif timeout != -1:
                waits.pause(waits.nanoseconds(max(0, deadline - time.monotonic())))
                _after_wait(True)
                return False
            else:
                raise DeadlockError("the lock is held by a thread that cannot run now")
        self._locked = True
        return True

    def release(self):
        if not self._locked:
            raise RuntimeError("release unlocked lock")
        self._locked = False

    def locked(self):
        if self._locked and (waits.deferred or waits.background):
            waits.look(id(self))
        return self._locked

    def _is_owned(self):
        # Without this, `threading.Condition` would try to acquire the lock.
        return self._locked

    def _at_fork_reinit(self):
        self._locked = False

    __enter__ = acquire

    def __exit__(self, *exc_info):
        self.release()

    def __reduce__(self):
        raise TypeError("cannot pickle '_thread.lock' object")

    def __repr__(self):
        state = "locked" if self._locked else "unlocked"
        return f"<{state} _thread.lock object at {id(self):#x}>"


def _start(self):
    if not self._initialized:
        raise RuntimeError("thread.__init__() not called")
    if self._started._flag:
        raise RuntimeError("threads can only be started once")
    if self._context is None:
        self._context = contextvars.copy_context() if sys.flags.thread_inherit_context else contextvars.Context()
    self._ident = _next_ident()
    self._started.set()
    self._ran = False
    threading._active[self._ident] = self
    waits.deferred.append(self)


_idents = 1


def _next_ident():
    global _idents
    _idents += 1
    return _idents


# The threads whose bodies are running; the last one is the innermost.
_running = []


class _Stopped(BaseException):
    """Ends a daemon thread that no other thread waits for."""


# The maximum number of unsuccessful waits of a thread after its creator's own wait has ended.  A thread that exceeds it
# is waiting for an action of its creator.
_MOST_IN_VAIN = 100


def _after_wait(in_vain):
    """Stop the thread that has just waited if it keeps its creator from going on."""
    if not _running:
        return
    thread = _running[-1]
    if thread._until is None or time.monotonic() < thread._until:
        return
    if thread.daemon:
        raise _Stopped
    if in_vain:
        thread._in_vain += 1
        if thread._in_vain >= _MOST_IN_VAIN:
            raise DeadlockError(
                f"thread {thread.name!r} waits for its creator, which waits for the thread to end"
            )


class _own_loop:
    """Let the thread run an event loop of its own while its creator's loop runs."""

    __slots__ = ("_loop", "_task")

    def __enter__(self):
        asyncio = sys.modules.get("_asyncio")
        self._loop = asyncio and asyncio._get_running_loop()
        if self._loop is not None:
            self._task = asyncio._swap_current_task(self._loop, None)
            asyncio._set_running_loop(None)

    def __exit__(self, *exc_info):
        if self._loop is not None:
            asyncio = sys.modules["_asyncio"]
            asyncio._set_running_loop(self._loop)
            asyncio._swap_current_task(self._loop, self._task)


def _run_deferred(self):
    self._until = waits.creator_until
    self._in_vain = 0
    _running.append(self)
    try:
        with _own_loop():
            self._context.run(self.run)
    except (SystemExit, _Stopped):
        pass
    except (DeadlockError, Cancelled, KeyboardInterrupt):
        # These concern the thread that made the wait impossible, or the whole job, and must not be lost.
        raise
    except BaseException:
        self._invoke_excepthook(self)
    finally:
        _running.pop()
        self._ran = True
        threading._active.pop(self._ident, None)


def _join(self, timeout=None):
    if not self._initialized:
        raise RuntimeError("Thread.__init__() not called")
    if not self._started._flag:
        raise RuntimeError("cannot join thread before it is started")
    if self is current_thread():
        raise RuntimeError("cannot join current thread")
    if self in waits.deferred:
        waits.deferred.remove(self)
        self._run_deferred()
    elif not self._ran:
        raise DeadlockError(f"thread {self.name!r} is waiting for the thread that joins it")


def _is_alive(self):
    assert self._initialized, "Thread.__init__() not called"
    if not self._ran and self._started._flag and (waits.deferred or waits.background):
        waits.look(id(self))
    return self._started._flag and not self._ran


_main_current_thread = threading.current_thread


def current_thread():
    return _running[-1] if _running else _main_current_thread()


def get_ident():
    return _running[-1]._ident if _running else _main_ident()


_main_ident = _thread.get_ident


def sleep(seconds, /):
    """Let the started threads run, and then wait for the remaining time."""
    if waits.deferred or waits.background:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and waits.let_happen(left):
            pass
        waits.run_deferred(end)
        seconds = max(0, end - time.monotonic())
    _pause(seconds)
    _after_wait(False)


def _pause(seconds):
    # C code would sleep through an interruption.  It still raises the errors for invalid times.
    if type(seconds) in (int, float) and 0 < seconds < 1e9:
        waits.pause(int(seconds * 1e9))
    else:
        _sleep(seconds)


sleep.__name__ = sleep.__qualname__ = "sleep"
sleep.__doc__ = _sleep.__doc__


def _daemon_threads_allowed():
    """Return whether daemon threads are allowed: as in CPython, only in the first interpreter of a family."""
    return interpreters.current() == 0


def install():
    """Install these functions in `threading`, `_thread` and `time`."""
    thread = threading.Thread
    thread.start = _start
    thread.join = _join
    thread.is_alive = _is_alive
    thread._run_deferred = _run_deferred
    thread._ran = False
    threading.current_thread = current_thread
    threading.get_ident = _thread.get_ident = get_ident
    for name in ("Lock", "_allocate_lock"):
        setattr(threading, name, Lock)
    _thread.allocate_lock = _thread.allocate = _thread.LockType = Lock
    # The C classes would block forever in the only thread.
    threading._CRLock = None
    threading.RLock = threading._RLock = threading._PyRLock
    queue.SimpleQueue = queue._PySimpleQueue
    # The C class stores its attributes by thread of the system.  This one asks `current_thread`.
    import _threading_local

    threading.local = _thread._local = _threading_local.local
    time.sleep = sleep
    _thread.daemon_threads_allowed = threading._daemon_threads_allowed = _daemon_threads_allowed
