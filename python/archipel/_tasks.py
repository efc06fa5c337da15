"""Calls in interpreters of their own, and waits for the first of several events."""

from __future__ import annotations

import time

from . import _archipel, _runtime
from ._channels import RecvChannel, SendChannel, timeout_of
from ._done import Done
from ._errors import Cancelled, ChannelClosedError, DeadlockError, NotShareableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from ._interpreter import Interpreter

_ABSENT = object()

# The maximum number of cases.
_MOST_CASES = 1024


class Task:
    """A call in an interpreter of its own, made by `spawn`.

    The interpreter is destroyed when the call has ended.  A task is a case for `select`, and can be awaited: `await
    task` returns or raises what `result` does.  Cancelling the awaiting coroutine does not stop the call.
    """

    __module__ = "archipel"

    def __init__(self, function: str | Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        import concurrent.futures

        self._interpreter = _runtime.create()
        self._future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._cancelled = False
        self._channel = None
        try:
            name, args, kwargs = self._interpreter._bound(self._interpreter._name_of(function), args, kwargs)
            self._interpreter._island.call_later(name, args, kwargs, self._finish)
        except BaseException:
            self._interpreter.kill()
            raise

    def _finish(self, value, error):
        interpreter, self._interpreter = self._interpreter, None
        if interpreter is not None:
            interpreter.kill()
        if self._cancelled:
            self._future.set_exception(Cancelled("the task was cancelled"))
        elif error is not None:
            self._future.set_exception(error)
        else:
            self._future.set_result(value)

    def __repr__(self) -> str:
        if not self._future.done():
            return "<Task running>"
        return "<Task finished>" if self._future.exception() is None else "<Task failed>"

    @property
    def done(self) -> Done:
        """The end of the call: a case for `select`, true once there is a result or an exception."""
        return Done(self._future.done, self._end)

    @property
    def interpreter(self) -> Interpreter | None:
        """The interpreter that runs the call; None once the call has ended."""
        return self._interpreter

    def cancelled(self) -> bool:
        """Return whether `cancel` stopped the call."""
        return self._cancelled

    def cancel(self) -> bool:
        """Stop the call, wherever it is, and return whether it was still running.

        Afterwards `result` raises Cancelled.
        """
        interpreter = self._interpreter
        if interpreter is None or self._future.done():
            return False
        self._cancelled = True
        interpreter.kill()
        return True

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the call to end and return its result.

        Raises TimeoutError if the call has not ended after `timeout` seconds, in which case it goes on;
        ExecutionFailed if the call raised an exception; Cancelled after `cancel`; LimitExceeded or InterpreterDied if
        the interpreter was stopped or crashed; and NotShareableError if the result cannot be sent.
        """
        import concurrent.futures

        try:
            return self._future.result(timeout_of(timeout))
        except concurrent.futures.TimeoutError:
            raise TimeoutError("timed out: the task is still running") from None

    def __await__(self) -> Generator[Any, Any, Any]:
        import asyncio

        return asyncio.shield(asyncio.wrap_future(self._future)).__await__()

    def _end(self):
        """Return a receiver of the library whose channel closes at the end of the call."""
        if self._channel is None:
            sender, receiver = _runtime.runtime()._runtime.channel(1)
            self._channel = receiver
            self._future.add_done_callback(lambda _: sender.close())
        return self._channel


def spawn(function: str | Callable[..., Any], /, *args: Any, **kwargs: Any) -> Task:
    """Call `function(*args, **kwargs)` in a new interpreter, in parallel, and return a `Task`.

    The function, its arguments and its result are limited to what `Interpreter.call` accepts.

        >>> import archipel
        >>> archipel.spawn(pow, 2, 100).result(timeout=60)
        1267650600228229401496703205376
    """
    return Task(function, args, kwargs)


class After:
    """A case for `select` that becomes ready after some time: see `after`."""

    __module__ = "archipel"
    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        if seconds is None:
            raise TypeError("seconds must be a number, not NoneType")
        self.seconds: float = timeout_of(seconds)

    def __repr__(self) -> str:
        return f"after({self.seconds!r})"


def after(seconds: float) -> After:
    """Return a case for `select` that becomes ready `seconds` after `select` began.

    Raises ValueError if `seconds` is negative or NaN.
    """
    return After(seconds)


def select(
    *cases: RecvChannel | tuple[SendChannel, Any] | Task | Done | After,
    timeout: float | None = None,
    default: Any = _ABSENT,
) -> tuple[Any, Any]:
    """Carry out the first of `cases` that becomes ready, and return `(case, value)`.

    A case is one of

    - a `RecvChannel`, to receive from it; the value is the object received;
    - a tuple `(channel, obj)` of a `SendChannel` and an object to send; the value is None;
    - a `Task`; the value is its result;
    - the `done` of a task or an interpreter; the value is None;
    - `after(seconds)`; the value is None.

    The returned case is the object that was passed.  If several cases are ready, one is chosen at random, as in Go.
    Only that one is carried out.

        >>> import archipel
        >>> recv, send = archipel.channel(1)
        >>> archipel.select(recv, default="nothing")
        (None, 'nothing')
        >>> archipel.select((send, 1), archipel.after(5))[1]

    With a `default`, `select` does not wait: it returns `(None, default)` if no case is ready.

    Raises TimeoutError after `timeout` seconds; what the operation of the chosen case raises, such as
    ChannelClosedError; DeadlockError for no cases and no timeout; TypeError for an object that is not a case; and
    ValueError for more than 1024 cases.
    """
    timeout = timeout_of(timeout)
    for case in cases:
        if isinstance(case, RecvChannel) and case._returned:
            return case, case._returned.popleft()
    late = None
    wanted = []
    waiting = []
    for case in cases:
        if isinstance(case, After):
            if late is None or case.seconds < late.seconds:
                late = case
        else:
            wanted.append(case)
            waiting.append(_ends(case))
    if len(wanted) > _MOST_CASES:
        raise ValueError(f"select takes at most {_MOST_CASES} cases, not {len(wanted)}")
    if default is not _ABSENT:
        limit = 0.0
    elif late is not None and (timeout is None or late.seconds <= timeout):
        limit = late.seconds
    else:
        limit, late = timeout, None
    if not wanted:
        if limit is None:
            raise DeadlockError("select has no cases and no timeout, so it cannot end")
        time.sleep(limit)
        chosen = None
    else:
        chosen = _archipel.select(waiting, limit)
    if chosen is not None:
        index, kind, value = chosen
        return wanted[index], _outcome(wanted[index], kind, value)
    if default is not _ABSENT and (late is None or late.seconds > 0):
        return None, default
    if late is not None:
        return late, None
    raise TimeoutError("timed out: no case became ready")


def _ends(case):
    """Return the library's form of a case: an end, and what to send in a tuple."""
    if isinstance(case, RecvChannel):
        return case._held(), None
    if isinstance(case, Task):
        return case._end(), None
    if isinstance(case, Done):
        return case._end(), None
    if isinstance(case, tuple) and len(case) == 2 and isinstance(case[0], SendChannel):
        return case[0]._held(), (case[1],)
    raise TypeError(
        f"case must be a RecvChannel, (SendChannel, obj), a Task, a done or after(seconds), not {case!r}"
    )


def _outcome(case, kind, value):
    if isinstance(case, Task):
        return case.result()
    if isinstance(case, Done):
        return None
    if kind == "closed":
        raise ChannelClosedError("the channel is closed")
    if kind == "refused":
        raise NotShareableError(value)
    return value
