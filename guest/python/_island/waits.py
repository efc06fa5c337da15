"""Every wait of the interpreter, and the threads that run during waits.

The interpreter has one stack.  A wait is one call of the host, which runs other interpreters in the meantime.  The
body of a `threading.Thread` runs on top of its creator's wait.  If that body waits in turn, the host is asked for the
first of all these waits to end.
"""

import time
from collections import deque

from componentize_py_types import Err
from wit_world.imports import channels, waiting

from . import arrays, interrupts, readiness
from .codec import check_size, decode, encode, encode_exactly, fitting, refs, to_result
from .errors import NotShareableError, channel_error
from .intrinsics import nothing, put as _put_plain, take as _take_plain

# Threads that were started and have not run yet.
deferred = deque()

# The waits in progress, outermost first.
under_way = []

# Waits that no code is blocked on: a dict of waits and the functions to call with their outcomes.
background = {}

# The number of waits in progress that are for sockets: their cases are `readiness.Files`.
polling = 0

_PLAIN = channels.Form.PLAIN
_Timeout = channels.Error_Timeout
_Inexact = channels.Error_Inexact
_Interrupted = channels.Error_Interrupted
_NotShareable = channels.Error_NotShareable


def nanoseconds(timeout):
    """Convert `timeout` from seconds to the host's unit; None means no limit.

    Raises ValueError for a negative number and for NaN.
    """
    if timeout is None:
        return None
    if timeout != timeout:
        raise ValueError("timeout is not a number")
    if timeout < 0:
        raise ValueError("timeout value must be non-negative")
    # Longer times than 292 years are capped, to fit into the host's number.
    return min(int(timeout * 1e9), 1 << 63) if timeout < 1e10 else 1 << 63


class Wait:
    """A case of `waiting.wait`, and its outcome."""

    __slots__ = ("case", "outcome", "choice")

    def __init__(self, case, choice=None):
        self.case = case
        self.outcome = None
        # Of the waits that share this list, only the one that is added to it may be carried out.
        self.choice = [] if choice is None else choice


def send(sender, obj, timeout=None, unbound=None, pickled=False):
    """Send `obj`; raises Err with a `channels.Error` if it was not sent.

    Objects that are not data are pickled, if `pickled` allows it.  `unbound` overrides the channel's treatment of
    messages whose sender is destroyed.
    """
    # The fast path.  Bytes are excluded because they would have to be checked.
    kind = type(obj)
    if (
        timeout is None
        and kind is not bytes
        and unbound is None
        and not deferred
        and not under_way
        and not background
    ):
        try:
            if kind in arrays.known:
                sent = _put_plain(sender.handle, *arrays.body_parts(obj))
            else:
                sent = _put_plain(sender.handle, obj)
            if sent:
                return
        except ValueError:
            pass
    try:
        return send_message(sender, encode(obj), timeout, unbound)
    except NotShareableError:
        if not pickled:
            raise
    except Err as error:
        if type(error.value) is _NotShareable and pickled:
            pass
        elif type(error.value) is not _Inexact:
            raise
        else:
            return _send_exactly(sender, obj, timeout, unbound, pickled)
    return _send_pickled(sender, obj, timeout, unbound)


def message_for(obj, unbound, pickled):
    """Return a message for `obj` that the host does not reject as inexact."""
    try:
        message = fitting(encode_exactly(obj))
    except NotShareableError:
        if not pickled:
            raise
        from . import pickles

        message = pickles.encode(obj)
    return message if unbound is None else _with_unbound(message, unbound)


def send_case(sender, obj, unbound=None, pickled=False):
    """Return the case of a wait that sends `obj`."""
    return waiting.Case_Send((sender, message_for(obj, unbound, pickled)))


def _with_unbound(message, unbound):
    body, exact, attachments = message
    if attachments is None:
        return body, exact, refs(_PLAIN, [], unbound)
    return body, exact, refs(attachments.form, attachments.ends, unbound)


def _send_exactly(sender, obj, timeout, unbound, pickled):
    return send_message(sender, message_for(obj, unbound, pickled), timeout)


def _send_pickled(sender, obj, timeout, unbound):
    from . import pickles

    return send_message(sender, pickles.encode(obj), timeout, unbound)


