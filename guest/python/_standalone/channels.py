"""Channels within one interpreter.

There are no other interpreters that could end a wait.  An operation that cannot be done at once is a deadlock, or it
lasts until its timeout expires.  `_island.waits` runs threads during waits.
"""

import sys
import time
from collections import deque
from itertools import count
from weakref import WeakValueDictionary

from componentize_py_types import Err
from wit_world.imports import channels as wit

# Bound here, because the `sleep` that scripts see runs threads.
_sleep = time.sleep

# The same limits as the host's; they report a mistake before it fills the memory.
_MOST_CAPACITY = 1 << 20
_MOST_REASON = 64 << 10

_numbers = count()

# number -> channel
_all = WeakValueDictionary()


class _Channel:
    """The state that both ends share."""

    def __init__(self, capacity, unbound):
        self.id = next(_numbers)
        self.capacity = capacity
        self.unbound = unbound
        self.messages = deque()
        # The error for receivers of the closed channel; None while the channel is open.
        self.closed = None
        # The number of ends of each class, and the classes that were used.
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
    """A handle to one end of a channel."""

    # The argument of `put` and `take`.
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
    """A sending end: see `channels.wit`."""

    def send(self, body, exact, attachments, timeout):
        if not exact:
            # Ask for an exact body without looking for bytes.
            raise Err(wit.Error_Inexact())
        if not self.put(body, attachments):
            pass_time(timeout, self.wish())

    def wish(self):
        """Return the description of a wait to send, for deadlock errors."""
        return f"send to channel {self._channel.id}"

    def put(self, body, attachments):
        """Send the message and return True, or return False if there is no room."""
        channel = self._channel
        if channel.closed is not None:
            raise Err(wit.Error_Closed())
        if not channel.has_room():
            return False
        channel.use(Sender)
        channel.messages.append((body, _arriving(attachments)))
        return True

    def close(self):
        self._channel.shut()

    def poison(self, reason):
        if len(reason) > _MOST_REASON:
            raise Err(wit.Error_TooLarge(_MOST_REASON))
        self._channel.shut(wit.Error_Poisoned(bytes(reason)))


class Receiver(_End):
    """A receiving end: see `channels.wit`."""

    def receive(self, timeout):
        message = self.take()
        if message is None:
            pass_time(timeout, self.wish())
        return message

    def wish(self):
        """Return the description of a wait to receive, for deadlock errors."""
        return f"receive from channel {self._channel.id}"

    def take(self):
        """Return the next message, or None if there is none yet."""
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


def _arriving(attachments):
    """Return the attachments as the receiver gets them, with ends of its own."""
    if attachments is None:
        return None
    ends = []
    for end in attachments.ends:
        match end:
            case wit.EndRef_Sender(value=sender):
                ends.append(wit.End_Sender(sender.duplicate()))
            case wit.EndRef_Receiver(value=receiver):
                ends.append(wit.End_Receiver(receiver.duplicate()))
            case wit.EndRef_Interpreter(value=id):
                ends.append(wit.End_Interpreter(id))
    return wit.Attachments(attachments.form, ends)


def pass_time(timeout, wish):
    """Wait in vain for `timeout` nanoseconds, or report a deadlock if that is None."""
    if timeout is None:
        raise Err(wit.Error_Deadlock(f"interpreter 0 waits to {wish}"))
    while timeout > 0:
        # A clock does not accept a number of seconds that amounts to several centuries.
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


def put(handle, *parts):
    """Return False: there is no fast path here."""
    return False


def take(handle):
    """Return the marker for "no object": there is no fast path here."""
    return sys
