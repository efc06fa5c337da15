"""CPython's private module behind `concurrent.interpreters`, for islands.

A reference to an interpreter is a handle of the host.  This module keeps one handle per id while its count is positive.
"""

import weakref
from importlib.util import decode_source
from types import CodeType, FunctionType, SimpleNamespace

from _island import (
    aliases,
    calls,
    codec,
    configs,
    functions,
    interrupts,
    pickles,
    private,
    report,
    scripts,
    waits,
)
from _island.errors import (
    Cancelled,
    DeadlockError,
    InterpreterDied,
    InterpreterError,
    InterpreterNotFoundError,
    NotShareableError,
    limit_exceeded,
    channel_error,
    refusal_error,
)
from componentize_py_types import Err
from wit_world.imports import interpreters as host

CrossInterpreterBufferView = memoryview

WHENCE_UNKNOWN = 0
WHENCE_RUNTIME = 1
WHENCE_LEGACY_CAPI = 2
WHENCE_CAPI = 3
WHENCE_XI = 4
WHENCE_STDLIB = 5

# id -> [handle, count]
_known = {}

# id -> handle, while a list from `list_all` contains it
_listed = weakref.WeakValueDictionary()


def _number(id):
    return private.number(id, "interpreter")


def _subject(id, restrict):
    """Return the number of an interpreter that an operation concerns.

    With `restrict`, this module must have created the interpreter.
    """
    id = _number(id)
    if restrict and _whence(id) != WHENCE_STDLIB:
        raise InterpreterError(f"unrecognized interpreter ID {id}")
    return id


def _handle(id):
    try:
        return _known[id][0]
    except KeyError:
        pass
    try:
        return _listed[id]
    except KeyError:
        pass
    try:
        return host.get(id)
    except Err as error:
        raise refusal_error(error.value, id) from None


def create(config="isolated", *, reqrefs=False):
    """Create a new interpreter and return a unique generated ID."""
    return create_child(True, config)


def create_child(trusted, config="isolated", settings=None):
    """Create an interpreter of the caller's domain, if `trusted`, or of a domain of its own; return its ID.

    `settings` is a tuple of the policy, the image, the limits and the name, as the host accepts them.
    """
    config = configs.resolve("isolated" if config is None else config)
    if scripts.running:
        raise InterpreterError(
            "cannot create an interpreter while the script is run again to find a function of its "
            "__main__ (guard the script's main part with if __name__ == '__main__':)"
        )
    try:
        if settings is None:
            handle = host.create(trusted)
        else:
            handle = host.create_with(host.Settings(trusted, *settings))
    except Err as error:
        raise refusal_error(error.value) from None
    id = handle.id()
        # This entry keeps the interpreter alive until the caller counts a reference of its own.
    _known[id] = [handle, 0]
    configs.of_child[id] = config
    return id


def new_config(name="isolated", /, **overrides):
    """Return a representation of a new PyInterpreterConfig."""
    return configs.new(name, **overrides)


def get_config(id, *, restrict=False):
    """Return a representation of the config used to initialize the interpreter."""
    id = _subject(id, restrict)
    if id == host.current():
        return configs.own(id)
    _handle(id)
    return configs.of_child.get(id) or configs.new("isolated")


def destroy(id, *, restrict=False):
    """Destroy the identified interpreter."""
    id = _subject(id, restrict)
    if id == host.current():
        raise InterpreterError("interpreter is current")
    try:
        _handle(id).close()
    except Err as error:
        raise refusal_error(error.value, id) from None
    forget(id)


def kill(id):
    """Stop the interpreter's job, and destroy the interpreter and its descendants."""
    id = _number(id)
    if id == host.current():
        raise InterpreterError("interpreter is current")
    _handle(id).kill()
    forget(id)


def watch(id):
    """Return a task that ends when the interpreter is idle."""
    id = _number(id)
    if id == host.current():
        raise InterpreterError("interpreter is current")
    return _handle(id).watch()


def forget(id):
    """Forget an interpreter that no longer exists."""
    _known.pop(id, None)
    configs.of_child.pop(id, None)
    aliases.forget(id)


def copy(id):
    """Create an interpreter with the state of interpreter `id`, and return its ID."""
    id = _number(id)
    if id == host.current():
        raise InterpreterError("interpreter already running")
    try:
        handle = _handle(id).copy()
    except Err as error:
        raise refusal_error(error.value, id) from None
    copied = handle.id()
    _known[copied] = [handle, 0]
    return copied


def reset(id):
    """Restore the state that interpreter `id` was created with."""
    id = _number(id)
    if id == host.current():
        raise InterpreterError("interpreter already running")
    try:
        _handle(id).reset()
    except Err as error:
        raise refusal_error(error.value, id) from None


