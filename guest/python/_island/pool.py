"""`concurrent.futures.InterpreterPoolExecutor`, whose workers run in parallel.

CPython's executor has a thread for each worker, which calls into the worker's interpreter.  Here a worker is one long
call: it takes tasks from a channel that all workers of a pool share, and sends results to another.  This interpreter
processes the results whenever it waits.

The class replaces CPython's and relies on the private attributes of `ThreadPoolExecutor` that it inherits.
"""

import sys
import traceback
import weakref
from collections import deque
from concurrent import interpreters as _ci
from concurrent.futures import _base
from concurrent.futures import thread as _thread
from concurrent.futures.interpreter import BrokenInterpreterPool, WorkerContext
from marshal import dumps, loads
from time import perf_counter

import _interpreters
import interpreters
from componentize_py_types import Err
from wit_world.imports import channels as host
from wit_world.imports import waiting

from . import calls, codec, files, pickles, report, waits
from .errors import NotShareableError, forget

# The kinds of result: a value, an exception that was raised, a task or result that could not be sent, or the end of a
# channel with a large result.
_VALUE = 0
_RAISED = 1
_UNREADABLE = 2
_LARGE = 3

# Larger results, in bytes, get a channel of their own.  If one does not fit into this interpreter's memory, it then does
# not block those behind it.
_MOST_SHARED = 1 << 18

# The maximum number of tasks queued in the channel, for workers that finish tasks faster than this interpreter hands
# them out one by one.  Queued tasks count as running.
_MOST_AHEAD = 64
# Longer tasks do not benefit from queueing, and a queued task can no longer be cancelled.
_SHORT = 0.001

# The pools that the interpreter waits for before it ends.
_live = weakref.WeakSet()


class Worker:
    """An interpreter that carries out tasks."""

    def __init__(self, pool):
        self.interpreter = _ci.create()
        self.name = f"{pool._thread_name_prefix}_{len(pool._threads)}"
        arguments = pool._tasks, pool._results, self.name, pool._initializer, pool._initargs
        try:
            task = _interpreters.start_call(self.interpreter.id, _work, arguments, {})
        except BaseException:
            self.interpreter.close()
            raise
        self.wait = waits.Wait(waiting.Case_Ended(task))
        self.task = task
        # A worker must not keep its pool alive.
        pool = weakref.ref(pool)
        waits.background[self.wait] = lambda outcome: _worker_ended(pool, self)

    def is_alive(self):
        return self.task is not None


