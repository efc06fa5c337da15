"""What Archipel adds to the interpreters and channels of the PEPs: a choice between several waits,
tasks in interpreters of their own, interpreters that are trusted with nothing, and waiting in asyncio.

The `*_async` methods are those of the classes of `concurrent.interpreters` and `interpreters`; they
must be awaited in the event loop that `asyncio.run` makes.
"""

from concurrent import interpreters as _ci

import _interpqueues
import _interpreters
from _island import codec as _codec
from _island import loop as _loop
from _island import waits as _waits
from _island.errors import (
    AliasError,
    Cancelled,
    DeadlockError,
    Denied,
    InterpreterDied,
    LimitExceeded,
    not_sent,
)
from _island.governing import Governed, limits_of, policy_of, usage
from _island.sharing import share, transfer
from componentize_py_types import Err
from interpreters import RecvChannel, SendChannel, create_channel
from wit_world.imports import channels as _channels
from wit_world.imports import waiting as _waiting

__all__ = [
    "AliasError",
    "Cancelled",
    "DeadlockError",
    "Denied",
    "Interpreter",
    "InterpreterDied",
    "LimitExceeded",
    "RecvChannel",
    "SendChannel",
    "Task",
    "after",
    "channel",
    "create",
    "select",
    "share",
    "spawn",
    "transfer",
    "usage",
]


def channel(capacity=0):
    """Create a channel and return its ends, `(RecvChannel, SendChannel)`.

    As `interpreters.create_channel`: 0 is a rendezvous, n a buffer, None without a limit.
    """
    return create_channel(capacity)


class Interpreter(Governed, _ci.Interpreter):
    """An interpreter that was created by `archipel.create`."""

    name = None

    def __repr__(self):
        name = "" if self.name is None else f", name={self.name!r}"
        return f"{type(self).__name__}({self.id}{name})"

    @property
    def done(self):
        """A case for `select`, and true as soon as the interpreter has nothing to do."""
        return Done(_interpreters.watch(self.id))


