"""`concurrent.futures.InterpreterPoolExecutor`."""

import concurrent.futures
import contextlib
import io
import itertools
import logging
import os
import sys
import threading
from concurrent import interpreters
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    CancelledError,
    Future,
    InterpreterPoolExecutor,
    as_completed,
    wait,
)
from concurrent.futures.interpreter import BrokenInterpreterPool

from runner import CRASH, equal, meet, raises, row, run

state = "fresh"


def initialise(value, *more):
    global state
    state = (value, *more)


def get_state():
    return state


def fail_to_initialise():
    raise ValueError("no beginning")


def square(n):
    return n * n


def here():
    from concurrent import interpreters

    return interpreters.get_current().id


def exchange(give, take):
    give.put(1)
    return take.get()


def thread_name():
    import threading

    return threading.current_thread().name


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
def quiet():
    """The executor logs what goes wrong with its workers."""
    logger = logging.getLogger("concurrent.futures")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@contextlib.contextmanager
def occupied(pool):
    """A pool of one worker whose worker is at work, and the future of that."""
    ready, go = interpreters.create_queue(), interpreters.create_queue()
    future = pool.submit(meet, ready, go)
    ready.get()
    try:
        yield future
    finally:
        go.put("done")


@row("concurrent.futures, Executor.submit()")
def submit():
    """It returns a Future of the result."""
    with InterpreterPoolExecutor(2) as pool:
        future = pool.submit(pow, 2, exp=10)
        assert isinstance(future, Future)
        equal(future.result(), 1024)
        assert future.done() and not future.cancelled() and not future.running()


@row("concurrent.futures, InterpreterPoolExecutor: functions of __main__")
def functions_of_main():
    """Functions of the script can be submitted, though CPython's page says that they cannot."""
    with InterpreterPoolExecutor(1) as pool:
        equal(pool.submit(square, 3).result(), 9)


@row("concurrent.futures, InterpreterPoolExecutor")
def other_interpreters():
    """The calls run in other interpreters, one for each worker, and no more than that."""
    with InterpreterPoolExecutor(3) as pool:
        ids = {future.result() for future in [pool.submit(here) for _ in range(30)]}
        assert 0 not in ids and 1 <= len(ids) <= 3, ids


@row("concurrent.futures, InterpreterPoolExecutor")
def parallel():
    """Calls run in parallel: here each of two needs the other to go on."""
    one, two = interpreters.create_queue(), interpreters.create_queue()
    with InterpreterPoolExecutor(2) as pool:
        futures = [pool.submit(exchange, one, two), pool.submit(exchange, two, one)]
        equal([future.result() for future in futures], [1, 1])


@row("concurrent.futures, Executor.map()")
def map_in_order():
    """The results are in the order of the arguments."""
    with InterpreterPoolExecutor(2) as pool:
        equal(list(pool.map(square, range(100))), [n * n for n in range(100)])
        equal(list(pool.map(pow, [2, 3], [3, 2])), [8, 9])
        equal(list(pool.map(square, [])), [])


@row("concurrent.futures, Executor.map(buffersize)")
def map_with_a_buffer():
    """With a buffersize, no more is taken from the iterable than that and what was yielded."""
    taken = []

    def arguments():
        for n in itertools.count():
            taken.append(n)
            yield n

    with InterpreterPoolExecutor(1) as pool:
        results = pool.map(square, arguments(), buffersize=3)
        equal(taken, [0, 1, 2])
        equal([next(results), next(results)], [0, 1])
        assert len(taken) <= 5, taken
        results.close()


@row("concurrent.futures, Executor.map(buffersize)")
def map_with_a_bad_buffer():
    """A buffersize below one is a ValueError, one that is no int a TypeError."""
    with InterpreterPoolExecutor(1) as pool:
        raises(ValueError, pool.map, square, [1], buffersize=0)
        raises(TypeError, pool.map, square, [1], buffersize="3")


@row("concurrent.futures, Executor.map(timeout)")
def map_times_out():
    """A result that is not there in time raises TimeoutError."""
    with InterpreterPoolExecutor(1) as pool, occupied(pool):
        results = pool.map(square, [1], timeout=0.01)
        raises(TimeoutError, next, results)


