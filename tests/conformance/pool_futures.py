"""The futures of an `InterpreterPoolExecutor`, and its shutdown."""

import concurrent.futures
import contextlib
from concurrent import interpreters
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    CancelledError,
    InterpreterPoolExecutor,
    as_completed,
    wait,
)

from runner import equal, meet, raises, row, run


def square(n):
    return n * n


def here():
    from concurrent import interpreters

    return interpreters.get_current().id


class OwnError(Exception):
    pass


class Stuck(Exception):
    def __reduce__(self):
        raise ValueError("no pickle")


def fails(kind, *args):
    raise kind(*args)


def fails_stuck():
    raise Stuck("only told of")


@contextlib.contextmanager
def occupied(pool):
    """Return a pool of one busy worker, and the future of the worker's task."""
    ready, go = interpreters.create_queue(), interpreters.create_queue()
    future = pool.submit(meet, ready, go)
    ready.get()
    try:
        yield future
    finally:
        go.put("done")


@row("concurrent.futures, Future.exception()")
def exceptions_as_they_are():
    """An exception keeps its class and arguments, even if the script defines the class."""
    with InterpreterPoolExecutor(1) as pool:
        error = pool.submit(fails, ValueError, "a", 1).exception()
        assert type(error) is ValueError
        equal(error.args, ("a", 1))
        raises(OwnError, pool.submit(fails, OwnError, "b").result)


@row("concurrent.futures, InterpreterPoolExecutor: __cause__")
def exceptions_have_a_cause():
    """Its cause is an ExecutionFailed with the traceback of the worker."""
    with InterpreterPoolExecutor(1) as pool:
        cause = pool.submit(fails, ValueError, "x").exception().__cause__
    assert type(cause) is interpreters.ExecutionFailed
    equal(cause.excinfo.formatted, "ValueError: x")
    assert "in fails" in cause.excinfo.errdisplay, cause.excinfo.errdisplay


@row("concurrent.futures, InterpreterPoolExecutor: __cause__")
def exceptions_that_cannot_be_sent():
    """An exception that cannot be pickled becomes an ExecutionFailed."""
    with InterpreterPoolExecutor(1) as pool:
        pool.submit(exec, "import io, sys; sys.stderr = io.StringIO()").result()
        error = pool.submit(fails_stuck).exception()
    assert type(error) is interpreters.ExecutionFailed
    equal(error.excinfo.type.__name__, "Stuck")


@row("concurrent.futures, as_completed()")
def as_they_complete():
    """It yields each future once, when it is done."""
    with InterpreterPoolExecutor(2) as pool:
        futures = [pool.submit(square, n) for n in range(10)]
        equal(sorted(future.result() for future in as_completed(futures)), [n * n for n in range(10)])


@row("concurrent.futures, as_completed()")
def as_they_complete_in_any_order():
    """A running call does not delay the others."""
    ready, go = interpreters.create_queue(), interpreters.create_queue()
    with InterpreterPoolExecutor(2) as pool:
        slow = pool.submit(meet, ready, go)
        ready.get()
        fast = pool.submit(square, 2)
        order = as_completed([slow, fast])
        assert next(order) is fast
        go.put(None)
        assert next(order) is slow


@row("concurrent.futures, as_completed(timeout)")
def as_they_complete_in_time():
    """It raises TimeoutError if not all futures are done in time."""
    with InterpreterPoolExecutor(1) as pool, occupied(pool) as future:
        raises(TimeoutError, next, as_completed([future], timeout=0.01))


@row("concurrent.futures, wait()")
def waiting_for_some():
    """It returns the done and the not-done futures after the first, the first failure, or all."""
    ready, go = interpreters.create_queue(), interpreters.create_queue()
    with InterpreterPoolExecutor(2) as pool:
        slow = pool.submit(meet, ready, go)
        try:
            ready.get()
            fast = pool.submit(square, 2)
            equal(tuple(wait([slow, fast], return_when=FIRST_COMPLETED)), ({fast}, {slow}))
            bad = pool.submit(divmod, 1, 0)
            equal(tuple(wait([slow, bad], return_when=FIRST_EXCEPTION)), ({bad}, {slow}))
            equal(tuple(wait([slow], timeout=0.001)), (set(), {slow}))
        finally:
            go.put(None)
        equal(tuple(wait([slow, fast], return_when=ALL_COMPLETED)), ({slow, fast}, set()))


