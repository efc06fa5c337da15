"""Calls that run in parallel with their caller."""

import contextlib
import threading
from concurrent import interpreters

import archipel
from runner import Busy, child, equal, raises, row, run


def exchange(give, take):
    """Two calls of this function can end only if they run at the same time."""
    give.put(1)
    return take.get()


def forever():
    while True:
        pass


@contextlib.contextmanager
def hook():
    """Collect the arguments of `threading.excepthook` within the block."""
    shown = []
    original, threading.excepthook = threading.excepthook, shown.append
    try:
        yield shown
    finally:
        threading.excepthook = original


@row("CPython 3.14, Interpreter.call_in_thread()")
def starts_at_once():
    """The call starts before anything waits for it."""
    ready, go = interpreters.create_queue(), interpreters.create_queue()
    made = child()
    thread = made.call_in_thread(exchange, ready, go)
    ready.get()
    assert thread.is_alive()
    go.put(None)
    thread.join()
    assert not thread.is_alive()


@row("CPython 3.14, Interpreter.call_in_thread()")
def runs_in_parallel():
    """Two calls run in parallel: each needs the other to make progress."""
    one, two = interpreters.create_queue(), interpreters.create_queue()
    first, second = child(), child()
    threads = [
        first.call_in_thread(exchange, one, two),
        second.call_in_thread(exchange, two, one),
    ]
    for thread in threads:
        thread.join()
    assert not any(thread.is_alive() for thread in threads)


@row("CPython 3.14, Interpreter.call_in_thread()")
def goes_on_beside_a_busy_loop():
    """A call that never waits does not block others."""
    loop = archipel.create(safe=False)
    thread = loop.call_in_thread(forever)
    equal(child().call(sum, [1, 2]), 3)
    assert thread.is_alive()
    with hook():
        loop.kill()
        thread.join()


@row("CPython 3.14, Interpreter.call_in_thread()")
def returns_a_thread():
    """It returns a started threading.Thread."""
    thread = child().call_in_thread(len, "")
    assert isinstance(thread, threading.Thread)
    raises(RuntimeError, thread.start)
    thread.join()


@row("threading, Thread.join()")
def join_with_a_timeout():
    """join() returns None after a timeout while the call goes on, and can be called again."""
    busy = Busy()
    with busy:
        equal(busy.thread.join(0), None)
        equal(busy.thread.join(0.001), None)
        assert busy.thread.is_alive()
    equal(busy.thread.join(), None)
    equal(busy.thread.join(), None)


@row("threading, Thread.name")
def named():
    """Each thread has its own name, which can be changed."""
    one, two = child().call_in_thread(len, ""), child().call_in_thread(len, "")
    assert one.name and one.name != two.name
    one.name = "mine"
    equal(one.name, "mine")
    assert "mine" in repr(one)
    one.join()
    two.join()


@row("CPython 3.14, Interpreter.call_in_thread()")
def results_are_discarded():
    """The result is discarded, and the effects of the call stay in the interpreter."""
    made = child()
    equal(made.call_in_thread(exec, "n = 7").join(), None)
    equal(made.call(eval, "n"), 7)


@row("CPython 3.14, Interpreter.call_in_thread()")
def failures_go_to_the_hook():
    """threading.excepthook reports an exception as an ExecutionFailed of that thread."""
    with hook() as shown:
        thread = child().call_in_thread(divmod, 1, 0)
        thread.join()
    equal(len(shown), 1)
    assert shown[0].exc_type is interpreters.ExecutionFailed
    equal(shown[0].exc_value.excinfo.type.__name__, "ZeroDivisionError")
    assert shown[0].thread is thread


@row("CPython 3.14, Interpreter.call_in_thread()")
def failures_leave_it_usable():
    """An interpreter whose call failed is still usable."""
    made = child()
    with hook() as shown:
        made.call_in_thread(divmod, 1, 0).join()
    equal((len(shown), made.call(len, "ab")), (1, 2))


@row("CPython 3.14, Interpreter.call_in_thread()")
def objects_that_cannot_be_sent():
    """A call that cannot be sent fails in the thread, not in the caller."""
    with hook() as shown:
        thread = child().call_in_thread(repr, threading)
        thread.join()
    assert not thread.is_alive()
    equal([args.exc_type for args in shown], [interpreters.NotShareableError])


@row("CPython 3.14, Interpreter.call_in_thread()")
def a_running_one():
    """On a running interpreter the thread fails with InterpreterError."""
    with Busy() as made, hook() as shown:
        made.call_in_thread(len, "").join()
    equal([args.exc_type for args in shown], [interpreters.InterpreterError])


@row("CPython 3.14, Interpreter.call_in_thread()")
def a_closed_one():
    """On a closed interpreter the thread fails with InterpreterNotFoundError."""
    made = child()
    made.close()
    with hook() as shown:
        made.call_in_thread(len, "").join()
    equal([args.exc_type for args in shown], [interpreters.InterpreterNotFoundError])


@row("interpreters, threads run while their creator waits")
def threads_that_call():
    """A threading.Thread whose target is exec works as in CPython."""
    made = child()
    thread = threading.Thread(target=made.exec, args=("n = 1",))
    thread.start()
    thread.join()
    equal(made.call(eval, "n"), 1)


if __name__ == "__main__":
    run()
