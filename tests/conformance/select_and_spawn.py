"""What `archipel` adds: a choice between waits, and tasks."""

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


@row("api.md 3, channel(capacity)")
def channels():
    """It makes what interpreters.create_channel makes."""
    recv, send = channel(1)
    assert isinstance(recv, archipel.RecvChannel) and isinstance(send, archipel.SendChannel)
    send.send(1)
    equal(recv.recv(), 1)


@row("api.md 3, select() over receives")
def receives():
    """It receives from a channel that has something, and returns the case and the object."""
    (a, send_a), (b, send_b) = channel(1), channel(1)
    send_b.send("b")
    case, value = select(a, b)
    assert case is b
    equal(value, "b")
    send_a.send(None)
    case, value = select(a, b)
    assert case is a and value is None


@row("api.md 3, select() over sends")
def sends():
    """It sends where there is room, and returns the case as it was given and None."""
    recv, send = channel(1)
    full, send_full = channel(1)
    send_full.send(1)
    chosen = (send, "x")
    case, value = select((send_full, "y"), chosen)
    assert case is chosen and value is None
    equal((recv.recv(), full.recv()), ("x", 1))


@row("api.md 3, select() over queues")
def queues():
    """A queue is a case to receive from, and with an object one to put to, by pickle if need be."""
    queue, other = interpreters.create_queue(), interpreters.create_queue(1)
    queue.put(1)
    case, value = select(queue, other)
    assert case is queue
    equal(value, 1)
    chosen = (other, fractions.Fraction(1, 2))
    assert select(queue, chosen)[0] is chosen
    equal(other.get(), fractions.Fraction(1, 2))


@row("api.md 3, select() over tasks")
def tasks():
    """A task is a case whose value is its result; its `done` is one without a value."""
    recv, _send = channel()
    task = spawn(pow, 2, 5)
    equal(select(recv, task), (task, 32))
    task = spawn(pow, 2, 5)
    done = task.done
    case, value = select(recv, done)
    assert case is done and value is None and task.done
    equal(task.result(), 32)


@row("api.md 3, select() over child.done")
def children():
    """The `done` of an interpreter is a case that is ready when it has nothing to do."""
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


@row("api.md 3, select() over after(seconds)")
def timers():
    """after() is a case that is ready when so much time has passed; of several, the first one is."""
    recv, _send = channel()
    start = time.monotonic()
    soon, late = after(0.02), after(1000)
    case, value = select(late, recv, soon)
    assert case is soon and value is None
    assert time.monotonic() - start >= 0.02


@row("api.md 3, select(timeout)")
def times_out():
    """It raises TimeoutError when no case could be done for so long; the shorter of timeout and
    after() counts."""
    recv, _send = channel()
    raises(TimeoutError, select, recv, timeout=0.01)
    raises(TimeoutError, select, recv, after(1000), timeout=0.001)
    timer = after(0.001)
    assert select(recv, timer, timeout=1000)[0] is timer
    raises(TimeoutError, select, recv, timeout=0)


@row("api.md 3, select(default)")
def default():
    """With a default nothing is waited for, and (None, default) says that no case could be done."""
    recv, send = channel(1)
    equal(select(recv, default="none"), (None, "none"))
    equal(select(recv, default=None), (None, None))
    equal(select(default=1), (None, 1))
    send.send(2)
    equal(select(recv, default=1), (recv, 2))


@row("api.md 3, select(): random among ready")
def random_among_ready():
    """Of several cases that can be done, each is chosen at times, in whatever order they are given."""
    recv, send = channel(None)
    other, send_other = channel(None)
    for n in range(200):
        send.send(n)
        send_other.send(n)
    chosen = [select(recv, other)[0] for _ in range(200)]
    # Each of them is left out with a chance of one in 2**200.
    assert recv in chosen and other in chosen


@row("api.md 3, select()")
def one_case_is_done():
    """Exactly one of the cases is done."""
    (a, send_a), (b, send_b) = channel(1), channel(1)
    send_a.send(1)
    send_b.send(2)
    select(a, b)
    equal(len([1 for recv in (a, b) if recv.recv_nowait(None) is None]), 1)


@row("api.md 3, select()")
def waits():
    """It waits until another interpreter makes one of the cases possible."""
    heard, ready = channel()
    (a, _), (b, send_b) = channel(), channel()
    task = spawn(send_when_told, ready, send_b)
    heard.recv()
    equal(select(a, b, timeout=1000), (b, "sent"))
    task.result()


@row("api.md 3, select(): what the chosen case raises")
def closed():
    """A closed channel is a case that can be done: what that raises is raised."""
    recv, send = channel()
    send.close()
    raises(ChannelClosedError, select, recv)
    recv, send = channel()
    recv.close()
    raises(ChannelClosedError, select, (send, 1))
    task = spawn(divmod, 1, 0)
    raises(ExecutionFailed, select, task)