def incref(id, *, implieslink=False, restrict=False):
    id = _subject(id, restrict)
    if id == host.current():
        return
    if id not in _known:
        _known[id] = [_handle(id), 0]
    _known[id][1] += 1


def decref(id, *, restrict=False):
    entry = _known.get(_subject(id, restrict))
    if entry is None:
        return
    entry[1] -= 1
    if entry[1] <= 0:
        forget(id)


def list_all(*, require_ready=False):
    """Return a list containing the ID of every existing interpreter."""
    listed = []
    for id in host.list_all():
        entry = _Listed((id, _whence(id)))
        if id not in _known and id != host.current():
            # The entry holds the handle, so that all listed interpreters exist while the list does.
            try:
                entry.handle = _listed[id] = host.get(id)
            except Err:
                # The interpreter has ended in the meantime.
                continue
        listed.append(entry)
    return listed


class _Listed(tuple):
    """(ID, whence) of an interpreter."""


def get_current():
    """Return (ID, whence) of the current interpreter."""
    id = host.current()
    return id, _whence(id)


def get_main():
    """Return (ID, whence) of the main interpreter."""
    return 0, WHENCE_RUNTIME


def _whence(id):
    return WHENCE_STDLIB if id else WHENCE_RUNTIME


def whence(id):
    """Return an identifier for where the interpreter was created."""
    id = _number(id)
    if id not in (0, host.current()):
        _handle(id)
    return _whence(id)


def is_running(id, *, restrict=False):
    """Return whether or not the identified interpreter is running."""
    id = _subject(id, restrict)
    if id == host.current():
        return True
    handle = _handle(id)
    if handle.is_running():
        if not (waits.deferred or waits.background) or not waits.look(id):
            return True
        return handle.is_running()
    try:
        # A handle does not show whether the interpreter still exists.
        host.get(id)
    except Err as error:
        raise refusal_error(error.value, id) from None
    return False


def is_shareable(obj):
    """Return True if the object's data may be shared between interpreters."""
    return type(obj) in codec.as_pickles or codec.is_shareable(obj)


def start(id, job):
    """Start `job` in interpreter `id` and return the task."""
    if id == host.current():
        raise InterpreterError("interpreter already running")
    # Keeps the output of both interpreters in the order in which it was written.
    report.flush()
    try:
        return _handle(id).start(job)
    except Err as error:
        raise refusal_error(error.value, id) from None


def run(id, job):
    """Run `job` in interpreter `id` to its end, and return what `finish` returns."""
    if waits.deferred or waits.under_way or waits.background:
        return finish(start(id, job))
    if id == host.current():
        raise InterpreterError("interpreter already running")
    report.flush()
    try:
        message = _handle(id).run(job)
    except Err as error:
        match error.value:
            case host.NotRun_Refused(value=refusal):
                raise refusal_error(refusal, id) from None
            case host.NotRun_Failed(value=failure):
                return _describe_failure(failure)
            case host.NotRun_Deadlock(value=text):
                raise DeadlockError(text) from None
            case host.NotRun_Interrupted(value=task):
                interrupts.rise()
                # A signal handler of the script returned, so the wait continues.
                return finish(task)
        raise
    return None if message is None else codec.decode(message), None


def finish(task):
    """Wait for `task`; return its result and CPython's snapshot of an uncaught exception."""
    try:
        waits.wait_for_end(task)
    except Err as error:
        raise channel_error(error.value) from None
    return result(task)


def result(task):
    """Return what `finish` returns, for a task that has ended."""
    try:
        message = task.finish()
    except Err as error:
        return _describe_failure(error.value)
    return None if message is None else codec.decode(message), None


def _describe_failure(failure):
    match failure:
        case host.Failure_Raised(value=raised):
            return None, excinfo(raised)
        case host.Failure_Died(value=text):
            raise InterpreterDied(text) from None
        case host.Failure_Limited(value=reached):
            raise limit_exceeded(reached) from None
        case host.Failure_Cancelled(value=message):
            raise Cancelled(message) from None
        case host.Failure_NoMemory():
            raise MemoryError from None
        case host.Failure_NotShareable(value=text):
            error = _not_shareable(text)
            raise error from error.__cause__
    raise RuntimeError(f"unexpected error from the host: {failure!r}")


def _not_shareable(text):
    what, _, cause = text.partition("\n")
    error = NotShareableError(what)
    if cause:
        error.__cause__ = NotShareableError(cause)
    return error


def excinfo(raised):
    """Convert the host's record of an exception to CPython's snapshot."""
    formatted = f"{raised.qualified_name}: {raised.message}"
    if not raised.message:
        formatted = raised.qualified_name
    return SimpleNamespace(
        type=SimpleNamespace(
            __name__=raised.name,
            __qualname__=raised.qualified_name,
            __module__=raised.module,
        ),
        msg=raised.message,
        formatted=formatted,
        errdisplay=raised.traceback,
    )


