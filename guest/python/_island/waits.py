"""Every wait of the interpreter, and the threads that run while it waits.

The interpreter has one stack.  A wait is one call of the host, which lets other interpreters run.
What a `threading.Thread` was given runs on top of the wait of its creator, and while that runs and
waits in turn, the host is asked for whatever of all these waits is over first.
"""

import time
from collections import deque

from componentize_py_types import Err
from wit_world.imports import channels, waiting

from .codec import decode, encode, encode_exactly

# Threads that were started and have not run yet.
deferred = deque()

# The waits that are under way, outermost first.
_open = []

# The host stops an interpreter that sends much more; this tells of it in time.
_MOST_BYTES = 64 << 20

_Timeout = channels.Error_Timeout
_Inexact = channels.Error_Inexact


def nanoseconds(timeout):
    """`timeout` seconds as the host takes it; None waits as long as it takes.

    Raises ValueError for a negative number and for what is not a number.
    """
    if timeout is None:
        return None
    if timeout != timeout:
        raise ValueError("timeout is not a number")
    if timeout < 0:
        raise ValueError("timeout value must be non-negative")
    # Five hundred years are as good as any longer time, and fit.
    return min(int(timeout * 1e9), 1 << 63) if timeout < 1e10 else 1 << 63


class _Wait:
    __slots__ = ("case", "outcome")

    def __init__(self, case):
        self.case = case
        self.outcome = None


def send(sender, obj, timeout=None):
    """Send `obj`; raises Err with a `channels.Error` when it was not sent."""
    try:
        return send_message(sender, encode(obj), timeout)
    except Err as error:
        if type(error.value) is not _Inexact:
            raise
    return send_message(sender, encode_exactly(obj), timeout)


def send_message(sender, message, timeout):
    """Send a message that is encoded already."""
    if len(message[0]) > _MOST_BYTES:
        raise ValueError(f"too large: the limit is {_MOST_BYTES} bytes")
    if not deferred and not _open:
        return sender.send(*message, None if timeout is None else nanoseconds(timeout))
    try:
        return sender.send(*message, 0)
    except Err as error:
        if type(error.value) is not _Timeout or timeout == 0:
            raise
    return _wait(waiting.Case_Send((sender, message)), timeout)


def receive(receiver, timeout=None):
    """Receive an object; raises Err with a `channels.Error` when there is none."""
    if not deferred and not _open:
        return decode(receiver.receive(None if timeout is None else nanoseconds(timeout)))
    try:
        return decode(receiver.receive(0))
    except Err as error:
        if type(error.value) is not _Timeout or timeout == 0:
            raise
    outcome = _wait(waiting.Case_Receive(receiver), timeout)
    return decode(outcome.value)


def ended(task, timeout=None):
    """Wait for `task` to end; raises Err with a `channels.Error` when it did not."""
    case = waiting.Case_Ended(task)
    if not deferred and not _open:
        _, outcome = waiting.wait([case], nanoseconds(timeout))
        if type(outcome) is waiting.Outcome_Failed:
            raise Err(outcome.value)
    else:
        _wait(case, timeout)


def run_deferred():
    """Run what the started threads were given, until none is left."""
    while deferred:
        deferred.popleft()._run_deferred()


def _wait(case, timeout):
    wait = _Wait(case)
    deadline = None
    if timeout is not None:
        deadline = time.monotonic_ns() + nanoseconds(timeout)
    _open.append(wait)
    try:
        while deferred and wait.outcome is None:
            deferred.popleft()._run_deferred()
        while wait.outcome is None:
            left = None if deadline is None else max(0, deadline - time.monotonic_ns())
            waits = [w for w in _open if w.outcome is None]
            index, outcome = waiting.wait([w.case for w in waits], left)
            waits[index].outcome = outcome
    finally:
        _open.remove(wait)
    if type(wait.outcome) is waiting.Outcome_Failed:
        raise Err(wait.outcome.value)
    return wait.outcome
