"""The treatment of objects in a queue whose sender is destroyed."""

from concurrent import interpreters
from concurrent.interpreters import QueueEmpty, create_queue
from concurrent.interpreters._queues import (
    UNBOUND,
    UNBOUND_ERROR,
    UNBOUND_REMOVE,
    ItemInterpreterDestroyed,
)

import _interpqueues

import archipel
from runner import child, equal, raises, row, run

SOURCE = "PEP 734 in CPython 3.14, unbounditems"


def put_each(queue, items, **how):
    for item in items:
        queue.put(item, **how)


def put_with(queue, name, item, nowait=False):
    from concurrent.interpreters import _queues

    put = queue.put_nowait if nowait else queue.put
    put(item, unbounditems=getattr(_queues, name))


def left_behind(queue, *items):
    """Let a child put items, and destroy it."""
    other = child()
    other.call(put_each, queue, items)
    other.close()


@row(SOURCE)
def replaced_by_default():
    """By default UNBOUND is received in place of each object, and the count does not change."""
    queue = create_queue()
    assert queue.unbounditems is UNBOUND
    left_behind(queue, 1, 2)
    equal(queue.qsize(), 2)
    assert queue.get() is UNBOUND and queue.get_nowait() is UNBOUND
    assert queue.empty()


@row(SOURCE)
def errors():
    """With UNBOUND_ERROR, getting such an object raises, and removes it from the queue."""
    queue = create_queue(unbounditems=UNBOUND_ERROR)
    assert queue.unbounditems is UNBOUND_ERROR
    left_behind(queue, 1, 2)
    queue.put(3)
    raises(ItemInterpreterDestroyed, queue.get)
    raises(ItemInterpreterDestroyed, queue.get_nowait)
    equal((queue.get(), queue.qsize()), (3, 0))


@row(SOURCE)
def removed():
    """With UNBOUND_REMOVE, such objects are removed from the queue at once."""
    queue = create_queue(unbounditems=UNBOUND_REMOVE)
    assert queue.unbounditems is UNBOUND_REMOVE
    left_behind(queue, 1, 2)
    equal(queue.qsize(), 0)
    raises(QueueEmpty, queue.get_nowait)


@row(SOURCE)
def removed_from_between():
    """Removal keeps the order of the other objects, and makes room."""
    queue = create_queue(3, unbounditems=UNBOUND_REMOVE)
    queue.put("a")
    other = child()
    other.call(put_each, queue, ["x"])
    queue.put("b")
    assert queue.full()
    other.close()
    queue.put_nowait("c")
    equal([queue.get() for _ in range(3)], ["a", "b", "c"])


@row(SOURCE)
def each_put_has_its_own():
    """The argument of a put overrides the setting of the queue."""
    queue = create_queue(unbounditems=UNBOUND_ERROR)
    other = child()
    other.call(put_with, queue, "UNBOUND", 1)
    other.call(put_with, queue, "UNBOUND_REMOVE", 2)
    other.call(put_with, queue, "UNBOUND_ERROR", 3, True)
    other.call(put_each, queue, [4])
    equal(queue.qsize(), 4)
    other.close()
    equal(queue.qsize(), 3)
    assert queue.get() is UNBOUND
    raises(ItemInterpreterDestroyed, queue.get)
    raises(ItemInterpreterDestroyed, queue.get)
    assert queue.empty()


@row(SOURCE)
def while_it_lives():
    """Objects stay unchanged while their sender lives, whatever the setting."""
    queue = create_queue()
    other = child()
    for name in ("UNBOUND", "UNBOUND_REMOVE", "UNBOUND_ERROR"):
        other.call(put_with, queue, name, name, True)
    equal([queue.get() for _ in range(3)], ["UNBOUND", "UNBOUND_REMOVE", "UNBOUND_ERROR"])


@row(SOURCE)
def other_senders():
    """The objects of a living interpreter stay when another is destroyed."""
    queue = create_queue()
    queue.put("mine")
    left_behind(queue, "other")
    queue.put("mine too")
    equal(queue.get(), "mine")
    assert queue.get() is UNBOUND
    equal(queue.get(), "mine too")


@row(SOURCE)
def unbound_is_one_object():
    """UNBOUND is the same object each time, also in the queue's attribute."""
    queue = create_queue(unbounditems=UNBOUND)
    left_behind(queue, 1)
    assert queue.get() is queue.unbounditems is UNBOUND


@row(SOURCE)
def known_to_other_interpreters():
    """The queue's own setting applies to objects that other interpreters put."""
    queue = create_queue(unbounditems=UNBOUND_REMOVE)
    other = child(q=queue)
    other.exec("q.put(1); q.put(2)")
    equal(queue.qsize(), 2)
    other.close()
    equal(queue.qsize(), 0)


@row("CPython 3.14, _interpqueues.get_queue_defaults()")
def defaults_in_another_interpreter():
    """The setting of a queue is known in every interpreter. `unbounditems` itself cannot be read there,
    because CPython's own property raises for two of the three values."""
    for name in ("UNBOUND", "UNBOUND_ERROR", "UNBOUND_REMOVE"):
        queue = create_queue(unbounditems=globals()[name])
        own = _interpqueues.get_queue_defaults(queue.id)[0]
        other = child(q=queue)
        there = other.call(eval, "__import__('_interpqueues').get_queue_defaults(q.id)[0]")
        equal((name, there), (name, own))


@row(SOURCE)
def pickled_objects_too():
    """The same holds for objects that were pickled."""
    queue = create_queue()
    left_behind(queue, archipel.after(3), (1, archipel.after(4)))
    assert queue.get() is UNBOUND and queue.get() is UNBOUND


@row(SOURCE)
def killed_ones():
    """The same holds if the interpreter was killed or garbage-collected."""
    queue = create_queue()
    other = archipel.create(safe=False)
    other.call(put_each, queue, [1])
    other.kill()
    assert queue.get() is UNBOUND
    other = child()
    other.call(put_each, queue, [2])
    del other
    assert queue.get() is UNBOUND


@row("CPython 3.14, create_queue(unbounditems)")
def invalid_settings():
    """Any other value is refused, by the constructor and by put."""
    raises(NotImplementedError, create_queue, unbounditems=7)
    queue = create_queue()
    raises(NotImplementedError, queue.put, 1, unbounditems="x")
    raises(NotImplementedError, queue.put_nowait, 1, unbounditems=object())
    equal(queue.qsize(), 0)


if __name__ == "__main__":
    run()