class InterpreterPoolExecutor(_thread.ThreadPoolExecutor):
    BROKEN = BrokenInterpreterPool

    @classmethod
    def prepare_context(cls, initializer, initargs):
        return WorkerContext.prepare(initializer, initargs)

    def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=()):
        thread_name_prefix = thread_name_prefix or f"InterpreterPoolExecutor-{self._counter()}"
        if initializer is not None and not callable(initializer):
            raise TypeError("scripts not supported")
        super().__init__(max_workers, thread_name_prefix, initializer, initargs)
        self._initializer = initializer
        self._initargs = tuple(initargs)
        # number -> future, of the tasks that were handed out.
        self._out = {}
        self._waiting = deque()
        self._number = 0
        # The smoothed duration of a task, in seconds.
        self._pace = None
        self._started_at = 0
        self._tasks, self._hand_out = interpreters.create_channel(None)
        self._take_in, self._results = interpreters.create_channel(None)
        self._expected = None
        _live.add(self)

    def submit(self, fn, /, *args, **kwargs):
        if self._broken:
            raise self.BROKEN(self._broken)
        if self._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if _thread._shutdown:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")
        if isinstance(fn, str):
            raise TypeError("scripts not supported")
        future = _base.Future()
        try:
            task = calls.describe(fn, args, kwargs)
        except BaseException as error:
            task = error
        self._waiting.append((future, task))
        if len(self._out) + len(self._waiting) > len(self._threads) < self._max_workers:
            self._add_worker()
        self._feed()
        return future

    def _add_worker(self):
        try:
            self._threads.add(Worker(self))
        except _ci.InterpreterError:
            # No further interpreter is allowed; the existing workers must suffice.
            if not self._threads:
                raise
            self._max_workers = len(self._threads)
        except BaseException:
            _base.LOGGER.critical("Exception in initializer:", exc_info=True)
            self._initializer_failed()

    def _feed(self):
        """Hand out as many tasks as the workers can take."""
        ahead = _MOST_AHEAD if self._pace is not None and self._pace < _SHORT else 0
        while self._waiting and len(self._out) < len(self._threads) + ahead:
            future, task = self._waiting.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            if isinstance(task, BaseException):
                future.set_exception(task)
                continue
            body, ends = task
            self._number = number = (self._number + 1) & 0xFFFFFFFF
            if not self._out:
                self._started_at = perf_counter()
            self._out[number] = future
            try:
                message = pickles.message(number.to_bytes(4, "little") + body, ends)
                self._hand_out._handle.send(*message, 0)
            except (MemoryError, ValueError) as error:
                del self._out[number]
                future.set_exception(error)
            except Err as error:
                del self._out[number]
                future.set_exception(self._hand_out._error(error.value))
        if self._out and self._expected is None:
            self._expected = waits.Wait(waiting.Case_Receive(self._take_in._handle))
            waits.background[self._expected] = self._came

    def _came(self, outcome):
        """Process the result that arrived, and all others that are queued."""
        self._expected = None
        if type(outcome) is waiting.Outcome_Failed:
            return
        message = outcome.value
        receive = self._take_in._handle.receive
        while True:
            self._settle(*codec.decode(message))
            if not self._out:
                break
            try:
                message = receive(0)
            except Err as error:
                forget(error)
                break
        self._feed()
        if self._shutdown and not self._out and not self._waiting:
            self._hand_out.close()

    def _settle(self, number, kind, value):
        future = self._out.pop(number, None)
        if future is None:
            return
        now = perf_counter()
        took = (now - self._started_at) * len(self._threads)
        self._started_at = now
        self._pace = took if self._pace is None else self._pace + (took - self._pace) / 8
        if kind == _LARGE:
            try:
                _, kind, value = codec.decode(value._handle.receive(0))
            except Err as error:
                future.set_exception(value._error(error.value))
                return
            except MemoryError as error:
                future.set_exception(error)
                return
        if kind == _VALUE:
            future.set_result(value)
        elif kind == _UNREADABLE:
            future.set_exception(_interpreters._not_shareable(value))
        else:
            error, excinfo = value
            failed = _ci.ExecutionFailed(_interpreters.excinfo(_Raised(*excinfo)))
            if error is None:
                error = failed
            else:
                error.__cause__ = failed
            future.set_exception(error)

    def _handle_end(self, worker, excinfo):
        """Handle the end of a worker: its initializer failed, it died, or the pool was shut down."""
        self._threads.discard(worker)
        if excinfo is not None and not isinstance(excinfo, BaseException):
            excinfo = _ci.ExecutionFailed(excinfo)
        if excinfo is not None:
            failed = isinstance(excinfo, _ci.ExecutionFailed)
            what = "Exception in initializer:" if failed else "A worker interpreter died:"
            _base.LOGGER.critical(what, exc_info=excinfo)
            self._initializer_failed(excinfo)

    def _initializer_failed(self, cause=None):
        self._broken = (
            "A worker interpreter failed initializing or died, the pool is not usable anymore"
        )
        broken = self.BROKEN(self._broken)
        broken.__cause__ = cause
        for future in self._out.values():
            future.set_exception(broken)
        self._out.clear()
        while self._waiting:
            future, _ = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                future.set_exception(broken)
        if self._expected is not None:
            waits.background.pop(self._expected, None)
            self._expected = None
        self._hand_out.close(force=True)

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._shutdown = True
        if cancel_futures:
            while self._waiting:
                self._waiting.popleft()[0].cancel()
        if not self._out and not self._waiting:
            self._hand_out.close()
        if wait:
            while (self._out or self._waiting) and waits.let_happen():
                pass
            self._hand_out.close()
            while self._threads and waits.let_happen():
                pass

    shutdown.__doc__ = _base.Executor.shutdown.__doc__
    submit.__doc__ = _base.Executor.submit.__doc__


