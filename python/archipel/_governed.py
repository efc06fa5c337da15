"""The methods with which the host governs an interpreter."""

from __future__ import annotations

import weakref

from . import _aliases, _done
from ._errors import InterpreterNotFoundError
from ._settings import Child, LimitReached, Usage, limits_of, text_of, usage_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._done import Done


class Governed:
    """The methods of an interpreter that work on a running one too."""

    _island: Any
    _lent: _aliases.Lent
    _has_aliases: bool
    _descriptions: dict[str, Any]
    _undescribed: dict[str, Any]
    _gone: bool
    _wait: Callable[..., Any]

    def alias(self, name: str, target: Callable[..., Any], /, *fixed: Any) -> None:
        """Lend the interpreter a function: calling `name` there calls `target` here.

        `name` appears there as a builtin function or, if it contains dots, as an attribute of a module.  The `fixed`
        arguments come before those of the caller.  Arguments and results are data.

        `target` runs in a thread of its own, in the context (`contextvars`) of the code that waits for the
        interpreter.  A coroutine function runs in the event loop that is running now, or else in one of the package.
        `help(name)` shows the signature and the docstring of `target` there.

        If `target` raises AliasError, the same error with its text is raised in the caller.  Of any other exception
        the caller gets only the class name.

            >>> import archipel
            >>> interpreter = archipel.create()
            >>> interpreter.alias("settings.get", {"colour": "green"}.get)
            >>> interpreter.eval("settings.get('colour')")
            'green'

        Raises ValueError if `name` is not a valid name or hides a builtin, and TypeError if `target` is not callable.
        """
        text_of("name", name)
        if not callable(target):
            raise TypeError(f"target must be callable, not {type(target).__name__}")
        if _aliases.is_asynchronous(target):
            self._island.alias_async(name, _aliases.asynchronous(self._lent, target, fixed))
        else:
            self._island.alias(name, _aliases.plain(self._lent, target, fixed))
        self._has_aliases = True
        self._descriptions[name] = self._undescribed[name] = _aliases.description(target, fixed)

    def alias_all(self, obj: object, /, prefix: str | None = None) -> list[str]:
        """Lend the interpreter the public methods of an object, as `prefix.method`.

        The default prefix is the name of the object's class in lower case; of a module or a class, its own name.

            >>> import archipel
            >>> class Store:
            ...     def get(self, key): return key.upper()
            >>> interpreter = archipel.create()
            >>> interpreter.alias_all(Store())
            ['store.get']
            >>> interpreter.eval("store.get('a')")
            'A'
        """
        if prefix is None:
            named = getattr(obj, "__name__", None)
            prefix = named.rpartition(".")[2] if isinstance(named, str) else type(obj).__name__.lower()
        names = []
        for name in dir(obj):
            if name.startswith("_"):
                continue
            target = getattr(obj, name)
            if callable(target) and not isinstance(target, type):
                self.alias(f"{prefix}.{name}", target)
                names.append(f"{prefix}.{name}")
        return names

    def unalias(self, name: str, /) -> bool:
        """Remove an alias, effective at once, and return whether it existed."""
        self._descriptions.pop(name, None)
        return self._island.unalias(text_of("name", name))

    def aliases(self) -> list[str]:
        """Return the names of the interpreter's aliases as a sorted list, hidden ones included."""
        return self._island.aliases()

    def hide(self, name: str, /) -> None:
        """Hide an alias, a module or a builtin from the interpreter's code.

        A hidden alias cannot be called.  Hiding a module or a builtin restricts well-behaved code only; it is not a
        security boundary.
        """
        self._island.hide(text_of("name", name))

    def expose(self, name: str, /) -> bool:
        """Stop hiding a name, and return whether it was hidden."""
        return self._island.expose(text_of("name", name))

    def hidden(self) -> list[str]:
        """Return the hidden names as a sorted list."""
        return self._island.hidden()

    def invoke_hidden(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a hidden command of the interpreter, in that interpreter, and return its result, which is data."""
        return self._wait(self._island.invoke_hidden, text_of("name", name), args, kwargs)

    def limit(
        self, *, on_limit: Callable[[LimitReached], float | None] | None = None, **limits: float | None
    ) -> None:
        """Set limits of the interpreter.

        They apply to the interpreter and its descendants together, except for `wall`, `message`, `handles` and
        `recursion`.  `cpu` and `wall` are seconds, `memory`, `output`, `message`, `queued` and `tmp` bytes, the others
        counts.  A limit of None is left unchanged.

        For `cpu`, `wall`, `fuel`, `output` and `memory`, `on_limit` is called before the interpreter is stopped, with
        an object that has the attributes `kind`, `limit`, `used` and `interpreter`.  If it raises the limit with this
        method, or returns a number as the new limit, the interpreter continues.

        Raises TypeError or ValueError for invalid limits.
        """
        if on_limit is not None and not callable(on_limit):
            raise TypeError(f"on_limit must be callable, not {type(on_limit).__name__}")
        self._island.limit(limits_of(limits))
        if on_limit is not None:
            owner = weakref.ref(self)

            def ask(kind, limit, used):
                raised = on_limit(LimitReached(kind, limit, used, owner()))
                if isinstance(raised, (int, float)) and not isinstance(raised, bool):
                    return limits_of({kind: raised})
                return []

            self._island.set_on_limit(ask)

    def usage(self) -> Usage:
        """Return what the interpreter has used.

        The result has an attribute for each kind of limit, with `own`, `subtree` and `limit`:

            >>> import archipel
            >>> archipel.create(limits={"cpu": 2}).usage().cpu.limit
            2.0
        """
        return usage_of(self._island.usage())

    def children(self) -> list[Child]:
        """Return the living descendants of the interpreter, in ascending order of their numbers.

        Each has the attributes `id`, `parent` (the number of its parent), `name`, `is_running` and `usage`.

            >>> import archipel
            >>> interpreter = archipel.create(policy={"children": 1})
            >>> interpreter.exec("import archipel; child = archipel.create(name='helper')")
            >>> [child.name for child in interpreter.children()]
            ['helper']
        """
        fields = "id", "parent", "name", "is_running"
        return [
            Child(**dict(zip(fields, child)), usage=usage_of(child[-1]))
            for child in self._island.children()
        ]

    @property
    def done(self) -> Done:
        """The end of the call that runs now: a case for `select`, true once that call has ended, and awaitable.

            >>> import archipel
            >>> bool(archipel.create().done)
            True
        """
        return _done.of_interpreter(self._island)

    def is_running(self) -> bool:
        """Return whether a call runs."""
        return self._island.is_running()

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running code.  Has no effect if nothing runs."""
        self._island.interrupt()

    def cancel(self, message: str = "", /, *, unwind: bool = False) -> None:
        """Cancel the running code of the interpreter and of its descendants.

        `archipel.Cancelled` is raised in it with `message`, and can be caught.  With `unwind` it is stopped without
        running any further code, the interpreter is destroyed, and the calls that wait for it raise Cancelled.
        """
        self._island.cancel(text_of("message", message), bool(unwind))

    def kill(self) -> None:
        """Stop the running code, and destroy the interpreter and its descendants.

        Waiting calls raise InterpreterDied.  Has no effect if the interpreter no longer exists.
        """
        self._island.kill()
        self._drop()

    def close(self) -> None:
        """Destroy the interpreter and its descendants.

        Raises InterpreterError while a call runs.  Has no effect if the interpreter no longer exists.
        """
        try:
            self._island.close()
        except InterpreterNotFoundError:
            pass
        self._drop()

    def _drop(self):
        """Drop the functions that were lent, which can refer to this object."""
        self._gone = True
        if self._has_aliases:
            for name in self._island.aliases():
                self._island.unalias(name)
        self._island.set_on_limit(None)
