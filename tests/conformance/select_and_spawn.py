"""The extensions of `archipel`: selection among waits, and tasks."""

import fractions
import time
from concurrent import interpreters

import archipel
from archipel import DeadlockError, after, channel, select, spawn
from concurrent.interpreters import ExecutionFailed, NotShareableError
from interpreters import ChannelClosedError
from runner import CRASH, child, equal, meet, raises, row, run

factor = 3


def scaled(n):
    return n * factor


def give(send, *items):
    for item in items:
        send.send(item)


def loop():
    while True:
        pass


def send_when_told(ready, send):
    ready.send(None)
    send.send("sent")


@row("archipel, channel(capacity)")
def channels():
    """It creates what interpreters.create_channel creates."""
    recv, send = channel(1)
    assert isinstance(recv, archipel.RecvChannel) and isinstance(send, archipel.SendChannel)
    send.send(1)
    equal(recv.recv(), 1)


@row("archipel, select() over receives")
def receives():
    """It receives from a channel that is not empty, and returns the case and the object."""
    (a, send_a), (b, send_b) = channel(1), channel(1)
    send_b.send("b")
    case, value = select(a, b)
    assert case is b
    equal(value, "b")
    send_a.send(None)
    case, value = select(a, b)
    assert case is a and value is None


@row("archipel, select() over sends")
def sends():
    """It sends where there is room, and returns the case as passed and None."""
    recv, send = channel(1)
    full, send_full = channel(1)
    send_full.send(1)
    chosen = (send, "x")
    case, value = select((send_full, "y"), chosen)
    assert case is chosen and value is None
    equal((recv.recv(), full.recv()), ("x", 1))


@row("archipel, select() over queues")
def queues():
    """A queue is a case to receive from, and with an object a case to send, by pickle if necessary."""
    queue, other = interpreters.create_queue(), interpreters.create_queue(1)
    queue.put(1)
    case, value = select(queue, other)
    assert case is queue
    equal(value, 1)
    chosen = (other, fractions.Fraction(1, 2))
    assert select(queue, chosen)[0] is chosen
    equal(other.get(), fractions.Fraction(1, 2))


@row("archipel, select() over tasks")
def tasks():
    """A task is a case whose value is its result; its `done` is a case whose value is None."""
    recv, _send = channel()
    task = spawn(pow, 2, 5)
    equal(select(recv, task), (task, 32))
    task = spawn(pow, 2, 5)
    done = task.done
    case, value = select(recv, done)
    assert case is done and value is None and task.done
    equal(task.result(), 32)


@row("archipel, select() over child.done")
def children():
    """The `done` of an interpreter is a case that is ready when the interpreter is idle."""
    made = archipel.create(safe=False)
    ready, go = interpreters.create_queue(), interpreters.create_queue()
    thread = made.call_in_thread(meet, ready, go)
    ready.get()
    done = made.done
    equal(select(done, default="busy"), (None, "busy"))
    assert not done and not done()
    go.put(None)
    case, value = select(done)
    assert case is done and value is None and made.done
    thread.join()


@row("archipel, select() over after(seconds)")
def timers():
    """after() is a case that is ready after some time; of several, the earliest is chosen."""
    recv, _send = channel()
    start = time.monotonic()
    soon, late = after(0.02), after(1000)
    case, value = select(late, recv, soon)
    assert case is soon and value is None
    assert time.monotonic() - start >= 0.02


@row("archipel, select(timeout)")
def times_out():
    """It raises TimeoutError if no case becomes ready in time; the shorter of timeout and after()
    counts."""
    recv, _send = channel()
    raises(TimeoutError, select, recv, timeout=0.01)
    raises(TimeoutError, select, recv, after(1000), timeout=0.001)
    timer = after(0.001)
    assert select(recv, timer, timeout=1000)[0] is timer
    raises(TimeoutError, select, recv, timeout=0)


@row("archipel, select(default)")
def default():
    """With a default it does not wait, and returns (None, default) if no case is ready."""
    recv, send = channel(1)
    equal(select(recv, default="none"), (None, "none"))
    equal(select(recv, default=None), (None, None))
    equal(select(default=1), (None, 1))
    send.send(2)
    equal(select(recv, default=1), (recv, 2))


@row("archipel, select(): random among ready")
def random_among_ready():
    """Of several ready cases, each is chosen at some time, whatever their order."""
    recv, send = channel(None)
    other, send_other = channel(None)
    for n in range(200):
        send.send(n)
        send_other.send(n)
    chosen = [select(recv, other)[0] for _ in range(200)]
    # The probability that one of them is never chosen is 2**-200.
    assert recv in chosen and other in chosen


@row("archipel, select()")
def one_case_is_done():
    """Exactly one of the cases is carried out."""
    (a, send_a), (b, send_b) = channel(1), channel(1)
    send_a.send(1)
    send_b.send(2)
    select(a, b)
    equal(len([1 for recv in (a, b) if recv.recv_nowait(None) is None]), 1)


@row("archipel, select()")
def waits():
    """It waits until another interpreter makes one of the cases ready."""
    heard, ready = channel()
    (a, _), (b, send_b) = channel(), channel()
    task = spawn(send_when_told, ready, send_b)
    heard.recv()
    equal(select(a, b, timeout=1000), (b, "sent"))
    task.result()


@row("archipel, select(): what the chosen case raises")
def closed():
    """A closed channel is a case that is ready, and its exception is raised."""
    recv, send = channel()
    send.close()
    raises(ChannelClosedError, select, recv)
    recv, send = channel()
    recv.close()
    raises(ChannelClosedError, select, (send, 1))
    task = spawn(divmod, 1, 0)
    raises(ExecutionFailed, select, task)


