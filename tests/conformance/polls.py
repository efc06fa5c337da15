"""Loops that poll until something has happened, and never wait."""

import os
import queue
import threading
import time
from concurrent import interpreters
from concurrent.futures import InterpreterPoolExecutor, ThreadPoolExecutor

import archipel
from interpreters import create_channel
from runner import child, equal, row, run

DOC = "docs/python.md, threads"


def started(target):
    """Return a thread that was started and cannot have run yet."""
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def spin(happened):
    """Poll until it has happened, which must not take forever."""
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline, "it never happened"


def caught(kind, function, *args, **kwargs):
    """Return whether a call raises `kind`."""
    try:
        function(*args, **kwargs)
    except kind:
        return False
    return True


@row(DOC)
def threads():
    """`is_alive`, `join(0)`, `active_count` and `enumerate` let a thread run."""
    thread = started(int)
    spin(lambda: not thread.is_alive())
    thread = started(int)
    spin(lambda: thread.join(0) or not thread.is_alive())
    started(int)
    spin(lambda: threading.active_count() == 1)
    started(int)
    spin(lambda: len(threading.enumerate()) == 1)
    timer = threading.Timer(0.01, int)
    timer.start()
    spin(lambda: not timer.is_alive())


@row(DOC)
def locks():
    """So do attempts to acquire a lock or a semaphore, and `locked`."""
    for attempt in (
        lambda lock: lock.acquire(False),
        lambda lock: lock.acquire(timeout=0),
        lambda lock: not lock.locked(),
    ):
        lock = threading.Lock()
        lock.acquire()
        started(lock.release)
        spin(lambda: attempt(lock))
    for options in ({"blocking": False}, {"timeout": 0}):
        semaphore = threading.Semaphore(0)
        started(semaphore.release)
        spin(lambda: semaphore.acquire(**options))


@row(DOC)
def events_and_conditions():
    """So do `is_set`, and waits of zero length."""
    event = threading.Event()
    started(event.set)
    spin(event.is_set)
    event = threading.Event()
    started(event.set)
    spin(lambda: event.wait(0))
    condition, done = threading.Condition(), []
    started(lambda: done.append(1))

    def wait():
        with condition:
            condition.wait(0)
        return done

    spin(wait)


@row(DOC)
def queues():
    """So do polls of empty and full queues, and `empty`, `full` and `qsize`."""
    for kind in (queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue):
        for look in (
            lambda q: caught(queue.Empty, q.get_nowait),
            lambda q: caught(queue.Empty, q.get, timeout=0),
            lambda q: not q.empty(),
            lambda q: q.qsize(),
        ):
            q = kind()
            started(lambda: q.put(1))
            spin(lambda: look(q))
    for look in (lambda q: caught(queue.Full, q.put_nowait, 2), lambda q: not q.full()):
        q = queue.Queue(1)
        q.put(1)
        started(q.get)
        spin(lambda: look(q))


@row(DOC)
def futures():
    """So do `done`, `running`, and a result with a timeout of zero."""
    with ThreadPoolExecutor() as pool:
        future = pool.submit(pow, 2, 3)
        spin(future.done)
        other = pool.submit(pow, 2, 3)
        spin(lambda: not other.running() and other.done())
        third = pool.submit(pow, 2, 3)
        spin(lambda: caught(TimeoutError, third.result, timeout=0))
    with InterpreterPoolExecutor(1) as pool:
        future = pool.submit(pow, 2, 3)
        spin(future.done)
        equal(future.result(), 8)


@row(DOC)
def sleeps():
    """So do `sleep(0)` and `sched_yield`."""
    for look in (lambda: time.sleep(0), os.sched_yield):
        done = []
        started(lambda: done.append(1))
        spin(lambda: look() or done)


@row(DOC)
def channels():
    """So do channels and the queues of interpreters, and `select` with a default."""
    recv, send = create_channel(1)
    started(lambda: send.send(1))
    spin(lambda: recv.recv_nowait(None))
    started(lambda: send.send(1))
    spin(lambda: archipel.select(recv, default=None)[0])
    send.send(0)
    started(recv.recv)
    spin(lambda: send.send_nowait(1))
    for look in (
        lambda q: caught(interpreters.QueueEmpty, q.get_nowait),
        lambda q: not q.empty(),
        lambda q: q.qsize(),
    ):
        q = interpreters.create_queue(1)
        started(lambda: q.put(1))
        spin(lambda: look(q))
    q = interpreters.create_queue(1)
    q.put(1)
    started(q.get)
    spin(lambda: not q.full())


@row(DOC)
def other_interpreters():
    """Polls for the end of an interpreter or a task see it, as they see a thread's."""
    made = child()
    made.call_in_thread(pow, 2, 3)
    spin(lambda: not made.is_running())
    task = archipel.spawn(pow, 2, 3)
    spin(lambda: task.done)
    equal(task.result(), 8)


@row(DOC)
def a_single_look():
    """A single poll does not start a thread, so the caller can first do what the thread waits for."""
    event = threading.Event()
    thread = started(event.wait)
    assert thread.is_alive() and not event.is_set()
    event.set()
    thread.join()
    assert not thread.is_alive()


run()