@row("concurrent.futures, Executor.map()")
def map_raises():
    """An exception is raised where its result would be yielded, and ends the iteration."""
    with InterpreterPoolExecutor(1) as pool:
        results = pool.map(divmod, [4, 1, 4], [2, 0, 2])
        equal(next(results), (2, 0))
        raises(ZeroDivisionError, next, results)
        equal(list(results), [])


@row("concurrent.futures, InterpreterPoolExecutor(initializer)")
def initializer():
    """The initializer is called with its arguments in each worker, before anything else."""
    with InterpreterPoolExecutor(2, initializer=initialise, initargs=(1, "a")) as pool:
        futures = [pool.submit(get_state) for _ in range(8)]
        equal({future.result() for future in futures}, {(1, "a")})
    equal(state, "fresh")


@row("concurrent.futures, InterpreterPoolExecutor(initializer)")
def initializer_with_a_queue():
    """What an initializer is given can be a queue, through which workers and creator talk."""
    queue = interpreters.create_queue()
    with InterpreterPoolExecutor(1, initializer=queue.put, initargs=("begun",)) as pool:
        pool.submit(len, "").result()
        equal(queue.get(), "begun")


@row("concurrent.futures, InterpreterPoolExecutor(initializer)")
def initializer_that_fails():
    """When it raises, what was submitted fails with BrokenInterpreterPool, and so does any more."""
    with quiet(), InterpreterPoolExecutor(1, initializer=fail_to_initialise) as pool:
        future = pool.submit(len, "")
        raises(BrokenInterpreterPool, future.result)
        raises(BrokenInterpreterPool, pool.submit, len, "")


@row("concurrent.futures, BrokenExecutor")
def worker_that_dies():
    """A worker that dies breaks the pool; nobody waits for ever."""
    with quiet(), InterpreterPoolExecutor(1) as pool:
        equal(pool.submit(len, "").result(), 0)
        raises(BrokenInterpreterPool, pool.submit(exec, CRASH).result)
        raises(BrokenInterpreterPool, pool.submit, len, "")


@row("concurrent.futures, InterpreterPoolExecutor: state")
def workers_keep_their_state():
    """A worker's interpreter is the same from task to task."""
    with InterpreterPoolExecutor(1) as pool:
        pool.submit(exec, "n = 3").result()
        equal(pool.submit(eval, "n").result(), 3)


@row("concurrent.futures, Future.exception()")
def exceptions_as_they_are():
    """An exception is raised as what it was, with its arguments, also one of the script's classes."""
    with InterpreterPoolExecutor(1) as pool:
        error = pool.submit(fails, ValueError, "a", 1).exception()
        assert type(error) is ValueError
        equal(error.args, ("a", 1))
        raises(OwnError, pool.submit(fails, OwnError, "b").result)


@row("concurrent.futures, InterpreterPoolExecutor: __cause__")
def exceptions_have_a_cause():
    """Its cause is an ExecutionFailed that has the traceback of the worker."""
    with InterpreterPoolExecutor(1) as pool:
        cause = pool.submit(fails, ValueError, "x").exception().__cause__
    assert type(cause) is interpreters.ExecutionFailed
    equal(cause.excinfo.formatted, "ValueError: x")
    assert "in fails" in cause.excinfo.errdisplay, cause.excinfo.errdisplay


@row("concurrent.futures, InterpreterPoolExecutor: __cause__")
def exceptions_that_cannot_be_sent():
    """An exception that cannot be pickled is an ExecutionFailed instead."""
    with InterpreterPoolExecutor(1) as pool:
        pool.submit(exec, "import io, sys; sys.stderr = io.StringIO()").result()
        error = pool.submit(fails_stuck).exception()
    assert type(error) is interpreters.ExecutionFailed
    equal(error.excinfo.type.__name__, "Stuck")


