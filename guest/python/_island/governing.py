"""What an interpreter may do to those that it created, besides running code in them."""

from math import isfinite
from types import SimpleNamespace

import _interpreters
from componentize_py_types import Err
from wit_world.imports import interpreters as host

from . import aliases, codec
from .errors import _TIMES, InterpreterError, amount, refused

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
    """What the host takes for a mapping of limits; raises TypeError and ValueError."""
    found = []
    for kind, value in limits.items():
        if value is None:
            continue
        if kind not in _KINDS:
            raise TypeError(f"there is no limit called {kind!r}; there are {', '.join(_KINDS)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"the limit {kind} must be a number, not {type(value).__name__}")
        if not isfinite(value):
            raise ValueError(f"the limit {kind} must be a finite number; leave it out for none")
        if value < 0:
            raise ValueError(f"the limit {kind} must not be negative")
        if kind in _TIMES:
            value *= 1e9
        elif value != int(value):
            raise ValueError(f"the limit {kind} must be a whole number")
        found.append((kind, min(int(value), (1 << 64) - 1)))
    return found


def policy_of(policy):
    """The marshalled dict that the host takes for a policy; None where nothing is granted."""
    if policy is None:
        return None
    if not isinstance(policy, dict):
        raise TypeError(f"policy must be a dict or None, not {type(policy).__name__}")
    body, _, luggage = codec.encode_exactly(policy)
    if luggage is not None:
        raise TypeError("a policy is made of plain data")
    return body


class Used:
    """How much was used of something, and how much may be; times are in seconds."""

    __slots__ = ("own", "subtree", "limit")

    def __init__(self, own, subtree, limit):
        self.own = own
        self.subtree = subtree
        self.limit = limit

    def __repr__(self):
        return f"Used(own={self.own!r}, subtree={self.subtree!r}, limit={self.limit!r})"


def usage_of(found):
    """What the host tells of usage, with an attribute for each kind."""
    return SimpleNamespace(
        **{
            used.kind: Used(
                amount(used.kind, used.alone),
                amount(used.kind, used.subtree),
                amount(used.kind, used.limit),
            )
            for used in found
        }
    )


def usage():
    """What this interpreter has used, and its limits."""
    return usage_of(host.usage())


class Reached:
    """A limit that was reached: what is passed to a function given as `on_limit`."""

    __slots__ = ("kind", "limit", "used", "interpreter")

    def __init__(self, kind, limit, used, interpreter):
        self.kind = kind
        self.limit = limit
        self.used = used
        self.interpreter = interpreter

    def __repr__(self):
        return f"Reached(kind={self.kind!r}, limit={self.limit!r}, used={self.used!r})"


def _check_text(what, text):
    """Raise TypeError or UnicodeEncodeError for what the host does not take as text."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be str, not {type(text).__name__}")
    str.encode(text)


class Governed:
    """The methods with which an interpreter is governed by the one that created it.

    Those of a running interpreter are allowed: they count at once for what the host does (an alias
    that is taken away, a limit), and with the next job for what its own namespaces have in them.
    """

    def alias(self, name, target, /, *fixed):
        """Lend the interpreter a function of this one's: `name` there calls `target` here.

        `name` appears there as an ordinary function, or, if there are dots in it, as an attribute of a
        module.  What is passed to it comes after the `fixed` arguments.  Arguments and results are
        data.  The call is answered while this interpreter waits for something or has nothing to do.
        Where `target` raises AliasError its text is what is raised there; of another exception only
        the class is told.

        Raises ValueError for what is no name and for the name of a builtin that is not hidden.
        """
        _check_text("name", name)
        if not callable(target):
            raise TypeError(f"target must be callable, not {type(target).__name__}")
        function = target
        if fixed:
            def function(*args, **kwargs):
                return target(*fixed, *args, **kwargs)

        before = aliases.replaced(self.id, name)
        number = aliases.lend(self.id, name, function)
        try:
            self._do(lambda handle: handle.alias(name, number))
        except BaseException:
            aliases.withdraw(self.id, name, before)
            raise
        aliases.drop(before)

    def unalias(self, name, /):
        """Take an alias away, at once; whether there was one."""
        _check_text("name", name)
        found = self._do(lambda handle: handle.unalias(name))
        aliases.take_back(self.id, name)
        return found

    def aliases(self):
        """The names of the aliases that the interpreter has, hidden ones included."""
        return self._do(lambda handle: handle.aliases())

    def hide(self, name, /):
        """Take an alias, a module or a builtin out of the interpreter's sight."""
        _check_text("name", name)
        self._do(lambda handle: handle.hide(name))

    def expose(self, name, /):
        """End hiding; whether it was hidden."""
        _check_text("name", name)
        return self._do(lambda handle: handle.expose(name))

    def hidden(self):
        """The names of all that is hidden."""
        return self._do(lambda handle: handle.hidden())

    def invoke_hidden(self, name, /, *args, **kwargs):
        """Call something that is hidden in the interpreter, there, and return its result, which is data.

        Raises ExecutionFailed for what it raises, as `call` does.
        """
        from concurrent.interpreters import ExecutionFailed

        self._governed()
        _check_text("name", name)
        message = codec.fitting(codec.encode_exactly((args, kwargs)))
        job = host.Job_InvokeHidden((name, message))
        result, excinfo = _interpreters.run(self.id, job)
        if excinfo is not None:
            raise ExecutionFailed(excinfo)
        return result

    @property
    def is_safe(self):
        """Whether nothing but data comes from it."""
        return self._handle().is_safe()

    def mark_trusted(self):
        """Accept pickles from the interpreter, as from one that was created with `safe=False`.

        It may do no more than before, and what is hidden stays so.
        """
        self._do(lambda handle: handle.mark_trusted())

    def limit(self, *, on_limit=None, **limits):
        """Set limits: memory, output, message, queued and tmp in bytes, cpu and wall in seconds, fuel,
        handles, children, depth and recursion in counts.

        None of them can be looser than this interpreter's own: Denied.  When one is reached `on_limit`
        is called here, with what says `kind`, `limit`, `used` and `interpreter`; if it has raised the
        limit, or returns a number that is to be the new one, the interpreter goes on where it was.
        Otherwise it is stopped, in a way that it cannot catch (memory: MemoryError is raised there).
        """
        if on_limit is not None and not callable(on_limit):
            raise TypeError(f"on_limit must be callable, not {type(on_limit).__name__}")
        changes = limits_of(limits)
        number = None
        if on_limit is not None:
            number = aliases.lend(self.id, None, lambda *reached: self._reached(on_limit, *reached))
        self._do(lambda handle: handle.set_limits(changes, number))

    def _reached(self, on_limit, kind, limit, used):
        reached = Reached(kind, amount(kind, limit), amount(kind, used), self)
        raised = on_limit(reached)
        if isinstance(raised, (int, float)) and not isinstance(raised, bool):
            self.limit(**{kind: raised})

    def usage(self):
        """What the interpreter has used: an attribute for each kind of limit, with `own`, `subtree`
        (together with its descendants) and `limit`."""
        return usage_of(self._do(lambda handle: handle.usage()))

    def cancel(self, message="", /, *, unwind=False):
        """Cancel what runs in the interpreter and in its descendants.

        Cancelled is raised there, which can be caught.  With `unwind` it is stopped where it is, which
        cannot be caught, and the interpreter is gone.
        """
        _check_text("message", message)
        unwind = bool(unwind)
        self._do(lambda handle: handle.cancel(message, unwind))

    def kill(self):
        """Stop whatever runs in the interpreter, and destroy it and its descendants.

        A call that waits for it raises InterpreterDied.  Doing it twice is harmless.
        """
        try:
            _interpreters.kill(self.id)
        except _interpreters.InterpreterNotFoundError:
            pass

    def _handle(self):
        return _interpreters._handle(self.id)

    def _governed(self):
        if self.id == host.current():
            raise InterpreterError("an interpreter cannot govern itself")
        return self._handle()

    def _do(self, act):
        handle = self._governed()
        try:
            return act(handle)
        except Err as error:
            raise self._refused(error) from None

    def _refused(self, error):
        return refused(error.value, self.id)