def capture_exception(exc=None):
    """Return a snapshot of an exception, by default of the one being handled."""
    import sys

    if exc is None:
        exc = sys.exception()
        if exc is None:
            raise RuntimeError("no exception set")
    if not isinstance(exc, BaseException):
        raise TypeError(f"expected exception, got {exc!r}")
    return excinfo(report.exception(exc))


def _check_shared(shared, function, position):
    if not isinstance(shared, dict):
        found = "None" if shared is None else type(shared).__name__
        raise TypeError(f"_interpreters.{function}() argument {position} must be dict, not {found}")
    for key in shared:
        if not isinstance(key, str):
            raise TypeError("the names to bind must be str")
        # Raises UnicodeEncodeError for a name with lone surrogates.
        key.encode()
        if "\0" in key:
            raise ValueError("embedded null character")


_NOTHING = {}


def exec(id, code, shared=_NOTHING, *, restrict=False):
    """Execute the provided code in the identified interpreter."""
    id = _subject(id, restrict)
    _check_shared(shared, "exec", 3)
    if shared:
        set___main___attrs(id, shared)
    return _report(run(id, _exec_job(code))[1], code)


def start_exec(id, code):
    """Start `code` in the interpreter and return the task."""
    return start(id, _exec_job(code))


def exec_result(task, code):
    """Wait for a task of `start_exec`; return None or a snapshot of an uncaught exception."""
    return _report(finish(task)[1], code)


def _exec_job(code):
    if isinstance(code, (bytes, bytearray)):
        # The source declares its encoding.
        code = decode_source(bytes(code))
    if isinstance(code, str):
        source = str(code)
        # `encode` raises UnicodeEncodeError for source with lone surrogates.
        codec.check_size(source.encode())
        return host.Job_Exec(source)
    if isinstance(code, (FunctionType, CodeType)):
        body = calls.describe_script(functions.script_of(code))
        return host.Job_Call(pickles.message(body, []))
    raise TypeError(
        f"exec() argument 2 must be a string, a function, or a code object, not "
        f"{type(code).__name__}"
    )


def _report(failed, code):
    if failed is not None and isinstance(code, str) and failed.type.__name__ in _NO_PROGRAM:
        # Invalid source is the caller's mistake, so compile it here to raise the error here.
        compile(str(code), "<string>", "exec", dont_inherit=True)
    return failed


_NO_PROGRAM = frozenset(("SyntaxError", "IndentationError", "TabError"))


def run_string(id, script, shared=_NOTHING, *, restrict=False):
    """Execute the provided string in the identified interpreter."""
    id = _subject(id, restrict)
    if not isinstance(script, str):
        raise TypeError(f"run_string() argument 2 must be str, not {type(script).__name__}")
    _check_shared(shared, "run_string", 3)
    return exec(id, script, shared)


def run_func(id, func, shared=_NOTHING, *, restrict=False):
    """Execute the body of the provided function in the identified interpreter."""
    id = _subject(id, restrict)
    if not isinstance(func, (FunctionType, CodeType)):
        raise TypeError(f"run_func() argument 2 must be a function, not {type(func).__name__}")
    _check_shared(shared, "run_func", 3)
    return exec(id, func, shared)


def call(id, function, args=(), kwargs=_NOTHING, *, preserve_exc=False, restrict=False):
    """Call the provided object in the identified interpreter.

    Returns the result and None, or None and a snapshot of an uncaught exception.
    """
    return run(_subject(id, restrict), _call_job(function, args, kwargs))


def start_call(id, function, args, kwargs):
    """Start a call and return its task.  Raises NotShareableError."""
    return start(id, _call_job(function, args, kwargs))


def _call_job(function, args, kwargs):
    if not callable(function):
        raise TypeError(f"expected a callable, got {function!r}")
    body, ends = calls.describe(function, tuple(args), dict(kwargs))
    return host.Job_Call(pickles.message(body, ends))


def set___main___attrs(id, updates, *, restrict=False):
    """Bind the given attributes in the interpreter's __main__ module."""
    id = _subject(id, restrict)
    _check_shared(updates, "set___main___attrs", 2)
    if not updates:
        raise ValueError("arg 2 must be a non-empty mapping")
    _, failed = run(id, host.Job_Bind(codec.fitting(_bindings(updates))))
    if failed is not None:
        raise InterpreterError(failed.formatted)


def _bindings(updates):
    try:
        return codec.encode_exactly(updates)
    except NotShareableError:
        kinds = {type(value) for value in updates.values()}
        if not kinds & codec.as_pickles:
            raise
    return pickles.encode(updates)
