"""Archipel's extensions to the interpreters and channels of PEP 734 and PEP 554.

`select` waits for the first of several events, `spawn` runs a call in an interpreter of its own, `create` makes
interpreters for untrusted code, and `share` and `transfer` lend them channel ends and files:

    import archipel

    child = archipel.create(name="plugin", limits={"cpu": 1.0, "memory": 64 << 20})
    child.alias("log", print, "[plugin]")
    child.exec("log('hello')")

    task = archipel.spawn(pow, 2, 1000)
    print(task.result(timeout=5))

The `*_async` methods of the classes in `concurrent.interpreters` and `interpreters` wait in an event loop; await them
in the loop that `asyncio.run` makes.

Every wait can raise `DeadlockError`, if all parties that could end it are waiting too; `Cancelled`, if an ancestor
or the host cancels this interpreter; and KeyboardInterrupt.
"""

from concurrent import interpreters as _ci
from concurrent.interpreters import (
    ExecutionFailed,
    InterpreterError,
    InterpreterNotFoundError,
    NotShareableError,
)

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
    channel_error,
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
    "ExecutionFailed",
    "Interpreter",
    "InterpreterDied",
    "InterpreterError",
    "InterpreterNotFoundError",
    "LimitExceeded",
    "NotShareableError",
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

    `capacity` is the number of objects that the channel queues: 0 for a rendezvous, None for no limit of its own.
    This is `interpreters.create_channel`.

    Raises TypeError and ValueError for an invalid capacity, and ValueError if there are too many channels.
    """
    return create_channel(capacity)


class Interpreter(Governed, _ci.Interpreter):
    """An interpreter created by `archipel.create`.

    It has the methods of `concurrent.interpreters.Interpreter`, such as `exec` and `call`, and those with which its
    creator governs it, such as `alias`, `limit` and `kill`.  `name` is the name that it was created with, or None.
    """

    name = None

    def __repr__(self):
        name = "" if self.name is None else f", name={self.name!r}"
        return f"{type(self).__name__}({self.id}{name})"

    @property
    def done(self):
        """The end of the interpreter's current job: a case for `select`, true while the interpreter is idle."""
        return Done(_interpreters.watch(self.id))


