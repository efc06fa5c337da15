"""CPython's private module behind `concurrent.interpreters`, for islands.

A reference to an interpreter that this one may name is a handle of the host's, kept here by id for
as long as its count says.
"""

from types import SimpleNamespace

from _island import codec, report, waits
from _island.errors import (
    InterpreterError,
    InterpreterNotFoundError,
    NotShareableError,
    not_sent,
    refused,
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


def _number(id):
    if not isinstance(id, int):
        raise TypeError(f"interpreter ID must be an int, got {type(id).__name__}")
    if id < 0:
        raise ValueError(f"interpreter ID must be a non-negative int, got {id}")
    return int(id)


def _handle(id):
    id = _number(id)
    try:
        return _known[id][0]
    except KeyError:
        pass
    if id >= 1 << 63:
        raise InterpreterNotFoundError(f"unrecognized interpreter ID {id}")
    try:
        return host.get(id)
    except Err as error:
        raise refused(error.value, id) from None


def create(config="isolated", *, reqrefs=False):
    try:
        handle = host.create()
    except Err as error:
        raise refused(error.value) from None
    id = handle.id()
    # A reference of ours keeps it alive until the caller counts one of its own.
    _known[id] = [handle, 0]
    return id


def destroy(id, *, restrict=False):
    id = _number(id)
    if id == host.current():
        raise InterpreterError("interpreter is current")
    try:
        _handle(id).close()
    except Err as error:
        raise refused(error.value, id) from None
    _known.pop(id, None)


def copy(id):
    """Create an interpreter with the state of interpreter `id`, and return its ID."""
    id = _number(id)
    if id == host.current():
        raise InterpreterError("interpreter already running")
    try:
        handle = _handle(id).copy()
    except Err as error:
        raise refused(error.value, id) from None
    copied = handle.id()
    _known[copied] = [handle, 0]
    return copied


def reset(id):
    """Give interpreter `id` the state of a new one."""
    id = _number(id)
    if id == host.current():
        raise InterpreterError("interpreter already running")
    try:
        _handle(id).reset()
    except Err as error:
        raise refused(error.value, id) from None


def incref(id, *, implieslink=False, restrict=False):
    id = _number(id)
    if id == host.current():
        return
    if id not in _known:
        _known[id] = [_handle(id), 0]
    _known[id][1] += 1


def decref(id, *, restrict=False):
    entry = _known.get(_number(id))
    if entry is None:
        return
    entry[1] -= 1
    if entry[1] <= 0:
        del _known[id]


def list_all(*, require_ready=False):
    return [(id, _whence(id)) for id in host.list_all()]


def get_current():
    id = host.current()
    return id, _whence(id)


def get_main():
    return 0, WHENCE_RUNTIME


def _whence(id):
    return WHENCE_STDLIB if id else WHENCE_RUNTIME


def whence(id):
    id = _number(id)
    if id not in (0, host.current()):
        _handle(id)
    return _whence(id)


def is_running(id, *, restrict=False):
    id = _number(id)
    if id == host.current():
        return True
    return _handle(id).is_running()


def is_shareable(obj):
    return codec.is_shareable(obj)


def start(id, job):
    """Start `job` in interpreter `id` and return the task."""
    if id == host.current():
        raise InterpreterError("interpreter already running")
    # Whoever reads the outputs of both sees them in the order in which they were written.
    report.flush()
    try:
        return _handle(id).start(job)
    except Err as error:
        raise refused(error.value, id) from None


def finish(task):
    """Wait for `task`; return what CPython returns for an uncaught exception, or None."""
    try:
        waits.ended(task)
    except Err as error:
        raise not_sent(error.value) from None
    try:
        task.finish()
    except Err as error:
        failure = error.value
        if type(failure) is host.Failure_Raised:
            return _excinfo(failure.value)
        if type(failure) is host.Failure_Died:
            raise InterpreterError(failure.value) from None
        raise
    return None


def _excinfo(raised):
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


def exec(id, code, shared=None, *, restrict=False):
    if not isinstance(code, str):
        raise TypeError(f"exec() argument 2 must be a string, not {type(code).__name__}")
    if shared:
        set___main___attrs(id, shared)
    return finish(start(_number(id), host.Job_Exec(code)))


def run_string(id, script, shared=None, *, restrict=False):
    return exec(id, script, shared)


def set___main___attrs(id, updates, *, restrict=False):
    id = _number(id)
    if not isinstance(updates, dict):
        raise TypeError(f"updates must be a dict, got {type(updates).__name__}")
    if not all(isinstance(key, str) for key in updates):
        raise TypeError("the names to bind must be str")
    excinfo = finish(start(id, host.Job_Bind(codec.encode_exactly(updates))))
    if excinfo is not None:
        raise InterpreterError(excinfo.formatted)
