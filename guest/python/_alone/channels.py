"""Channels within one interpreter.

Nobody else can end a wait, so there are none: what cannot be done at once is a deadlock, or takes the
time that it may take and is over.  What runs while one waits, `_island.waits` sees to.
"""

import sys
import time
from collections import deque
from itertools import count
from weakref import WeakValueDictionary

from componentize_py_types import Err
from wit_world.imports import channels as wit

# Bound here, since the one that scripts see lets threads run, which is none of the host's business.
_sleep = time.sleep

# The host's limits, which tell of a mistake before it fills the memory.
_MOST_CAPACITY = 1 << 20
_MOST_REASON = 64 << 10

_numbers = count()

# number -> channel
_all = WeakValueDictionary()


class _Channel:
    """What both sides share."""

    def __init__(self, capacity, unbound):
        self.id = next(_numbers)
        self.capacity = capacity
        self.unbound = unbound
        self.messages = deque()
        # Nothing can be sent any more, and what receivers are told then.
        self.closed = None
        # How many ends there are of each class, and which of the classes were used.
        self.ends = {Sender: 0, Receiver: 0}
        self.users = set()
        self.used = False
        _all[self.id] = self

    def has_room(self):
        match self.capacity:
            case wit.Capacity_Bounded(value=most):
                return len(self.messages) < most
            case wit.Capacity_Unbounded():
                return True
        return False

    def shut(self, error=None):
        if self.closed is None:
            self.closed = error or wit.Error_Closed()

    def destroy(self):
        self.closed = wit.Error_Closed()
        self.messages.clear()

    def use(self, side):
        self.used = True
        self.users.add(side)


class _End:
    """One handle on one side of a channel."""

    # What `put` and `take` are given.
    handle = None

    def __init__(self, channel):
        self._channel = channel
        channel.ends[type(self)] += 1

    def __del__(self):
        channel = self._channel
        channel.ends[type(self)] -= 1
        if not channel.ends[type(self)]:
            channel.users.discard(type(self))
            if type(self) is Sender:
                channel.shut()
            else:
                channel.destroy()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        pass

    def id(self):
        return self._channel.id

    def duplicate(self):
        return type(self)(self._channel)

    def destroy(self):
        self._channel.destroy()

    def release(self):
        self._channel.users.discard(type(self))

    def info(self):
        channel = self._channel
        return wit.Info(
            closed=channel.closed is not None,
            length=len(channel.messages),
            waiting=0,
            unbound=channel.unbound,
            used=channel.used,
            senders=[0] if Sender in channel.users else [],
            receivers=[0] if Receiver in channel.users else [],
        )


class Sender(_End):
    """As in `channels.wit`."""

    def send(self, body, exact, luggage, timeout):
        if not exact:
            # Whether there are bytes in it is not worth looking for.
            raise Err(wit.Error_Inexact())
        if not self.put(body, luggage):
            pass_time(timeout, self.wish())

    def wish(self):
        """What one does who waits to send, as the host would say it."""
        return f"send to channel {self._channel.id}"

    def put(self, body, luggage):
        """Send the message and return True, or False if there is no room."""
        channel = self._channel
        if channel.closed is not None:
            raise Err(wit.Error_Closed())
        if not channel.has_room():
            return False
        channel.use(Sender)
        channel.messages.append((body, _arriving(luggage)))
        return True

    def close(self):
        self._channel.shut()

    def poison(self, reason):
        if len(reason) > _MOST_REASON:
            raise Err(wit.Error_TooLarge(_MOST_REASON))
        self._channel.shut(wit.Error_Poisoned(bytes(reason)))


class Receiver(_End):
    """As in `channels.wit`."""

    def receive(self, timeout):
        message = self.take()
        if message is None:
            pass_time(timeout, self.wish())
        return message

    def wish(self):
        """What one does who waits to receive, as the host would say it."""
        return f"receive from channel {self._channel.id}"

    def take(self):
        """The next message, or None if there is none yet."""
        channel = self._channel
        if channel.messages:
            channel.use(Receiver)
            return channel.messages.popleft()
        if channel.closed is not None:
            raise Err(channel.closed)
        return None

    def length(self):
        return len(self._channel.messages)

    def capacity(self):
        return self._channel.capacity

    def close(self):
        if self._channel.messages:
            raise Err(wit.Error_NotEmpty())
        self._channel.shut()


def _arriving(luggage):
    """What arrives of what a sender names: ends of the receiver's own."""
    if luggage is None:
        return None
    ends = []
    for end in luggage.ends:
        match end:
            case wit.EndRef_Sender(value=sender):
                ends.append(wit.End_Sender(sender.duplicate()))
            case wit.EndRef_Receiver(value=receiver):
                ends.append(wit.End_Receiver(receiver.duplicate()))
            case wit.EndRef_Interpreter(value=id):
                ends.append(wit.End_Interpreter(id))
    return wit.Luggage(luggage.form, ends)


def pass_time(timeout, wish):
    """Wait for what cannot happen: for `timeout` nanoseconds, or not at all if that were for ever."""
    if timeout is None:
        raise Err(wit.Error_Deadlock(f"interpreter 0 waits to {wish}"))
    while timeout > 0:
        # More than some centuries is no number of seconds that a clock could take.
        part = min(timeout, 1 << 60)
        _sleep(part / 1e9)
        timeout -= part
    raise Err(wit.Error_Timeout())


def create(capacity, unbound):
    if type(capacity) is wit.Capacity_Bounded and capacity.value > _MOST_CAPACITY:
        raise Err(wit.Error_TooLarge(_MOST_CAPACITY))
    channel = _Channel(capacity, unbound)
    return Sender(channel), Receiver(channel)


def open_sender(id):
    return _open(id, Sender)


def open_receiver(id):
    return _open(id, Receiver)


def _open(id, side):
    channel = _all.get(id)
    if channel is None or not channel.ends[side]:
        raise Err(wit.Error_Absent())
    return side(channel)


PROVIDED = Sender, Receiver, create, open_sender, open_receiver


def put(handle, obj):
    """Whether `obj` was sent in the short way, of which there is none here."""
    return False


def take(handle):
    """What is returned where nothing was received in the short way."""
    return sys