@row("concurrent.futures, InterpreterPoolExecutor: pickle")
def what_cannot_be_sent():
    """Arguments and results that cannot be sent are NotShareableErrors of their futures only."""
    with InterpreterPoolExecutor(1) as pool:
        for future in (pool.submit(repr, sys), pool.submit(eval, "__import__('sys')")):
            raises(interpreters.NotShareableError, future.result)
        equal(pool.submit(len, "ab").result(), 2)


@row("concurrent.futures, SystemExit in a task")
def tasks_that_exit():
    """SystemExit is an exception like others, and the worker goes on."""
    with InterpreterPoolExecutor(1) as pool:
        raises(SystemExit, pool.submit(sys.exit, 3).result)
        equal(pool.submit(len, "ab").result(), 2)


@row("concurrent.futures, as_completed()")
def as_they_complete():
    """It yields each future once, when it is done."""
    with InterpreterPoolExecutor(2) as pool:
        futures = [pool.submit(square, n) for n in range(10)]
        equal(sorted(future.result() for future in as_completed(futures)), [n * n for n in range(10)])


@row("concurrent.futures, as_completed()")
def as_they_complete_whatever_the_order():
    """One that is at work keeps none of the others back."""
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
    """It raises TimeoutError when not all is done in time."""
    with InterpreterPoolExecutor(1) as pool, occupied(pool) as future:
        raises(TimeoutError, next, as_completed([future], timeout=0.01))


@row("concurrent.futures, wait()")
def waiting_for_some():
    """It returns what is done and what is not, after the first, the first failure, or all."""
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
    """result() and exception() raise TimeoutError while the call goes on, which they do not end."""
    with InterpreterPoolExecutor(1) as pool:
        with occupied(pool) as future:
            raises(TimeoutError, future.result, timeout=0.01)
            raises(TimeoutError, future.exception, timeout=0)
            assert future.running()
        equal(future.result(), "done")


@row("concurrent.futures, Future.cancel()")
def cancelling_what_waits():
    """A call that waits for a worker can be cancelled, and is never made."""
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
    """A call that is being made, or was made, cannot be cancelled."""
    with InterpreterPoolExecutor(1) as pool:
        with occupied(pool) as future:
            assert future.cancel() is False
        equal(future.result(), "done")
        assert future.cancel() is False


@row("concurrent.futures, Future.add_done_callback()")
def callbacks():
    """A callback gets the future when it is done, or at once when it is done already."""
    told = []
    with InterpreterPoolExecutor(1) as pool:
        future = pool.submit(square, 2)
        future.add_done_callback(told.append)
        future.result()
        future.add_done_callback(told.append)
    assert told == [future, future]


@row("concurrent.futures, Executor.shutdown()")
def shut_down():
    """After it nothing can be submitted, and all that was has been done."""
    pool = InterpreterPoolExecutor(2)
    futures = [pool.submit(square, n) for n in range(10)]
    equal(pool.shutdown(), None)
    assert all(future.done() for future in futures)
    raises(RuntimeError, pool.submit, square, 2)
    raises(RuntimeError, pool.map, square, [2])
    pool.shutdown()


@row("concurrent.futures, Executor.shutdown()")
def shut_down_frees_the_workers():
    """After it the interpreters of the workers are no more."""
    with InterpreterPoolExecutor(3) as pool:
        for future in [pool.submit(here) for _ in range(9)]:
            future.result()
        assert len(interpreters.list_all()) > 1
    equal(len(interpreters.list_all()), 1)


@row("concurrent.futures, Executor.shutdown(wait=False)")
def shut_down_without_waiting():
    """With wait=False it returns at once, and the calls are made nevertheless."""
    pool = InterpreterPoolExecutor(1)
    with occupied(pool) as first:
        second = pool.submit(square, 3)
        pool.shutdown(wait=False)
        assert not first.done()
        raises(RuntimeError, pool.submit, square, 3)
    equal((first.result(), second.result()), ("done", 9))


@row("concurrent.futures, Executor.shutdown(cancel_futures=True)")
def shut_down_cancelling():
    """With cancel_futures=True, calls that have not begun are cancelled; what runs ends well."""
    pool = InterpreterPoolExecutor(1)
    with occupied(pool) as running:
        waiting = [pool.submit(square, n) for n in range(3)]
        pool.shutdown(wait=False, cancel_futures=True)
        assert all(future.cancelled() for future in waiting)
    equal(running.result(), "done")


