"""The methods and functions with which an interpreter governs its children."""

from math import isfinite
from types import SimpleNamespace

import _interpreters
from componentize_py_types import Err
from wit_world.imports import interpreters as host

from . import aliases, codec
from .errors import _TIMES, InterpreterError, amount, refusal_error

_KINDS = (
    "memory",
    "cpu",
    "wall",
    "fuel",
    "output",
    "message",
    "queued",
    "tmp",
    "handles",
    "children",
    "depth",
    "recursion",
)


def limits_of(limits):
    """Convert a mapping of limits to what the host accepts; raises TypeError and ValueError."""
    found = []
    for kind, value in limits.items():
        if value is None:
            continue
        if kind not in _KINDS:
            raise TypeError(f"unknown limit {kind!r} (use one of {', '.join(_KINDS)})")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"the limit {kind} must be a number, not {type(value).__name__}")
        if not isfinite(value):
            raise ValueError(f"the limit {kind} must be finite (omit it for no limit)")
        if value < 0:
            raise ValueError(f"the limit {kind} must not be negative")
        if kind in _TIMES:
            value *= 1e9
        elif value != int(value):
            raise ValueError(f"the limit {kind} must be a whole number")
        found.append((kind, min(int(value), (1 << 64) - 1)))
    return found


def policy_of(policy):
    """Return the marshalled dict that the host accepts as a policy; None grants nothing."""
    if policy is None:
        return None
    if not isinstance(policy, dict):
        raise TypeError(f"policy must be a dict or None, not {type(policy).__name__}")
    body, _, attachments = codec.encode_exactly(policy)
    if attachments is not None:
        raise TypeError("policy must contain only plain data")
    return codec.check_size(body)


class Used:
    """The usage of one resource: `own`, `subtree` (with all descendants) and `limit`, which is None if there is none.

    Times are in seconds, sizes in bytes.
    """

    __slots__ = ("own", "subtree", "limit")

    def __init__(self, own, subtree, limit):
        self.own = own
        self.subtree = subtree
        self.limit = limit

    def __repr__(self):
        return f"Used(own={self.own!r}, subtree={self.subtree!r}, limit={self.limit!r})"


def usage_of(found):
    """Convert the host's usage records to a namespace with an attribute for each kind."""
    return SimpleNamespace(
        **{
            used.kind: Used(
                amount(used.kind, used.own),
                amount(used.kind, used.subtree),
                amount(used.kind, used.limit),
            )
            for used in found
        }
    )


def usage():
    """Return what this interpreter has used, and its limits.

    The result has an attribute for each kind of limit (see `Interpreter.limit`) with `own`, `subtree` and `limit`:

        archipel.usage().cpu.own        # seconds
    """
    return usage_of(host.usage())


class LimitReached:
    """An exceeded limit, as passed to an `on_limit` function."""

    __slots__ = ("kind", "limit", "used", "interpreter")

    def __init__(self, kind, limit, used, interpreter):
        self.kind = kind
        self.limit = limit
        self.used = used
        self.interpreter = interpreter

    def __repr__(self):
        return f"LimitReached(kind={self.kind!r}, limit={self.limit!r}, used={self.used!r})"


