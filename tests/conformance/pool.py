"""`concurrent.futures.InterpreterPoolExecutor`: creation, tasks and workers."""

import contextlib
import io
import itertools
import logging
import os
import sys
import threading
from concurrent import interpreters
from concurrent.futures import Future, InterpreterPoolExecutor
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


@contextlib.contextmanager
def quiet():
    """Silence the executor's log of failed workers."""
    logger = logging.getLogger("concurrent.futures")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


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
    """Functions of the script can be submitted, although CPython's documentation says that they cannot."""
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
    """Calls run in parallel: each of two needs the other to make progress."""
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
    """With a buffersize, at most that many items more than were yielded are taken from the iterable."""
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
    """A buffersize below one is a ValueError, one that is not an int a TypeError."""
    with InterpreterPoolExecutor(1) as pool:
        raises(ValueError, pool.map, square, [1], buffersize=0)
        raises(TypeError, pool.map, square, [1], buffersize="3")


@row("concurrent.futures, Executor.map(timeout)")
def map_times_out():
    """A result that is not available in time raises TimeoutError."""
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
    """An initializer can get a queue as an argument, for communication with the creator."""
    queue = interpreters.create_queue()
    with InterpreterPoolExecutor(1, initializer=queue.put, initargs=("begun",)) as pool:
        pool.submit(len, "").result()
        equal(queue.get(), "begun")


@row("concurrent.futures, InterpreterPoolExecutor(initializer)")
def initializer_that_fails():
    """If it raises, submitted calls fail with BrokenInterpreterPool, and so do later ones."""
    with quiet(), InterpreterPoolExecutor(1, initializer=fail_to_initialise) as pool:
        future = pool.submit(len, "")
        raises(BrokenInterpreterPool, future.result)
        raises(BrokenInterpreterPool, pool.submit, len, "")


@row("concurrent.futures, BrokenExecutor")
def worker_that_dies():
    """A worker that dies breaks the pool, and no future waits forever."""
    with quiet(), InterpreterPoolExecutor(1) as pool:
        equal(pool.submit(len, "").result(), 0)
        raises(BrokenInterpreterPool, pool.submit(exec, CRASH).result)
        raises(BrokenInterpreterPool, pool.submit, len, "")


@row("concurrent.futures, InterpreterPoolExecutor: state")
def workers_keep_their_state():
    """A worker keeps its interpreter from task to task."""
    with InterpreterPoolExecutor(1) as pool:
        pool.submit(exec, "n = 3").result()
        equal(pool.submit(eval, "n").result(), 3)


@row("concurrent.futures, InterpreterPoolExecutor: pickle")
def objects_that_cannot_be_sent():
    """Arguments and results that cannot be sent raise NotShareableError from their futures only."""
    with InterpreterPoolExecutor(1) as pool:
        for future in (pool.submit(repr, sys), pool.submit(eval, "__import__('sys')")):
            raises(interpreters.NotShareableError, future.result)
        equal(pool.submit(len, "ab").result(), 2)


@row("concurrent.futures, SystemExit in a task")
def tasks_that_exit():
    """SystemExit is treated like other exceptions, and the worker continues."""
    with InterpreterPoolExecutor(1) as pool:
        raises(SystemExit, pool.submit(sys.exit, 3).result)
        equal(pool.submit(len, "ab").result(), 2)


@row("concurrent.futures, InterpreterPoolExecutor(max_workers)")
def bad_counts():
    """A number of workers below one is a ValueError."""
    for count in (0, -1):
        raises(ValueError, InterpreterPoolExecutor, max_workers=count)


@row("concurrent.futures, InterpreterPoolExecutor(max_workers)")
def default_count():
    """By default there are as many workers as a ThreadPoolExecutor has."""
    with InterpreterPoolExecutor() as pool:
        equal(pool._max_workers, min(32, (os.process_cpu_count() or 1) + 4))


@row("concurrent.futures, InterpreterPoolExecutor(initializer)")
def bad_initializers():
    """An initializer that is not callable is refused, including source text."""
    raises(TypeError, InterpreterPoolExecutor, initializer=3)
    raises(TypeError, InterpreterPoolExecutor, initializer="n = 3")


@row("CPython 3.14, InterpreterPoolExecutor.submit()")
def scripts():
    """Source text cannot be submitted."""
    with InterpreterPoolExecutor(1) as pool:
        raises(TypeError, pool.submit, "pass")


@row("concurrent.futures, Executor.submit()")
def objects_that_are_not_callable():
    """Submitting an object that is not callable returns a future that raises TypeError."""
    with InterpreterPoolExecutor(1) as pool:
        raises(TypeError, pool.submit(3).result)


@row("concurrent.futures, InterpreterPoolExecutor(thread_name_prefix)")
def names_of_workers():
    """The prefix is part of the name of the current thread in a task."""
    with InterpreterPoolExecutor(1, thread_name_prefix="smith") as pool:
        assert pool.submit(thread_name).result().startswith("smith"), "no prefix"


@row("concurrent.futures, Executor inside of a worker")
def pools_in_workers():
    """A task can create a pool of its own."""
    source = (
        "from concurrent.futures import InterpreterPoolExecutor\n"
        "with InterpreterPoolExecutor(1) as inner: n = inner.submit(pow, 2, 3).result()\n"
    )
    with InterpreterPoolExecutor(1) as pool:
        pool.submit(exec, source).result()
        equal(pool.submit(eval, "n").result(), 8)


@row("concurrent.futures, what a worker prints")
def output_of_workers():
    """Each worker has its own `sys.stdout`."""
    own = io.StringIO()
    with contextlib.redirect_stdout(own), InterpreterPoolExecutor(1) as pool:
        pool.submit(exec, "import io, sys; sys.stdout = io.StringIO()").result()
        pool.submit(print, "there").result()
        equal(pool.submit(eval, "sys.stdout.getvalue()").result(), "there\n")
    equal(own.getvalue(), "")


@row("interpreters, threads run while their creator waits")
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


if __name__ == "__main__":
    run()