@row("archipel, select()")
def invalid_cases():
    """An invalid case is a TypeError, a negative time a ValueError, an object that is not data a
    NotShareableError."""
    recv, send = channel()
    for case in (1, None, send, (recv, 1), (send,), "x", (send, 1, 2)):
        raises(TypeError, select, case)
    raises(ValueError, select, recv, timeout=-1)
    raises(ValueError, after, -1)
    raises(TypeError, after, "1")
    raises(NotShareableError, select, (send, object()))


@row("archipel, spawn()")
def spawned():
    """It calls a function in an interpreter of its own, in parallel, and returns a task."""
    heard, ready = channel()
    (recv, send) = channel()
    task = spawn(send_when_told, ready, send)
    heard.recv()
    assert not task.done
    equal(recv.recv(), "sent")
    assert task.result() is None and task.done


@row("archipel, spawn(): what can be called is what Interpreter.call takes")
def spawned_functions():
    """Functions of the script, keyword arguments and pickled results work as in Interpreter.call()."""
    equal(spawn(scaled, 4).result(), 12)
    equal(spawn(int, "ff", base=16).result(), 255)
    equal(spawn(fractions.Fraction, 1, 2).result(), fractions.Fraction(1, 2))


@row("archipel, task.result(timeout)")
def results():
    """result() raises TimeoutError while the call runs, and returns the same value each time afterwards."""
    ready, go = interpreters.create_queue(), interpreters.create_queue()
    task = spawn(meet, ready, go)
    ready.get()
    raises(TimeoutError, task.result, 0.01)
    raises(TimeoutError, task.result, timeout=0)
    go.put([1])
    equal([task.result(), task.result(timeout=0)], [[1], [1]])


@row("archipel, task.result()")
def failed():
    """A call that raised is an ExecutionFailed, each time, and the interpreter is destroyed."""
    task = spawn(divmod, 1, 0)
    for _ in range(2):
        equal(raises(ExecutionFailed, task.result).excinfo.type.__name__, "ZeroDivisionError")
    equal(len(interpreters.list_all()), 1)


@row("archipel, spawn()")
def not_sent():
    """A call that cannot be sent is refused at once, and leaves no interpreter behind."""
    raises(NotShareableError, spawn, repr, time)
    equal(len(interpreters.list_all()), 1)


@row("archipel, spawn(): a fresh interpreter")
def interpreters_end():
    """The interpreter of a task is destroyed when the result is taken."""
    task = spawn(len, "")
    assert task.interpreter in interpreters.list_all()
    task.result()
    assert task.interpreter is None
    equal(len(interpreters.list_all()), 1)


@row("archipel, task.cancel()")
def cancelled():
    """A task can be stopped anywhere, and `cancelled` says so."""
    task = spawn(loop)
    assert task.cancel() is True
    assert task.cancelled()
    select(task.done)
    assert task.done
    for _ in range(2):
        raises(archipel.Cancelled, task.result)
    assert task.cancel() is False
    equal(len(interpreters.list_all()), 1)


@row("archipel, task.cancel()")
def cancelled_in_a_wait():
    """That also holds for a task that waits, and the channel that it waited for stays open."""
    recv, send = channel()
    heard, ready = channel()
    task = spawn(send_when_told, ready, send)
    heard.recv()
    assert task.cancel()
    raises(archipel.Cancelled, task.result)
    equal(recv.recv_nowait("nothing"), "nothing")


@row("archipel, task.cancel()")
def cancelled_too_late():
    """A task that has ended cannot be cancelled, and keeps its result."""
    task = spawn(len, "ab")
    select(task.done)
    assert task.cancel() is False and not task.cancelled()
    equal(task.result(), 2)


@row("archipel, InterpreterDied")
def died():
    """A task whose interpreter dies raises InterpreterDied."""
    raises(archipel.InterpreterDied, spawn(exec, CRASH).result)


@row("archipel, DeadlockError")
def deadlock_with_oneself():
    """Waiting for an action of the waiting interpreter itself raises DeadlockError with the waits."""
    recv, send = channel()
    error = raises(DeadlockError, recv.recv)
    equal(str(error), f"interpreter 0 waits to receive from channel {recv.id}")
    error = raises(DeadlockError, send.send, 1)
    equal(str(error), f"interpreter 0 waits to send to channel {send.id}")
    raises(DeadlockError, interpreters.create_queue().get)
    raises(DeadlockError, select, recv)
    raises(DeadlockError, select)


@row("archipel, DeadlockError")
def deadlock_with_others():
    """If interpreters wait for each other in a ring, each gets DeadlockError, which lists all of them."""
    (a, send_a), (b, send_b) = channel(), channel()
    task = spawn(exec, "")
    task.result()
    made = child(a=a, send_b=send_b)
    source = """
import archipel
try:
    a.recv()
except archipel.DeadlockError as error:
    told = str(error)
"""
    thread = made.call_in_thread(exec, source)
    error = raises(DeadlockError, b.recv)
    thread.join()
    for text in (str(error), made.call(eval, "told")):
        assert f"interpreter 0 waits to receive from channel {b.id}" in text, text
        assert f"interpreter {made.id} waits to receive from channel {a.id}" in text, text


@row("archipel, DeadlockError")
def no_deadlock_with_a_timeout():
    """A wait with a timeout raises TimeoutError instead."""
    recv, _send = channel()
    raises(TimeoutError, recv.recv, timeout=0.01)


if __name__ == "__main__":
    run()