def send_message(sender, message, timeout, unbound=None):
    """Send a message that is already encoded."""
    check_size(message[0])
    if unbound is not None:
        message = _with_unbound(message, unbound)
    if not deferred and not under_way and not background:
        return _put(sender, message, None if timeout is None else nanoseconds(timeout))
    try:
        return sender.send(*message, 0)
    except Err as error:
        if type(error.value) is not _Timeout or timeout == 0 and not look(id(sender)):
            raise
    if timeout == 0:
        return sender.send(*message, 0)
    return until(waiting.Case_Send((sender, message)), timeout)


def _put(sender, message, limit):
    while True:
        try:
            return sender.send(*message, limit)
        except Err as error:
            if type(error.value) is not _Interrupted:
                raise
            limit = error.value.value
        interrupts.rise()


# Messages that were received for a cancelled receiver: receiver -> messages.
_put_back = {}


def put_back(receiver, message):
    """Return `message` to `receiver`, for its next receive."""
    _put_back.setdefault(receiver, deque()).append(message)


def take(receiver, limit):
    """Return the next message, within `limit` nanoseconds; raises Err with a `channels.Error`."""
    if _put_back:
        messages = _put_back.get(receiver)
        if messages is not None:
            message = messages.popleft()
            if not messages:
                del _put_back[receiver]
            return message
    while True:
        try:
            return receiver.receive(limit)
        except Err as error:
            if type(error.value) is not _Interrupted:
                raise
            limit = error.value.value
        interrupts.rise()


def receive(receiver, timeout=None):
    """Receive an object; raises Err with a `channels.Error` if there is none."""
    if timeout is None and not deferred and not under_way and not background and not _put_back:
        # The fast path.
        obj = _take_plain(receiver.handle)
        if obj is not nothing:
            # A bytearray is the body of an array.
            return obj if type(obj) is not bytearray else arrays.load_body(obj)
    if not deferred and not under_way and not background:
        return decode(take(receiver, None if timeout is None else nanoseconds(timeout)))
    try:
        return decode(take(receiver, 0))
    except Err as error:
        if type(error.value) is not _Timeout or timeout == 0 and not look(id(receiver)):
            raise
    if timeout == 0:
        return decode(take(receiver, 0))
    outcome = until(waiting.Case_Receive(receiver), timeout)
    return decode(outcome.value)


def wait_for_end(task, timeout=None):
    """Wait for `task` to end; raises Err with a `channels.Error` if it did not."""
    case = waiting.Case_Ended(task)
    if not deferred and not under_way and not background:
        _, outcome = _host_wait([case], nanoseconds(timeout))
        if type(outcome) is waiting.Outcome_Failed:
            raise Err(outcome.value)
    else:
        until(case, timeout)


def _host_wait(cases, limit):
    while True:
        try:
            return waiting.wait(cases, limit)
        except Err as error:
            if type(error.value) is not _Interrupted:
                raise
            limit = error.value.value
        interrupts.rise()


def pause(limit):
    """Wait for `limit` nanoseconds."""
    try:
        _host_wait([], limit)
    except Err as error:
        if type(error.value) is not _Timeout:
            raise channel_error(error.value) from None


def first(cases, timeout):
    """Carry out the first of several cases of the host that becomes ready; return its index and its outcome.

    Raises Err with a `channels.Error` if none became ready.
    """
    if not deferred and not under_way and not background:
        return _host_wait(cases, nanoseconds(timeout))
    choice = []
    waits = [Wait(case, choice) for case in cases]
    deadline = None
    if timeout is not None:
        deadline = time.monotonic_ns() + nanoseconds(timeout)
    under_way.extend(waits)
    try:
        if timeout != 0:
            run_deferred()
        elif deferred:
            look(first)
        while not choice:
            step(None if deadline is None else max(0, deadline - time.monotonic_ns()))
        done = choice[0]
        return waits.index(done), done.outcome
    finally:
        for wait in waits:
            under_way.remove(wait)
        # The list would otherwise keep the waits and their messages until the next garbage collection.
        choice.clear()


# The time on the monotonic clock at which the wait of the running threads' creator ends.
creator_until = None


def run_deferred(until=None):
    """Run the started threads until none is left.

    `until` is the time at which the waiting creator could go on.
    """
    while deferred:
        run_one(until)


