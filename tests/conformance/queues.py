"""Queues between interpreters."""

import pickle
import queue as stdlib_queue
import time
from concurrent import interpreters
from concurrent.interpreters import Queue, QueueEmpty, QueueFull, create_queue
from concurrent.interpreters._queues import QueueError, QueueNotFoundError, list_all

import _interpqueues

from runner import child, equal, raises, row, run


class Point:
    def __init__(self, x):
        self.x = x


def take_and_give(queue, n):
    for _ in range(n):
        queue.put(queue.get() + 1)


def put_all(queue, items):
    for item in items:
        queue.put(item)


def echo(queue, back):
    for item in iter(queue.get, None):
        back.put(item)


def same_object(queue, again):
    return queue is again, queue.id, queue.maxsize


@row("PEP 734, create_queue()")
def created():
    """A new queue is empty, has no limit, and an id of its own."""
    one, two = create_queue(), create_queue()
    equal((one.maxsize, one.qsize(), one.empty(), one.full()), (0, 0, True, False))
    assert one.id != two.id and type(one.id) is int


@row("PEP 734, create_queue(maxsize)")
def no_limit():
    """A maxsize of zero or less means no limit, and such a queue is never full."""
    for maxsize in (0, -1):
        made = create_queue(maxsize)
        equal(made.maxsize, maxsize)
        for n in range(100):
            made.put_nowait(n)
        assert not made.full()


@row("PEP 734, Queue objects")
def interface_of_queue():
    """It has the methods of queue.Queue except for task_done() and join()."""
    public = {name for name in dir(stdlib_queue.Queue) if not name.startswith("_")}
    missing = public - set(dir(Queue))
    equal(missing - {"mutex", "shutdown", "is_shutdown"}, {"task_done", "join"})


@row("PEP 734, Queue.id")
def id_is_read_only():
    """The id and the maxsize are read-only."""
    made = create_queue(2)
    raises(AttributeError, setattr, made, "id", 3)
    raises(AttributeError, setattr, made, "maxsize", 3)


@row("PEP 734, Queue.__hash__() and __eq__()")
def hash_and_equality():
    """The hash is that of the id; a queue is equal only to itself."""
    one, two = create_queue(), create_queue()
    equal(hash(one), hash(one.id))
    assert one == one and one != two and one != one.id


@row("CPython 3.14, Queue(id)")
def one_object_per_id():
    """There is one object per id."""
    made = create_queue()
    assert Queue(made.id) is made


@row("CPython 3.14, Queue.__reduce__()")
def pickled_by_id():
    """Unpickling a queue returns the same object."""
    made = create_queue()
    assert pickle.loads(pickle.dumps(made)) is made


@row("CPython 3.14, _queues.list_all()")
def listed():
    """The queues that this interpreter uses are listed."""
    made = create_queue()
    assert any(one is made for one in list_all())


@row("PEP 734, Queue")
def first_in_first_out():
    """Objects are received in the order in which they were put."""
    made = create_queue()
    for n in range(20):
        made.put(n)
    equal([made.get() for _ in range(20)], list(range(20)))


@row("PEP 734, Queue.qsize(), empty(), full()")
def sizes():
    """They follow each put and get."""
    made = create_queue(2)
    seen = [(made.qsize(), made.empty(), made.full())]
    made.put(1)
    seen.append((made.qsize(), made.empty(), made.full()))
    made.put(2)
    seen.append((made.qsize(), made.empty(), made.full()))
    made.get()
    seen.append((made.qsize(), made.empty(), made.full()))
    equal(seen, [(0, True, False), (1, False, False), (2, False, True), (1, False, False)])


@row("PEP 734, Queue.put_nowait()")
def full():
    """A put into a full queue raises QueueFull at once, and puts nothing."""
    made = create_queue(1)
    made.put_nowait(1)
    raises(QueueFull, made.put_nowait, 2)
    raises(QueueFull, made.put, 2, False)
    raises(QueueFull, made.put, 2, block=False)
    equal((made.get(), made.qsize()), (1, 0))


@row("PEP 734, Queue.get_nowait()")
def empty():
    """A get from an empty queue raises QueueEmpty at once."""
    made = create_queue()
    raises(QueueEmpty, made.get_nowait)
    raises(QueueEmpty, made.get, False)
    raises(QueueEmpty, made.get, block=False)


@row("PEP 734, Queue.put(timeout)")
def put_times_out():
    """A put that finds no room in time raises QueueFull, and puts nothing."""
    made = create_queue(1)
    made.put(1)
    raises(QueueFull, made.put, 2, timeout=0.01)
    raises(QueueFull, made.put, 2, True, 0.01)
    equal((made.get(), made.qsize()), (1, 0))


@row("PEP 734, Queue.get(timeout)")
def get_times_out():
    """A get that finds no object in time raises QueueEmpty."""
    made = create_queue()
    raises(QueueEmpty, made.get, timeout=0.01)
    raises(QueueEmpty, made.get, True, 0.01)


@row("concurrent.interpreters, float timeouts")
def timeouts_are_not_cut():
    """A timeout of a fraction of a second is exact; CPython truncates it to whole seconds."""
    made = create_queue()
    start = time.monotonic()
    raises(QueueEmpty, made.get, timeout=0.03)
    assert time.monotonic() - start >= 0.03


@row("CPython 3.14, Queue.get(timeout)")
def timeouts_of_zero():
    """A timeout of zero does not wait, and takes an object that is there."""
    made = create_queue(1)
    raises(QueueEmpty, made.get, timeout=0)
    made.put(1, timeout=0)
    raises(QueueFull, made.put, 2, timeout=0)
    equal(made.get(timeout=0), 1)