@row("concurrent.futures, Executor as a context manager")
def context_manager():
    """`with` gives the executor itself, and waits at its end for what was submitted."""
    pool = InterpreterPoolExecutor(1)
    with pool as entered:
        assert entered is pool
        future = pool.submit(square, 3)
    assert future.done()
    raises(RuntimeError, pool.submit, square, 3)


@row("concurrent.futures, InterpreterPoolExecutor(max_workers)")
def bad_counts():
    """A number of workers below one is a ValueError."""
    for count in (0, -1):
        raises(ValueError, InterpreterPoolExecutor, max_workers=count)


@row("concurrent.futures, InterpreterPoolExecutor(max_workers)")
def default_count():
    """Without a number there are as many workers as a ThreadPoolExecutor has."""
    with InterpreterPoolExecutor() as pool:
        equal(pool._max_workers, min(32, (os.process_cpu_count() or 1) + 4))


@row("concurrent.futures, InterpreterPoolExecutor(initializer)")
def bad_initializers():
    """An initializer that is not callable is refused, source text too."""
    raises(TypeError, InterpreterPoolExecutor, initializer=3)
    raises(TypeError, InterpreterPoolExecutor, initializer="n = 3")


@row("CPython 3.14, InterpreterPoolExecutor.submit()")
def scripts():
    """Source text cannot be submitted."""
    with InterpreterPoolExecutor(1) as pool:
        raises(TypeError, pool.submit, "pass")


@row("concurrent.futures, Executor.submit()")
def what_is_not_callable():
    """Submitting what is not callable makes a future that fails with TypeError."""
    with InterpreterPoolExecutor(1) as pool:
        raises(TypeError, pool.submit(3).result)


@row("concurrent.futures, InterpreterPoolExecutor(thread_name_prefix)")
def names_of_workers():
    """The prefix is in the name of the thread that a task finds itself in."""
    with InterpreterPoolExecutor(1, thread_name_prefix="smith") as pool:
        assert pool.submit(thread_name).result().startswith("smith"), "no prefix"


@row("concurrent.futures, Executor inside of a worker")
def pools_in_workers():
    """A task can have a pool of its own."""
    source = (
        "from concurrent.futures import InterpreterPoolExecutor\n"
        "with InterpreterPoolExecutor(1) as inner: n = inner.submit(pow, 2, 3).result()\n"
    )
    with InterpreterPoolExecutor(1) as pool:
        pool.submit(exec, source).result()
        equal(pool.submit(eval, "n").result(), 8)


@row("concurrent.futures, what a worker prints")
def output_of_workers():
    """Workers have a `sys.stdout` of their own: replacing it changes nobody else's."""
    own = io.StringIO()
    with contextlib.redirect_stdout(own), InterpreterPoolExecutor(1) as pool:
        pool.submit(exec, "import io, sys; sys.stdout = io.StringIO()").result()
        pool.submit(print, "there").result()
        equal(pool.submit(eval, "sys.stdout.getvalue()").result(), "there\n")
    equal(own.getvalue(), "")


@row("api.md 2, threads run while their creator waits")
def submitted_by_threads():
    """Threads can submit to a pool that they share."""
    results = []
    with InterpreterPoolExecutor(2) as pool:
        threads = [
            threading.Thread(target=lambda n=n: results.append(pool.submit(square, n).result()))
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    equal(sorted(results), [0, 1, 4, 9])


@row("concurrent.futures, InterpreterPoolExecutor")
def pool_that_nobody_knows():
    """A pool that is dropped without a shutdown leaves no interpreters behind."""
    pool = InterpreterPoolExecutor(1)
    equal(pool.submit(square, 2).result(), 4)
    ended = pool.submit(square, 3)
    del pool
    equal(ended.result(), 9)
    assert concurrent.futures.wait([ended]).done


if __name__ == "__main__":
    run()