@row("concurrent.futures, Future.result(timeout)")
def results_in_time():
    """result() and exception() raise TimeoutError while the call runs, and do not end it."""
    with InterpreterPoolExecutor(1) as pool:
        with occupied(pool) as future:
            raises(TimeoutError, future.result, timeout=0.01)
            raises(TimeoutError, future.exception, timeout=0)
            assert future.running()
        equal(future.result(), "done")


@row("concurrent.futures, Future.cancel()")
def cancelling_what_waits():
    """A call that waits for a worker can be cancelled, and never runs."""
    made = interpreters.create_queue()
    with InterpreterPoolExecutor(1) as pool:
        with occupied(pool):
            future = pool.submit(made.put, 1)
            assert future.cancel() is True
            assert future.cancelled() and future.done()
            raises(CancelledError, future.result)
        pool.submit(len, "").result()
    equal(made.qsize(), 0)


@row("concurrent.futures, Future.cancel()")
def cancelling_what_runs():
    """A running or finished call cannot be cancelled."""
    with InterpreterPoolExecutor(1) as pool:
        with occupied(pool) as future:
            assert future.cancel() is False
        equal(future.result(), "done")
        assert future.cancel() is False


@row("concurrent.futures, Future.add_done_callback()")
def callbacks():
    """A callback gets the future when it is done, or at once if it is done already."""
    told = []
    with InterpreterPoolExecutor(1) as pool:
        future = pool.submit(square, 2)
        future.add_done_callback(told.append)
        future.result()
        future.add_done_callback(told.append)
    assert told == [future, future]


@row("concurrent.futures, Executor.shutdown()")
def shut_down():
    """Afterwards nothing can be submitted, and all submitted calls are done."""
    pool = InterpreterPoolExecutor(2)
    futures = [pool.submit(square, n) for n in range(10)]
    equal(pool.shutdown(), None)
    assert all(future.done() for future in futures)
    raises(RuntimeError, pool.submit, square, 2)
    raises(RuntimeError, pool.map, square, [2])
    pool.shutdown()


@row("concurrent.futures, Executor.shutdown()")
def shut_down_frees_the_workers():
    """Afterwards the workers' interpreters no longer exist."""
    with InterpreterPoolExecutor(3) as pool:
        for future in [pool.submit(here) for _ in range(9)]:
            future.result()
        assert len(interpreters.list_all()) > 1
    equal(len(interpreters.list_all()), 1)


@row("concurrent.futures, Executor.shutdown(wait=False)")
def shut_down_without_waiting():
    """With wait=False it returns at once, and the calls still run."""
    pool = InterpreterPoolExecutor(1)
    with occupied(pool) as first:
        second = pool.submit(square, 3)
        pool.shutdown(wait=False)
        assert not first.done()
        raises(RuntimeError, pool.submit, square, 3)
    equal((first.result(), second.result()), ("done", 9))


@row("concurrent.futures, Executor.shutdown(cancel_futures=True)")
def shut_down_cancelling():
    """With cancel_futures=True, calls that have not started are cancelled; running ones end normally."""
    pool = InterpreterPoolExecutor(1)
    with occupied(pool) as running:
        waiting = [pool.submit(square, n) for n in range(3)]
        pool.shutdown(wait=False, cancel_futures=True)
        assert all(future.cancelled() for future in waiting)
    equal(running.result(), "done")


@row("concurrent.futures, Executor as a context manager")
def context_manager():
    """`with` returns the executor, and waits at its end for the submitted calls."""
    pool = InterpreterPoolExecutor(1)
    with pool as entered:
        assert entered is pool
        future = pool.submit(square, 3)
    assert future.done()
    raises(RuntimeError, pool.submit, square, 3)


@row("concurrent.futures, InterpreterPoolExecutor")
def dropped_pool():
    """A pool that is dropped without a shutdown leaves no interpreters behind."""
    pool = InterpreterPoolExecutor(1)
    equal(pool.submit(square, 2).result(), 4)
    ended = pool.submit(square, 3)
    del pool
    equal(ended.result(), 9)
    assert concurrent.futures.wait([ended]).done


if __name__ == "__main__":
    run()