def _check_text(what, text):
    """Raise TypeError or UnicodeEncodeError if `text` cannot become a string of the host."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be str, not {type(text).__name__}")
    str.encode(text)


class Governed:
    """The methods with which an interpreter is governed by its ancestors.

    They work on a running interpreter too.  What the host enforces, such as limits and removed aliases, takes effect
    at once; changes to the interpreter's own namespaces take effect with its next job.

    All of them but `is_safe` raise InterpreterError for the current interpreter, and InterpreterNotFoundError if the
    interpreter no longer exists or the caller is not an ancestor of it.
    """

    def alias(self, name, target, /, *fixed):
        """Lend the interpreter a function: calling `name` there calls `target` here.

        `name` appears there as a builtin function or, if it contains dots, as an attribute of a module.  The `fixed`
        arguments come before those of the caller.  Arguments and results are data or channel ends.

        Calls are answered while this interpreter waits or is idle.  If `target` raises AliasError, the same error
        with its text is raised in the caller.  Of any other exception the caller gets only the class name.

            child.alias("settings.get", settings.get)
            child.exec("settings.get('colour')")

        Raises ValueError if `name` is not a valid name or hides a builtin, and TypeError if `target` is not callable.
        """
        _check_text("name", name)
        if not callable(target):
            raise TypeError(f"target must be callable, not {type(target).__name__}")
        function = target
        if fixed:
            def function(*args, **kwargs):
                return target(*fixed, *args, **kwargs)

        before = aliases.find_number(self.id, name)
        number = aliases.lend(self.id, name, function)
        try:
            self._do(lambda handle: handle.alias(name, number))
        except BaseException:
            aliases.withdraw(self.id, name, before)
            raise
        aliases.drop(before)

    def unalias(self, name, /):
        """Remove an alias, effective at once, and return whether it existed."""
        _check_text("name", name)
        found = self._do(lambda handle: handle.unalias(name))
        aliases.take_back(self.id, name)
        return found

    def aliases(self):
        """Return the names of the interpreter's aliases as a sorted list, hidden ones included."""
        return self._do(lambda handle: handle.aliases())

    def hide(self, name, /):
        """Hide an alias, a module or a builtin from the interpreter's code.

        A hidden alias cannot be called.  Hiding a module or a builtin restricts well-behaved code only; it is not a
        security boundary.
        """
        _check_text("name", name)
        self._do(lambda handle: handle.hide(name))

    def expose(self, name, /):
        """Stop hiding a name, and return whether it was hidden."""
        _check_text("name", name)
        return self._do(lambda handle: handle.expose(name))

    def hidden(self):
        """Return the hidden names as a sorted list."""
        return self._do(lambda handle: handle.hidden())

    def invoke_hidden(self, name, /, *args, **kwargs):
        """Call a hidden command of the interpreter, in that interpreter, and return its result, which is data.

        Raises ExecutionFailed if the command raises an exception.
        """
        from concurrent.interpreters import ExecutionFailed

        self._target()
        _check_text("name", name)
        message = codec.fitting(codec.encode_exactly((args, kwargs)))
        job = host.Job_InvokeHidden((name, message))
        result, excinfo = _interpreters.run(self.id, job)
        if excinfo is not None:
            raise ExecutionFailed(excinfo)
        return result

    @property
    def is_safe(self):
        """True if the interpreter is safe: it can send only data."""
        return self._handle().is_safe()

    def mark_trusted(self):
        """Accept pickles from the interpreter, as if it had been created with `safe=False`.

        It gains no capabilities, and hidden names stay hidden.
        """
        self._do(lambda handle: handle.mark_trusted())

    def limit(self, *, on_limit=None, **limits):
        """Set limits of the interpreter.

        They apply to the interpreter and its descendants together, except for `wall`, `message`, `handles` and
        `recursion`.  If a limit is exceeded:

        - `cpu` and `wall` (seconds, `wall` per call), `fuel` (instructions) and `output` (bytes) stop the interpreter
          without running `except` or `finally`, and the call that waits for it raises LimitExceeded;
        - `memory` (bytes) raises MemoryError in the interpreter;
        - `message` (bytes) raises ValueError, `queued` (bytes) and `handles` (a count) raise LimitExceeded, `tmp`
          (bytes) raises OSError with ENOSPC, `children` and `depth` (counts) raise InterpreterError, and `recursion`
          (a count) raises RecursionError, all in the interpreter.

        A limit of None is left unchanged.

        For `cpu`, `wall`, `fuel`, `output` and `memory`, `on_limit` is called first, in this interpreter, with an
        object that has the attributes `kind`, `limit`, `used` and `interpreter`.  If it raises the limit with this
        method, or returns a number as the new limit, the interpreter continues.

            child.limit(cpu=1.0, memory=64 << 20, on_limit=lambda reached: reached.limit * 2)

        Raises Denied if a limit is looser than this interpreter's own, and TypeError or ValueError for invalid limits.
        """
        if on_limit is not None and not callable(on_limit):
            raise TypeError(f"on_limit must be callable, not {type(on_limit).__name__}")
        changes = limits_of(limits)
        number = None
        if on_limit is not None:
            number = aliases.lend(self.id, None, lambda *reached: self._ask_owner(on_limit, *reached))
        self._do(lambda handle: handle.set_limits(changes, number))

    def _ask_owner(self, on_limit, kind, limit, used):
        reached = LimitReached(kind, amount(kind, limit), amount(kind, used), self)
        raised = on_limit(reached)
        if isinstance(raised, (int, float)) and not isinstance(raised, bool):
            self.limit(**{kind: raised})

    def usage(self):
        """Return what the interpreter has used, in the form of `archipel.usage`."""
        return usage_of(self._do(lambda handle: handle.usage()))

    def cancel(self, message="", /, *, unwind=False):
        """Cancel the jobs of the interpreter and of its descendants.

        Cancelled is raised in them with `message`, and can be caught.  With `unwind` the host stops them without
        running any further code, and destroys the interpreter; calls that wait for it raise Cancelled.
        """
        _check_text("message", message)
        unwind = bool(unwind)
        self._do(lambda handle: handle.cancel(message, unwind))

    def kill(self):
        """Stop the interpreter's job, and destroy the interpreter and its descendants.

        Waiting calls raise InterpreterDied.  Has no effect if the interpreter no longer exists.
        """
        try:
            _interpreters.kill(self.id)
        except _interpreters.InterpreterNotFoundError:
            pass

    def _handle(self):
        return _interpreters._handle(self.id)

    def _target(self):
        if self.id == host.current():
            raise InterpreterError("an interpreter cannot govern itself")
        return self._handle()

    def _do(self, act):
        handle = self._target()
        try:
            return act(handle)
        except Err as error:
            raise self._refusal(error) from None

    def _refusal(self, error):
        return refusal_error(error.value, self.id)