def create(*, safe=True, policy=None, limits=None, image=None, name=None):
    """Create an interpreter and return it.

    A safe interpreter has no capabilities except those in `policy`, and can send only data.  With `safe=False` the
    interpreter is like one of `concurrent.interpreters.create`: it shares pickles with its creator and has all of its
    creator's capabilities, or those in `policy` if that is given.

    `policy` is a dict with most keys of a policy file: see Policies in Python in the documentation.  Paths are those
    that this interpreter sees.  `limits` is a dict of the arguments of `Interpreter.limit`.  `image` is the name of
    an image that this interpreter's policy grants, or an interpreter to copy: the new one then starts with its state
    and its policy.  The default is this interpreter's own image.  `name` identifies the interpreter in logs and in `repr`.

    Raises Denied if `policy`, `limits` or `image` exceed what this interpreter has itself, TypeError and ValueError for
    invalid arguments, and InterpreterError if no further interpreter is allowed or `image` cannot be copied.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be str or None, not {type(name).__name__}")
    if name is not None:
        # Raises UnicodeEncodeError for a name with lone surrogates.
        _codec.check_size(name.encode())
    if limits is not None and not isinstance(limits, dict):
        raise TypeError(f"limits must be a dict or None, not {type(limits).__name__}")
    if isinstance(image, str):
        _codec.check_size(image.encode())
    elif image is not None:
        if not isinstance(image, Interpreter):
            raise TypeError(f"image must be a name, an interpreter or None, not {type(image).__name__}")
        if policy is not None:
            raise ValueError("policy and image cannot be combined: a copy has the policy of its image")
        interpreter = Interpreter(_interpreters.copy(image.id), _ownsref=True)
        if limits:
            interpreter.limit(**limits)
    if image is None or isinstance(image, str):
        id = _interpreters.create_child(
            not safe,
            settings=None
            if policy is None and not limits and name is None and image is None
            else (policy_of(policy), image, limits_of(limits or {}), name),
        )
        interpreter = Interpreter(id, _ownsref=True)
    interpreter.name = name
    return interpreter


class Done:
    """The end of a job: a case for `select`, true once the job has ended, and awaitable.

    Calling it returns the same as `bool`, as with `Future.done`.
    """

    __slots__ = ("_task", "_over")

    def __init__(self, task):
        self._task = task
        self._over = False

    def __bool__(self):
        if not self._over:
            try:
                _waits.wait_for_end(self._task, 0)
            except Err as error:
                if type(error.value) is not _channels.Error_Timeout:
                    raise channel_error(error.value) from None
            else:
                self._over = True
        return self._over

    __call__ = __bool__

    def __await__(self):
        return _loop.wait_for_end(self._task).__await__()

    def __repr__(self):
        return f"<Done {bool(self)}>"


class Task:
    """A call in an interpreter of its own, made by `spawn`.

    The interpreter is destroyed when the result is taken.  A task is a case for `select`, and can be awaited:
    `await task` returns or raises what `result` does.  Cancelling the awaiting coroutine does not stop the call.
    """

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
        """The end of the call: a case for `select`, true once there is a result or an exception."""
        return Done(self._task)

    @property
    def interpreter(self):
        """The interpreter that runs the call; None once the result was taken."""
        return self._interpreter

    def cancelled(self):
        """Return whether `cancel` stopped the call."""
        return self._cancelled

    def cancel(self):
        """Stop the call, wherever it is, and return whether it was still running.

        Afterwards `result` raises Cancelled.
        """
        if self._outcome is not None or self.done:
            return False
        self._cancelled = True
        self._interpreter.kill()
        return True

    def result(self, timeout=None):
        """Wait for the call to end and return its result.

        `timeout` is in seconds; None waits without limit.  Further calls return or raise the same.  An interruption
        of the caller ends the wait, but does not stop the call.

        Raises TimeoutError if the call has not ended in time, in which case it goes on; ExecutionFailed if the call
        raised an exception; Cancelled after `cancel`; LimitExceeded or InterpreterDied if the interpreter was stopped
        or crashed; and NotShareableError if the result cannot be sent.
        """
        if self._outcome is None:
            try:
                _waits.wait_for_end(self._task, timeout)
            except Err as error:
                if type(error.value) is _channels.Error_Timeout:
                    raise TimeoutError("timed out: the task is still running") from None
                raise channel_error(error.value) from None
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
                # It died or was killed, so it no longer exists.
                pass
            self._interpreter = None
        return value, None if excinfo is None else _ci.ExecutionFailed(excinfo)

    def __await__(self):
        if self._outcome is None:
            yield from _loop.wait_for_end(self._task).__await__()
        return self._take()


def spawn(function, /, *args, **kwargs):
    """Call `function(*args, **kwargs)` in a new interpreter, in parallel, and return a `Task`.

    The interpreter is created with `safe=False`.  The function, its arguments and its result are limited to what
    `Interpreter.call` of `concurrent.interpreters` accepts.

    Raises NotShareableError if the call cannot be sent, and InterpreterError if no further interpreter is allowed.
    """
    return Task(function, args, kwargs, safe=False)


class After:
    """A case for `select` that becomes ready after some time: see `after`."""

    __slots__ = ("seconds",)

    def __init__(self, seconds):
        _waits.nanoseconds(seconds)
        self.seconds = seconds

    def __repr__(self):
        return f"after({self.seconds!r})"


def after(seconds):
    """Return a case for `select` that becomes ready `seconds` after `select` began.

    Raises ValueError if `seconds` is negative or NaN.
    """
    return After(seconds)


_ABSENT = object()


# The maximum number of cases that the host accepts.
_MOST_CASES = 1024


def select(*cases, timeout=None, default=_ABSENT):
    """Carry out the first of `cases` that becomes ready, and return `(case, value)`.

    A case is one of

    - a `RecvChannel` or a `Queue`, to receive from it; the value is the object received;
    - a tuple `(channel, obj)` of a `SendChannel` or a `Queue` and an object to send; the value is None;
    - a `Task`; the value is its result;
    - the `done` of a task or an interpreter; the value is None;
    - `after(seconds)`; the value is None.

    The returned case is the object that was passed.  If several cases are ready, one is chosen at random, as in Go.
    Only that one is carried out.

        which, what = archipel.select(inbox, (outbox, "ping"), child.done, archipel.after(1.5))

    With a `default`, `select` does not wait: it returns `(None, default)` if no case is ready.

    Raises TimeoutError after `timeout` seconds; what the operation of the chosen case raises, such as
    ChannelClosedError; DeadlockError if no case can ever become ready; TypeError for an object that is not a case;
    and ValueError for more than 1024 cases.
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
            raise channel_error(error.value) from None
        if default is not _ABSENT and not (late is not None and deadline <= 0):
            return None, default
        if late is not None:
            return late, None
        raise TimeoutError("timed out: no case became ready") from None
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
        "case must be a RecvChannel, a Queue, (SendChannel, obj), (Queue, obj), a Task, a done or "
        f"after(seconds), not {case!r}"
    )


def _send_case(end, obj):
    if isinstance(end, SendChannel):
        handle, pickled = end._held(), False
    elif isinstance(end, _ci.Queue):
        handle, pickled = _interpqueues._ends(end.id).sender, True
    else:
        raise TypeError(f"the target of a send must be a SendChannel or a Queue, not {end!r}")
    return _waits.send_case(handle, obj, pickled=pickled)


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