@row("api.md 3, select()")
def what_is_no_case():
    """What is no case is a TypeError, a negative time a ValueError, an object that is no data a
    NotShareableError."""
    recv, send = channel()
    for case in (1, None, send, (recv, 1), (send,), "x", (send, 1, 2)):
        raises(TypeError, select, case)
    raises(ValueError, select, recv, timeout=-1)
    raises(ValueError, after, -1)
    raises(TypeError, after, "1")
    raises(NotShareableError, select, (send, object()))


@row("api.md 3, spawn()")
def spawned():
    """It calls a function in an interpreter of its own, in parallel, and gives a task."""
    heard, ready = channel()
    (recv, send) = channel()
    task = spawn(send_when_told, ready, send)
    heard.recv()
    assert not task.done
    equal(recv.recv(), "sent")
    assert task.result() is None and task.done


@row("api.md 3, spawn(): what can be called is what Interpreter.call takes")
def spawned_functions():
    """Functions of the script, keyword arguments and pickled results are as in Interpreter.call()."""
    equal(spawn(scaled, 4).result(), 12)
    equal(spawn(int, "ff", base=16).result(), 255)
    equal(spawn(fractions.Fraction, 1, 2).result(), fractions.Fraction(1, 2))


@row("api.md 3, task.result(timeout)")
def results():
    """result() raises TimeoutError while the call goes on, and gives the same each time afterwards."""
    ready, go = interpreters.create_queue(), interpreters.create_queue()
    task = spawn(meet, ready, go)
    ready.get()
    raises(TimeoutError, task.result, 0.01)
    raises(TimeoutError, task.result, timeout=0)
    go.put([1])
    equal([task.result(), task.result(timeout=0)], [[1], [1]])


@row("api.md 3, task.result()")
def failed():
    """A call that raised is an ExecutionFailed, each time, and the interpreter is gone."""
    task = spawn(divmod, 1, 0)
    for _ in range(2):
        equal(raises(ExecutionFailed, task.result).excinfo.type.__name__, "ZeroDivisionError")
    equal(len(interpreters.list_all()), 1)


@row("api.md 3, spawn()")
def not_sent():
    """What cannot be sent is refused at once, and leaves no interpreter behind."""
    raises(NotShareableError, spawn, repr, time)
    equal(len(interpreters.list_all()), 1)


@row("api.md 3, spawn(): a fresh interpreter")
def interpreters_end():
    """The interpreter of a task is destroyed when its result was taken."""
    task = spawn(len, "")
    assert task.interpreter in interpreters.list_all()
    task.result()
    assert task.interpreter is None
    equal(len(interpreters.list_all()), 1)


@row("api.md 3, task.cancel()")
def cancelled():
    """A task is stopped wherever it is, and says that it was cancelled."""
    task = spawn(loop)
    assert task.cancel() is True
    assert task.cancelled()
    select(task.done)
    assert task.done
    for _ in range(2):
        raises(archipel.Cancelled, task.result)
    assert task.cancel() is False
    equal(len(interpreters.list_all()), 1)


@row("api.md 3, task.cancel()")
def cancelled_in_a_wait():
    """That holds for one that waits, and what it was waiting for goes on."""
    recv, send = channel()
    heard, ready = channel()
    task = spawn(send_when_told, ready, send)
    heard.recv()
    assert task.cancel()
    raises(archipel.Cancelled, task.result)
    equal(recv.recv_nowait("nothing"), "nothing")


@row("api.md 3, task.cancel()")
def cancelled_too_late():
    """A task that has ended cannot be cancelled, and keeps its result."""
    task = spawn(len, "ab")
    select(task.done)
    assert task.cancel() is False and not task.cancelled()
    equal(task.result(), 2)


@row("api.md 3, InterpreterDied")
def died():
    """A task whose interpreter dies raises InterpreterDied."""
    raises(archipel.InterpreterDied, spawn(exec, CRASH).result)


@row("api.md 3, DeadlockError")
def deadlock_with_oneself():
    """Waiting for what only the waiting one could do says who waits for what."""
    recv, send = channel()
    error = raises(DeadlockError, recv.recv)
    equal(str(error), f"interpreter 0 waits to receive from channel {recv.id}")
    error = raises(DeadlockError, send.send, 1)
    equal(str(error), f"interpreter 0 waits to send to channel {send.id}")
    raises(DeadlockError, interpreters.create_queue().get)
    raises(DeadlockError, select, recv)
    raises(DeadlockError, select)


@row("api.md 3, DeadlockError")
def deadlock_with_others():
    """When interpreters wait for each other in a ring, each is told, and names all of them."""
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


@row("api.md 3, DeadlockError")
def no_deadlock_with_a_timeout():
    """Who waits with a timeout is told of the time instead."""
    recv, _send = channel()
    raises(TimeoutError, recv.recv, timeout=0.01)


if __name__ == "__main__":
    run()
