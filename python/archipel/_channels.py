"""Channels."""

from __future__ import annotations

import math
from collections import deque

from . import _loops
from ._errors import ChannelEmptyError, ChannelReleasedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from typing_extensions import Self

_ABSENT = object()


def timeout_of(timeout):
    """Check a timeout in seconds; None means no limit."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be a number of seconds or None, not {type(timeout).__name__}")
    if math.isnan(timeout) or timeout < 0:
        raise ValueError(f"timeout must not be negative or NaN, not {timeout!r}")
    return float(timeout)


class _End:
    """The common methods of both ends of a channel."""

    __slots__ = ("_end", "__weakref__")

    def __init__(self, end: Any) -> None:
        self._end = end

    def _held(self):
        if self._end is None:
            raise ChannelReleasedError("this end of the channel was released")
        return self._end

    def release(self) -> None:
        """Give up this end.  The channel closes for others when no end of this kind is left."""
        self._held()
        self._end = None

    def close(self) -> None:
        """Close the channel for everyone.  Objects in it can still be received."""
        self._held().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._end is not None:
            self.release()


class RecvChannel(_End):
    """The receiving end of a channel.

    Iteration receives until the channel is closed and empty:

        >>> import archipel
        >>> recv, send = archipel.channel(2)
        >>> send.send("a"); send.send("b"); send.release()
        >>> list(recv)
        ['a', 'b']
    """

    __slots__ = ("_returned",)
    __module__ = "archipel"

    def __init__(self, end: Any) -> None:
        super().__init__(end)
        # Objects that arrived for a coroutine that was cancelled in the same moment.
        self._returned: deque[Any] = deque()

    def recv(self, *, timeout: float | None = None) -> Any:
        """Wait for an object and return it.

        Raises TimeoutError after `timeout` seconds, ChannelClosedError if the channel is closed and empty, and
        NotShareableError for an object that the host cannot receive.
        """
        timeout = timeout_of(timeout)
        end = self._held()
        if self._returned:
            return self._returned.popleft()
        received = end.recv(timeout)
        if not received:
            raise TimeoutError("timed out: no object arrived")
        return received[0]

    def recv_nowait(self, default: Any = _ABSENT) -> Any:
        """Return an object if there is one, or else `default`.  Raises ChannelEmptyError without a default."""
        end = self._held()
        if self._returned:
            return self._returned.popleft()
        received = end.recv(0.0)
        if received:
            return received[0]
        if default is _ABSENT:
            raise ChannelEmptyError("the channel is empty")
        return default

    async def recv_async(self) -> Any:
        """Receive an object as `recv` does, in an event loop."""
        end = self._held()
        if self._returned:
            return self._returned.popleft()
        return await _loops.abandonable(end.recv_later, lost=self._returned.append)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.recv_async().__await__()

    def __iter__(self) -> RecvChannel:
        return self

    def __next__(self) -> Any:
        from ._errors import ChannelClosedError

        try:
            return self.recv()
        except ChannelClosedError:
            raise StopIteration from None

    def __aiter__(self) -> RecvChannel:
        return self

    async def __anext__(self) -> Any:
        from ._errors import ChannelClosedError

        try:
            return await self.recv_async()
        except ChannelClosedError:
            raise StopAsyncIteration from None


class SendChannel(_End):
    """The sending end of a channel."""

    __slots__ = ()
    __module__ = "archipel"

    def send(self, obj: Any, *, timeout: float | None = None) -> None:
        """Send a copy of `obj`, and wait until it is received or queued.

        Raises TimeoutError after `timeout` seconds, ChannelClosedError, and NotShareableError if `obj` is not data.
        """
        timeout = timeout_of(timeout)
        if not self._held().send(obj, timeout):
            raise TimeoutError("timed out: no receiver took the object")

    def send_nowait(self, obj: Any) -> bool:
        """Send a copy of `obj` if that needs no wait, and return whether it was sent."""
        return self._held().send(obj, 0.0)

    async def send_async(self, obj: Any) -> None:
        """Send a copy of `obj` as `send` does, in an event loop."""
        held = self._held()
        await _loops.abandonable(lambda done: held.send_later(obj, done), lost=None)


def make(runtime, capacity):
    """Create a channel of the library's `runtime` and return its ends, `(RecvChannel, SendChannel)`."""
    if capacity is not None:
        if isinstance(capacity, bool) or not isinstance(capacity, int):
            raise TypeError(f"capacity must be an int or None, not {type(capacity).__name__}")
        if not 0 <= capacity < 1 << 32:
            raise ValueError(f"capacity out of range: {capacity} (use 0 for a rendezvous, None for no limit)")
    sender, receiver = runtime.channel(capacity)
    return RecvChannel(receiver), SendChannel(sender)
