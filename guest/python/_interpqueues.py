"""CPython's private module behind the queues of `concurrent.interpreters`, for islands.

A queue is both ends of a channel of the host's, under the channel's number.
"""

from _island import codec, waits
from _island.errors import not_sent
from componentize_py_types import Err
from wit_world.imports import channels as host


class QueueError(Exception):
    """Indicates that a queue-related error happened."""


class QueueNotFoundError(QueueError):
    """A queue was not found."""


# The classes that `concurrent.interpreters` registers: Queue, QueueEmpty, QueueFull.
_empty = _full = QueueError

_ESCAPE = 5
_REPLACE = 3


class _Ends:
    __slots__ = ("sender", "receiver", "maxsize", "unbound", "bound")

    def __init__(self, sender, receiver, maxsize, unbound):
        self.sender = sender
        self.receiver = receiver
        self.maxsize = maxsize
        self.unbound = unbound
        self.bound = 0


_known = {}


def _register_heap_types(queue, empty, full):
    global _empty, _full
    _empty, _full = empty, full

    def reduce(obj):
        ends = _ends(obj._id)
        return host.EndRef_Sender(ends.sender), host.EndRef_Receiver(ends.receiver)

    def rebuild(ends, index):
        sender = codec.end(ends, index, host.End_Sender)
        receiver = codec.end(ends, index + 1, host.End_Receiver)
        id = receiver.id()
        if id not in _known:
            capacity = receiver.capacity()
            maxsize = capacity.value if type(capacity) is host.Capacity_Bounded else 0
            _known[id] = _Ends(sender, receiver, maxsize, _REPLACE)
        return queue(id)

    codec.register(_ESCAPE, queue, reduce, rebuild)


def _ends(qid):
    try:
        return _known[qid]
    except KeyError:
        raise QueueNotFoundError(f"queue {qid} not found") from None


def create(maxsize, unboundop=-1, fallback=-1):
    if not isinstance(maxsize, int):
        raise TypeError(f"an integer is required for maxsize, not {type(maxsize).__name__}")
    if maxsize <= 0:
        capacity = host.Capacity_Unbounded()
    elif maxsize < 1 << 32:
        capacity = host.Capacity_Bounded(maxsize)
    else:
        raise OverflowError("maxsize is too large")
    try:
        sender, receiver = host.create(capacity)
    except Err as error:
        raise not_sent(error.value) from None
    id = receiver.id()
    _known[id] = _Ends(sender, receiver, max(maxsize, 0), _REPLACE if unboundop < 0 else unboundop)
    return id


def destroy(qid):
    ends = _ends(qid)
    ends.sender.close()
    del _known[qid]


def list_all():
    return [(id, ends.unbound, 0) for id, ends in _known.items()]


def bind(qid):
    _ends(qid).bound += 1


def release(qid):
    ends = _ends(qid)
    ends.bound -= 1
    if ends.bound <= 0:
        del _known[qid]


def put(qid, obj, unboundop=-1, *, timeout=0):
    try:
        waits.send(_ends(qid).sender, obj, timeout)
    except Err as error:
        match error.value:
            case host.Error_Timeout():
                raise _full(f"queue {qid} is full") from None
            case host.Error_Closed():
                raise QueueNotFoundError(f"queue {qid} not found") from None
        raise not_sent(error.value) from None


def get(qid, *, timeout=0):
    try:
        return waits.receive(_ends(qid).receiver, timeout), None
    except Err as error:
        match error.value:
            case host.Error_Timeout():
                raise _empty(f"queue {qid} is empty") from None
            case host.Error_Closed():
                raise QueueNotFoundError(f"queue {qid} not found") from None
        raise not_sent(error.value) from None


def get_maxsize(qid):
    return _ends(qid).maxsize


def get_queue_defaults(qid):
    return _ends(qid).unbound, 0


def is_full(qid):
    ends = _ends(qid)
    return bool(ends.maxsize) and ends.receiver.length() >= ends.maxsize


def get_count(qid):
    return _ends(qid).receiver.length()
