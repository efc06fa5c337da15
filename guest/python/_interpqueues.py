"""CPython's private module behind the queues of `concurrent.interpreters`, for islands.

A queue is both ends of a channel of the host, and its ID is the channel's number.
"""

from _island import codec, loop, waits
from _island.errors import forget, channel_error
from _island.private import REPLACE, UNBOUND
from componentize_py_types import Err
from wit_world.imports import channels as host


class QueueError(Exception):
    """Indicates that a queue-related error happened."""


class QueueNotFoundError(QueueError):
    """A queue was not found."""


# The classes that `concurrent.interpreters` registers: Queue, QueueEmpty, QueueFull.
_empty = _full = QueueError

_ESCAPE = 5


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
            _known[id] = _add_queue(sender, receiver)
        return queue(id)

    codec.register(_ESCAPE, queue, reduce, rebuild)


def _add_queue(sender, receiver):
    capacity = receiver.capacity()
    maxsize = capacity.value if type(capacity) is host.Capacity_Bounded else 0
    unbound = receiver.info().unbound
    for number, meaning in UNBOUND.items():
        if meaning is unbound:
            return _Ends(sender, receiver, maxsize, number)
    return _Ends(sender, receiver, maxsize, REPLACE)


def _number(qid):
    if not isinstance(qid, int):
        raise TypeError(f"queue ID must be an int, got {type(qid).__name__}")
    if qid < 0:
        raise ValueError(f"queue ID must be a non-negative int, got {qid}")
    return qid


def _ends(qid):
    try:
        return _known[qid]
    except KeyError:
        pass
    if _number(qid) < 1 << 63:
        # An interpreter of the same domain may have created it.
        try:
            found = _add_queue(host.open_sender(qid), host.open_receiver(qid))
        except Err as error:
            forget(error)
        else:
            if not found.receiver.info().closed:
                _known[qid] = found
                return found
    raise QueueNotFoundError(f"queue {qid} not found")


def create(maxsize, unboundop=-1, fallback=-1):
    """Create a new cross-interpreter queue and return its unique generated ID."""
    if not isinstance(maxsize, int):
        raise TypeError(f"an integer is required for maxsize, not {type(maxsize).__name__}")
    if unboundop < 0:
        unboundop = REPLACE
    elif unboundop not in UNBOUND:
        raise ValueError(f"unsupported unboundop {unboundop}")
    if maxsize <= 0:
        capacity = host.Capacity_Unbounded()
    elif maxsize < 1 << 32:
        capacity = host.Capacity_Bounded(maxsize)
    else:
        raise OverflowError("maxsize is too large")
    try:
        sender, receiver = host.create(capacity, UNBOUND[unboundop])
    except Err as error:
        raise channel_error(error.value) from None
    id = receiver.id()
    _known[id] = _Ends(sender, receiver, maxsize, unboundop)
    return id


def destroy(qid):
    """Clear and destroy the queue.  Afterward attempts to use the queue will behave as though it
    never existed."""
    _ends(qid).sender.destroy()
    del _known[qid]


def list_all():
    """Return the list of ID triples for all queues."""
    return [(id, ends.unbound, 0) for id, ends in _known.items()]


def bind(qid):
    """Take a reference to the identified queue."""
    _ends(qid).bound += 1


def release(qid):
    """Release a reference to the queue.  The queue is destroyed once there are none left."""
    ends = _ends(qid)
    if ends.bound <= 0:
        raise QueueError(f"queue {qid} not bound")
    ends.bound -= 1
    if ends.bound == 0:
        del _known[qid]


def put(qid, obj, unboundop=-1, *, timeout=0):
    """Add the object's data to the queue."""
    unbound = None if unboundop < 0 else UNBOUND[unboundop]
    ends = _ends(qid)
    try:
        waits.send(ends.sender, obj, timeout, unbound, True)
    except Err as error:
        raise _failure(qid, error.value, _full, "full") from None


async def put_async(qid, obj, unboundop=-1):
    """Add the object to the queue as `put` does, waiting in an event loop."""
    unbound = None if unboundop < 0 else UNBOUND[unboundop]
    try:
        await loop.send(_ends(qid).sender, obj, unbound, True)
    except Err as error:
        raise _failure(qid, error.value, _full, "full") from None


def _failure(qid, error, class_, state):
    match error:
        case host.Error_Timeout():
            return class_(f"queue {qid} is {state}")
        case host.Error_Closed():
            _known.pop(qid, None)
            return QueueNotFoundError(f"queue {qid} not found")
    return channel_error(error)


def get(qid, *, timeout=0):
    """Return the (object, unbound op) from the front of the queue."""
    ends = _ends(qid)
    try:
        obj = waits.receive(ends.receiver, timeout)
    except Err as error:
        raise _failure(qid, error.value, _empty, "empty") from None
    if type(obj) is codec.Lost:
        return None, obj.op
    return obj, None


async def get_async(qid):
    """Return what `get` returns, waiting in an event loop."""
    try:
        obj = await loop.receive(_ends(qid).receiver)
    except Err as error:
        raise _failure(qid, error.value, _empty, "empty") from None
    if type(obj) is codec.Lost:
        return None, obj.op
    return obj, None


def get_maxsize(qid):
    """Return the maximum number of items in the queue."""
    return _ends(qid).maxsize


def get_queue_defaults(qid):
    """Return the queue's default values, set when it was created."""
    return _ends(qid).unbound, 0


def is_full(qid):
    """Return true if the queue has a maxsize and has reached it."""
    ends = _ends(qid)
    return ends.maxsize > 0 and _count(ends) >= ends.maxsize


def get_count(qid):
    """Return the number of items in the queue."""
    return _count(_ends(qid))


def _count(ends):
    if waits.deferred or waits.background:
        waits.look(id(ends))
    return ends.receiver.length()