def create(*, safe=True, policy=None, limits=None, image=None, name=None):
    """Create an interpreter.

    A safe one has no powers but those in `policy`, and nothing but data comes from it.  With
    `safe=False` it is as one of `concurrent.interpreters.create`, which accepts and sends pickles and
    has all that its creator has; a `policy` then says what it has instead.  `limits` is a dict as the
    arguments of `Interpreter.limit`.  `image` is an interpreter whose state it begins with, as
    `copy` does, and whose policy it has.

    Raises Denied for what this interpreter does not have itself, ValueError and TypeError for what
    makes no sense, and InterpreterError where a limit would be passed.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be str or None, not {type(name).__name__}")
    if name is not None:
        # It says what is wrong with a name that is no text.
        name.encode()
    if limits is not None and not isinstance(limits, dict):
        raise TypeError(f"limits must be a dict or None, not {type(limits).__name__}")
    if image is not None:
        if policy is not None:
            raise ValueError("an interpreter made from an image has the image's policy")
        interpreter = Interpreter(_interpreters.copy(image.id), _ownsref=True)
        if limits:
            interpreter.limit(**limits)
    else:
        id = _interpreters.create_child(
            not safe,
            settings=None
            if policy is None and not limits and name is None
            else (policy_of(policy), limits_of(limits or {}), name),
        )
        interpreter = Interpreter(id, _ownsref=True)
    interpreter.name = name
    return interpreter


class Done:
    """The end of something: a case for `select`, true once it is over, and awaitable.

    Calling it tells the same, for those who know `Future.done`.
    """

    __slots__ = ("_task", "_over")

    def __init__(self, task):
        self._task = task
        self._over = False

    def __bool__(self):
        if not self._over:
            try:
                _waits.ended(self._task, 0)
            except Err as error:
                if type(error.value) is not _channels.Error_Timeout:
                    raise not_sent(error.value) from None
            else:
                self._over = True
        return self._over

    __call__ = __bool__

    def __await__(self):
        return _loop.ended(self._task).__await__()

    def __repr__(self):
        return f"<Done {bool(self)}>"


class Task:
    """A call in an interpreter of its own, which is destroyed when the call has ended."""

    def __init__(self, function, args, kwargs, safe):
        self._interpreter = create(safe=safe)
        try:
            self._task = _interpreters.start_call(self._interpreter.id, function, args, kwargs)
        except BaseException:
            self._interpreter.close()
            raise
        self._outcome = None
        self._cancelled = False

    def __repr__(self):
        if self._outcome is None:
            return "<Task running>"
        return "<Task failed>" if self._outcome[1] is not None else "<Task finished>"

    @property
    def done(self):
        """A case for `select`, and true once there is a result or an exception."""
        return Done(self._task)

    @property
    def interpreter(self):
        """The interpreter that the call runs in, until it has ended."""
        return self._interpreter

    def cancelled(self):
        """Whether it was cancelled before it ended."""
        return self._cancelled

    def cancel(self):
        """Stop the call, wherever it is; returns whether it was still going on."""
        if self._outcome is not None or self.done:
            return False
        self._cancelled = True
        self._interpreter.kill()
        return True

    def result(self, timeout=None):
        """Wait for the result and return it.

        Raises TimeoutError after `timeout` seconds, Cancelled for a task that was cancelled,
        ExecutionFailed for a call that raised, and InterpreterDied.
        """
        if self._outcome is None:
            try:
                _waits.ended(self._task, timeout)
            except Err as error:
                if type(error.value) is _channels.Error_Timeout:
                    raise TimeoutError("the task goes on") from None
                raise not_sent(error.value) from None
        return self._take()

    def _take(self):
        if self._outcome is None:
            self._outcome = self._find()
        value, error = self._outcome
        if error is not None:
            raise error
        return value

    def _find(self):
        try:
            value, excinfo = _interpreters.result(self._task)
        except BaseException as error:
            return None, Cancelled("the task was cancelled") if self._cancelled else error
        finally:
            try:
                self._interpreter.close()
            except _ci.InterpreterError:
                # It died or was killed, and is gone already.
                pass
            self._interpreter = None
        return value, None if excinfo is None else _ci.ExecutionFailed(excinfo)

    def __await__(self):
        if self._outcome is None:
            yield from _loop.ended(self._task).__await__()
        return self._take()


def spawn(function, /, *args, **kwargs):
    """Call `function(*args, **kwargs)` in a fresh interpreter, in parallel, and return the task.

    What can be called and passed is what `Interpreter.call` takes.
    """
    return Task(function, args, kwargs, safe=False)


class After:
    """A case for `select` that is ready after some time."""

    __slots__ = ("seconds",)

    def __init__(self, seconds):
        _waits.nanoseconds(seconds)
        self.seconds = seconds

    def __repr__(self):
        return f"after({self.seconds!r})"


def after(seconds):
    """A case for `select` that is ready when so many seconds have passed since `select` began."""
    return After(seconds)


_ABSENT = object()


# As many as the host waits for at once.
_MOST_CASES = 1024


def select(*cases, timeout=None, default=_ABSENT):
    """Do the first of `cases` that can be done, and return it with what came of it.

    A case is a `RecvChannel` or a `Queue` to receive from; a tuple `(channel, obj)` of a
    `SendChannel` or a `Queue` and what to send; a `Task`, or the `done` of a task or an interpreter;
    or `after(seconds)`.  The result is `(case, value)`: the case as it was given, and the object that
    was received, or None.  Of several cases that can be done one is chosen at random, as in Go.

    With a `default`, nothing is waited for: `(None, default)` says that no case could be done.
    Raises TimeoutError after `timeout` seconds, what the operation of a chosen case raises (such as
    ChannelClosedError), and DeadlockError when no case could ever be done.
    """
    wanted = []
    deadline = None
    late = None
    for case in cases:
        if type(case) is After:
            if deadline is None or case.seconds < deadline:
                deadline, late = case.seconds, case
        else:
            wanted.append((case, _host_case(case)))
    if len(wanted) > _MOST_CASES:
        raise ValueError(f"select takes at most {_MOST_CASES} cases, not {len(wanted)}")
    if default is not _ABSENT:
        limit = 0
    elif timeout is not None and (deadline is None or timeout < deadline):
        limit, late = timeout, None
    else:
        limit = deadline
    try:
        index, outcome = _waits.first([host_case for _, host_case in wanted], limit)
    except Err as error:
        if type(error.value) is not _channels.Error_Timeout:
            raise not_sent(error.value) from None
        if default is not _ABSENT and not (late is not None and deadline <= 0):
            return None, default
        if late is not None:
            return late, None
        raise TimeoutError("no case could be done in time") from None
    case = wanted[index][0]
    return case, _result(case, outcome)


def _host_case(case):
    if isinstance(case, RecvChannel):
        return _waiting.Case_Receive(case._held())
    if isinstance(case, _ci.Queue):
        return _waiting.Case_Receive(_interpqueues._ends(case.id).receiver)
    if isinstance(case, Task):
        return _waiting.Case_Ended(case._task)
    if isinstance(case, Done):
        return _waiting.Case_Ended(case._task)
    if isinstance(case, tuple) and len(case) == 2:
        return _send_case(*case)
    raise TypeError(
        "a case is a RecvChannel, a Queue, (SendChannel, obj), (Queue, obj), a Task, a done or "
        f"after(seconds), not {case!r}"
    )


def _send_case(end, obj):
    if isinstance(end, SendChannel):
        handle, pickled = end._held(), False
    elif isinstance(end, _ci.Queue):
        handle, pickled = _interpqueues._ends(end.id).sender, True
    else:
        raise TypeError(f"what can be sent to is a SendChannel or a Queue, not {end!r}")
    return _waiting.Case_Send((handle, _waits.message_for(obj, None, pickled)))


def _result(case, outcome):
    if type(outcome) is _waiting.Outcome_Failed:
        end = case[0] if isinstance(case, tuple) else case
        if isinstance(end, _ci.Queue):
            raise _ci._queues.QueueNotFoundError(f"queue {end.id} not found")
        raise end._error(outcome.value)
    if isinstance(case, Task):
        return case._take()
    if type(outcome) is not _waiting.Outcome_Received:
        return None
    obj = _codec.decode(outcome.value)
    if type(obj) is _codec.Lost:
        return _ci._queues._resolve_unbound(obj.op)
    return obj
