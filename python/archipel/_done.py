"""The ends of calls."""

from __future__ import annotations

from . import _loops
from ._errors import ChannelClosedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any


class Done:
    """The end of a call: a case for `select`, true once the call has ended, and awaitable.

    Calling it returns the same as `bool`, as with `Future.done`.
    """

    __module__ = "archipel"
    __slots__ = ("_has_ended", "_end")

    def __init__(self, has_ended: Callable[[], bool], end: Callable[[], Any]) -> None:
        self._has_ended = has_ended
        # It returns a receiver of the library whose channel closes at the end of the call.
        self._end = end

    def __bool__(self) -> bool:
        return self._has_ended()

    def __call__(self) -> bool:
        return bool(self)

    def __repr__(self) -> str:
        return f"<Done {bool(self)}>"

    def __await__(self) -> Generator[Any, Any, None]:
        return self._ended().__await__()

    async def _ended(self):
        try:
            await _loops.abandonable(self._end().recv_later, lost=None)
        except ChannelClosedError:
            pass


def of_interpreter(island):
    """Return the end of the call that runs in an interpreter of the library."""
    end = island.done()

    def has_ended():
        try:
            end.recv(0.0)
        except ChannelClosedError:
            return True
        return False

    return Done(has_ended, lambda: end)