def run_one(until):
    """Run the first of the started threads."""
    global creator_until
    before, creator_until = creator_until, until
    try:
        deferred.popleft()._run_deferred()
    finally:
        creator_until = before


def until(case, timeout):
    """Wait for `case` together with all other waits, and return its outcome.

    Raises Err with a `channels.Error` if it could not be carried out.
    """
    wait = Wait(case)
    deadline = None
    if timeout is not None:
        deadline = time.monotonic_ns() + nanoseconds(timeout)
    under_way.append(wait)
    try:
        while deferred and wait.outcome is None:
            run_one(None if deadline is None else deadline / 1e9)
        while wait.outcome is None:
            step(None if deadline is None else max(0, deadline - time.monotonic_ns()))
    finally:
        under_way.remove(wait)
        # See `first`.
        wait.choice.clear()
    if type(wait.outcome) is waiting.Outcome_Failed:
        raise Err(wait.outcome.value)
    return wait.outcome


def step(left):
    """Wait for the first of all waits to end, for at most `left` nanoseconds, and record its outcome.

    Raises Err with a `channels.Error`, such as a timeout.
    """
    waits = [wait for wait in under_way if not wait.choice]
    waits += background
    if _meet(waits):
        return
    cases = [wait.case for wait in waits]
    if polling:
        of_files = [wait for wait in waits if type(wait.case) is readiness.Files]
        if of_files:
            if readiness.probe(of_files):
                return
            waits = [wait for wait in waits if wait not in of_files]
            cases = [wait.case for wait in waits]
            cases.append(waiting.Case_Ready())
    try:
        index, outcome = waiting.wait(cases, left)
    except Err as error:
        if type(error.value) is not _Interrupted:
            raise
        index = None
    if index is None:
        # A signal handler of the script may have changed the set of waits.
        interrupts.rise()
    elif index == len(waits):
        readiness.probe(of_files)
    else:
        _settle(waits[index], outcome)


def _settle(wait, outcome):
    callback = background.pop(wait, None)
    if callback is not None:
        callback(outcome)
    else:
        wait.outcome = outcome
        wait.choice.append(wait)


def _meet(waits):
    """Pair a sender with a receiver of the same channel, if both are among `waits`.

    To the host all of these are one wait, which cannot exchange messages with itself.
    """
    sends = [wait for wait in waits if type(wait.case) is waiting.Case_Send]
    if not sends:
        return False
    receives = [wait for wait in waits if type(wait.case) is waiting.Case_Receive]
    for receive in receives:
        channel = receive.case.value.id()
        if receive.case.value.length():
            # Queued messages come first.
            continue
        for send in sends:
            sender, message = send.case.value
            if send.choice is not receive.choice and sender.id() == channel:
                _settle(send, waiting.Outcome_Sent())
                _settle(receive, waiting.Outcome_Received(to_result(message)))
                return True
    return False


def let_happen(timeout=None):
    """Run a started thread, or else wait for one event in the background; return whether there was any to wait for.

    Gives up after `timeout` seconds.  Callers wait for a change in this interpreter's own memory, which only such an
    event can cause.
    """
    if deferred:
        run_one(None if timeout is None else time.monotonic() + timeout)
        return True
    if not background:
        return False
    try:
        step(None if timeout is None else nanoseconds(timeout))
    except Err as error:
        if type(error.value) is not _Timeout:
            raise channel_error(error.value) from None
    return True


# After this many unsuccessful polls of one object, or of all objects, a started thread runs.  A thread that ran at the
# first poll could wait in vain for something that its creator does after that poll.
_LOOKS_AT_ONE = 10
_LOOKS = 200

_looks = {}
_stepping = False


def look(key):
    """Count an unsuccessful poll of the object that `key` identifies, and return whether anything has happened.

    A poll is a wait of zero length: events in the background are processed, and after a few polls the first of the
    started threads runs.
    """
    global _stepping
    if deferred:
        _looks[key] = looks = _looks.get(key, 0) + 1
        if looks >= _LOOKS_AT_ONE or sum(_looks.values()) >= _LOOKS:
            _looks.clear()
            run_one(time.monotonic())
            return True
    if not background or _stepping:
        return False
    _stepping = True
    try:
        step(0)
    except Err as error:
        if type(error.value) is not _Timeout:
            raise channel_error(error.value) from None
        return False
    finally:
        _stepping = False
    return True