@row("CPython 3.14, Queue.get(timeout)")
def timeouts_below_zero():
    """A negative timeout is a ValueError."""
    made = create_queue()
    raises(ValueError, made.get, timeout=-1)
    raises(ValueError, made.put, 1, timeout=-0.5)
    equal(made.qsize(), 0)


@row("PEP 734, Queue.get(timeout)")
def timeouts_that_are_not_needed():
    """An object that is there is returned, whatever the timeout."""
    made = create_queue()
    made.put(1, timeout=1000)
    equal(made.get(timeout=1e300), 1)


@row("PEP 734, QueueEmpty and QueueFull")
def caught_as_errors_of_queue():
    """`except queue.Empty` and `except queue.Full` catch them."""
    made = create_queue(1)
    try:
        made.get_nowait()
    except stdlib_queue.Empty as error:
        assert isinstance(error, QueueError)
    made.put(1)
    try:
        made.put_nowait(2)
    except stdlib_queue.Full as error:
        assert isinstance(error, QueueError)
    else:
        raise AssertionError("it was put")


@row("PEP 734, communicating between interpreters")
def between_interpreters():
    """A child takes from a queue and puts into another while its parent waits."""
    there, back = create_queue(), create_queue()
    made = child()
    thread = made.call_in_thread(echo, there, back)
    for item in (1, "two", (3,), None):
        there.put(item)
    equal([back.get() for _ in range(3)], [1, "two", (3,)])
    thread.join()


@row("PEP 734, Queue.put()")
def waits_for_room():
    """A put into a full queue continues as soon as an object was taken."""
    made = create_queue(1)
    other = child()
    thread = other.call_in_thread(put_all, made, [1, 2, 3])
    equal([made.get() for _ in range(3)], [1, 2, 3])
    thread.join()


@row("concurrent.interpreters, the same queue everywhere")
def identity_in_another_interpreter():
    """Another interpreter also has one object for a queue, however often it arrives."""
    made = create_queue(3)
    other = child(first=made)
    equal(other.call(same_object, made, made), (True, made.id, 3))
    equal(other.call(eval, "first.id"), made.id)


@row("PEP 734, shareable objects: Queue")
def queues_in_queues():
    """A queue can be sent through a queue, alone and within other objects."""
    made, sent = create_queue(), create_queue(4)
    made.put(sent)
    made.put([sent, {"q": sent}])
    assert made.get() is sent
    listed = made.get()
    assert listed[0] is sent and listed[1]["q"] is sent
    sent.put("through")
    equal(listed[0].get(), "through")


@row("PEP 734, is_shareable()")
def queues_are_shareable():
    """A queue is shareable."""
    assert interpreters.is_shareable(create_queue()) is True


@row("CPython 3.14, Queue.put(): pickle as the fallback")
def objects_by_pickle():
    """An object that is not data is pickled, and arrives as an object of its class."""
    made = create_queue()
    made.put(Point(3))
    got = made.get()
    assert type(got) is Point
    equal(got.x, 3)


@row("CPython 3.14, Queue.put()")
def objects_that_cannot_be_pickled():
    """An object that cannot be pickled is a NotShareableError, and nothing is put."""
    made = create_queue()
    numbers = (n for n in ())
    for obj in (lambda: numbers, time, (n for n in ()), [1, {2: object.__subclasses__, 3: time}]):
        raises(interpreters.NotShareableError, made.put, obj)
    equal(made.qsize(), 0)


@row("PEP 734, Queue.put()")
def objects_are_new():
    """The received object is a different one from the object that was put, and changes to one do not
    reach the other."""
    made, own = create_queue(), [1]
    made.put(own)
    own.append(2)
    equal(made.get(), [1])


@row("CPython 3.14, _interpqueues.destroy()")
def destroyed():
    """All methods of a destroyed queue raise QueueNotFoundError."""
    made = create_queue(1)
    made.put(1)
    _interpqueues.destroy(made.id)
    for use in (made.get, made.get_nowait, made.qsize, made.empty, made.full):
        raises(QueueNotFoundError, use)
    raises(QueueNotFoundError, made.put, 1)
    raises(QueueNotFoundError, made.put_nowait, 1)
    raises(QueueNotFoundError, Queue, made.id + 1000)


@row("CPython 3.14, _interpqueues.destroy()")
def destroyed_elsewhere():
    """An interpreter that waits for a queue gets QueueNotFoundError when another one destroys it."""
    made = create_queue()
    other = child(q=made)
    other.exec("import _interpqueues; _interpqueues.destroy(q.id)")
    raises(QueueNotFoundError, made.get)


@row("CPython 3.14, reference counts of queues")
def gone_with_the_last_reference():
    """A queue without references is destroyed, with the objects in it."""
    made = create_queue()
    made.put(1)
    id = made.id
    del made
    raises(QueueNotFoundError, Queue, id)


@row("CPython 3.14, reference counts of queues")
def kept_by_another_interpreter():
    """A queue lives while any interpreter has it."""
    made = create_queue()
    made.put("kept")
    other = child(q=made)
    del made
    equal(other.call(eval, "q.get()"), "kept")


@row("concurrent.interpreters, the whole class")
def many_interpreters():
    """Each object in a queue is received by exactly one of several receivers."""
    made = create_queue()
    others = [child() for _ in range(4)]
    threads = [other.call_in_thread(take_and_give, made, 25) for other in others]
    for _ in range(8):
        made.put(0)
    for thread in threads:
        thread.join()
    equal(sum(made.get() for _ in range(8)), 100)
    assert made.empty()


if __name__ == "__main__":
    run()
