"""Aliases: calls of functions that others lend this interpreter, and of functions that it lends to others.

A call of the latter kind arrives as a message.  It is answered while this interpreter waits or as soon as it is idle;
a call never interrupts running code.
"""

import itertools
import traceback

from componentize_py_types import Err, Ok
from wit_world.imports import aliases as host
from wit_world.imports import channels, waiting

from . import codec, interrupts, waits
from .errors import AliasError, DeadlockError, NotShareableError

_Inexact = host.Failure_Inexact
_Timeout = channels.Error_Timeout

# The caller's error text for a failure whose details are for the log only.
_FAILED = "the command failed"


def call(name, args, kwargs):
    """Call the alias `name` of this interpreter and return its result.

    Raises AliasError with the reason that the other side gave, and NameError if there is no such alias.
    """
    try:
        message = codec.fitting(codec.encode((args, kwargs)))
        return codec.decode(host.call(name, message))
    except Err as error:
        if type(error.value) is not _Inexact:
            raise _error(name, error.value) from None
    try:
        message = codec.fitting(codec.encode_exactly((args, kwargs)))
        return codec.decode(host.call(name, message))
    except Err as error:
        raise _error(name, error.value) from None


def _error(name, failure):
    match failure:
        case host.Failure_Absent():
            return NameError(f"name {name!r} is not defined", name=name)
        case host.Failure_Failed(value=reason):
            return AliasError(reason)
        case host.Failure_NotShareable(value=what):
            return NotShareableError(what)
        case host.Failure_TooLarge(value=limit):
            return ValueError(f"too large: the limit is {limit}")
        case host.Failure_NoMemory():
            return MemoryError()
        case host.Failure_Deadlock(value=text):
            return DeadlockError(text)
        case host.Failure_Interrupted():
            interrupts.rise()
            return AliasError("the call was interrupted, and its result is lost")
    return RuntimeError(f"unexpected error from the host: {failure!r}")


# Functions that others can call: number -> function.
_functions = {}

# The numbers of the functions that a child can call: child id -> name in the child -> number.
_lent = {}

_numbers = itertools.count(1)
_receiver = None
_expected = None


def lend(child, name, function):
    """Let interpreter `child` call `function` by `name`, and return the function's number."""
    number = next(_numbers)
    _functions[number] = function
    _lent.setdefault(child, {})[name] = number
    _listen()
    return number


def find_number(child, name):
    """Return the number of the function that the child calls by `name`, or None."""
    return _lent.get(child, {}).get(name)


def drop(number):
    """Forget the function with this number."""
    _functions.pop(number, None)
    _rest()


def withdraw(child, name, before):
    """Undo `lend`; `before` is the number that the name had before it."""
    number = _lent[child].pop(name)
    if before is not None:
        _lent[child][name] = before
    drop(number)


def take_back(child, name):
    """Remove the function that the child calls by `name`."""
    drop(_lent.get(child, {}).pop(name, None))


def forget(child):
    """Remove all functions of a child that no longer exists."""
    for number in _lent.pop(child, {}).values():
        drop(number)


def _rest():
    """Stop listening if no functions are lent."""
    global _expected
    if not _functions and _expected is not None:
        waits.background.pop(_expected, None)
        _expected = None


def _listen():
    global _receiver, _expected
    if _expected is not None:
        return
    if _receiver is None:
        _receiver = host.inbox()
    _expected = waits.Wait(waiting.Case_Receive(_receiver))
    waits.background[_expected] = _came


def _came(outcome):
    global _expected
    _expected = None
    # The function can wait, and other calls can arrive during that wait.
    if _functions:
        _listen()
    if type(outcome) is waiting.Outcome_Received:
        _perform(outcome.value)


def serve():
    """Answer the calls that are queued."""
    while _receiver is not None:
        try:
            message = _receiver.receive(0)
        except Err as error:
            if type(error.value) is _Timeout:
                return
            raise
        _perform(message)


def _perform(message):
    call, number, (args, kwargs) = codec.decode(message)
    function = _functions.get(number)
    if function is None:
        _complain(call, "the target of the alias is gone", "")
        return
    try:
        result = function(*args, **kwargs)
    except AliasError as error:
        _complain(call, str(error), _describe(error))
    except Exception as error:
        _complain(call, f"{_FAILED}: {type(error).__name__}", _describe(error))
    except BaseException as error:
        _complain(call, f"{_FAILED}: {type(error).__name__}", _describe(error))
        if not isinstance(error, SystemExit):
            # It ends this interpreter's job, not just the call.
            raise
    else:
        _answer(call, result)


def _answer(call, result):
    try:
        try:
            host.reply(call, Ok(codec.fitting(codec.encode(result))))
        except Err as error:
            if type(error.value) is not _Inexact:
                raise
            host.reply(call, Ok(codec.fitting(codec.encode_exactly(result))))
    except MemoryError:
        _complain(call, f"{_FAILED}: MemoryError", "")
    except (NotShareableError, RecursionError, ValueError) as error:
        _complain(call, f"the result cannot be sent: {error}", "")
    except Err as error:
        _complain(call, f"the result cannot be sent: {_error('', error.value)}", "")


def _complain(call, plain, detail):
    host.reply(call, Err(host.Complaint(plain[:1000], detail[-10_000:])))


def _describe(error):
    try:
        text = "".join(traceback.format_exception(error))
        return text.encode("utf-8", "backslashreplace").decode()
    except Exception:
        return type(error).__name__