class _Raised:
    def __init__(self, name, qualified_name, module, message, traceback):
        self.name = name
        self.qualified_name = qualified_name
        self.module = module
        self.message = message
        self.traceback = traceback


def _worker_ended(pool, worker):
    task, worker.task = worker.task, None
    try:
        _, excinfo = _interpreters.result(task)
    except BaseException as error:
        excinfo = error
    try:
        worker.interpreter.close()
    except _ci.InterpreterError:
        # It died and no longer exists.
        pass
    pool = pool()
    if pool is not None:
        pool._handle_end(worker, excinfo)


def _work(tasks, results, name, initializer, initargs):
    """Carry out tasks; runs in the worker's interpreter."""
    import threading

    threading.current_thread().name = name
    if initializer is not None:
        initializer(*initargs)
    receive = tasks._handle.receive
    send = results._handle.send
    # Only the pool holds the other ends.
    while True:
        try:
            body, attachments = receive(None)
        except Err as error:
            forget(error)
            files.close_all()
            return
        number = int.from_bytes(body[:4], "little")
        message = _perform(number, body, () if attachments is None else attachments.ends)
        if waits.deferred:
            waits.run_deferred()
        try:
            send(*_sendable(number, message), 0)
        except Err as error:
            if type(error.value) in (host.Error_TooLarge, host.Error_NotShareable):
                text = f"result not shareable: {error.value!r}"
                send(dumps((number, _UNREADABLE, text)), True, None, 0)
            else:
                # The pool has dropped its end.
                return


def _sendable(number, message):
    """Return `message`, or one that stands for it if it is large or cannot be sent."""
    size = len(message[0])
    if size <= _MOST_SHARED:
        return message
    try:
        codec.fitting(message)
    except ValueError as error:
        return dumps((number, _UNREADABLE, f"result not shareable: {error}")), True, None
    except MemoryError as error:
        return _failure_message(number, error)
    receive, send = interpreters.create_channel(1)
    send._handle.send(*message, 0)
    return pickles.encode((number, _LARGE, receive))


def _perform(number, body, ends):
    """Return the message with the result of a task."""
    try:
        call, args, kwargs = calls.prepare(loads(memoryview(body)[4:]), ends)
    except calls.Unreadable as error:
        return dumps((number, _UNREADABLE, calls.unreadable(error))), True, None
    try:
        result = call(*args, **kwargs)
    except BaseException as error:
        return _failure_message(number, error)
    try:
        if codec.is_plain(result):
            try:
                return dumps((number, _VALUE, result)), True, None
            except ValueError:
                # Nested too deeply for marshal.
                pass
        if "numpy" in sys.modules:
            try:
                return codec.encode_exactly((number, _VALUE, result))
            except (NotShareableError, RecursionError):
                # It contains more than data.
                pass
        return pickles.encode((number, _VALUE, result))
    except (NotShareableError, ValueError) as error:
        return dumps((number, _UNREADABLE, calls.unreturnable(error))), True, None
    except MemoryError as error:
        return _failure_message(number, error)


def _failure_message(number, error):
    told = report.exception(error)
    excinfo = told.name, told.qualified_name, told.module, told.message, told.traceback
    report.flush()
    try:
        return pickles.encode((number, _RAISED, (error, excinfo)))
    except NotShareableError:
        print("exception is not shareable:", file=sys.stderr)
        traceback.print_exception(error)
        report.flush()
        return pickles.encode((number, _RAISED, (None, excinfo)))


def finish_all():
    """Wait for all submitted tasks."""
    for pool in list(_live):
        pool.shutdown()


def install():
    """Replace the class in `concurrent.futures`."""
    from concurrent import futures
    from concurrent.futures import interpreter as original

    ours = InterpreterPoolExecutor
    ours.__module__ = original.InterpreterPoolExecutor.__module__
    ours.__doc__ = original.InterpreterPoolExecutor.__doc__
    ours.__init__.__doc__ = original.InterpreterPoolExecutor.__init__.__doc__
    original.InterpreterPoolExecutor = futures.InterpreterPoolExecutor = ours
