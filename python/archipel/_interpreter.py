"""Interpreters."""

from __future__ import annotations

import atexit
import itertools
import os
import threading
import weakref

from . import _aliases, _channels, _loops
from ._errors import Error
from ._governed import Governed
from ._settings import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from typing_extensions import Self

    from ._cells import Cell

_ids = itertools.count(1)

# Numbers make the names of channel ends unique.
_ends = itertools.count()

# The interpreters that are killed when the host's Python ends.
_living: weakref.WeakSet[Interpreter] = weakref.WeakSet()


@atexit.register
def _end():
    for interpreter in list(_living):
        try:
            interpreter._island.kill()
        except Error:
            # A forked child ends.
            return


def forget_all():
    """Forget the interpreters of the parent process, after a fork."""
    _living.clear()


class Interpreter(Governed):
    """An interpreter with its own memory, made by `archipel.create`.

    It runs one call at a time: another one raises InterpreterError.  It is destroyed by `close`, at the end of a
    `with` statement, or when nothing refers to it any more.

        >>> import archipel
        >>> with archipel.create() as interpreter:
        ...     interpreter.exec("x = 6")
        ...     interpreter.eval("x * 7")
        42

    Waits release the GIL.  KeyboardInterrupt during a wait interrupts the code in the interpreter, and is raised when
    that has ended; a second one kills the interpreter.
    """

    __module__ = "archipel"

    def __init__(self, island: Any, name: str | None) -> None:
        self._island = island
        self._lent = _aliases.Lent()
        self._has_aliases = False
        # The docstrings and the signatures of aliases, and those that were not sent yet.
        self._descriptions = {}
        self._undescribed = {}
        # What functions of the host need in this interpreter was sent: function -> name, and module -> names.
        self._functions: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._sent: dict[str, set[Any]] = {}
        # The keys of functions of other processes.
        self._installed: set[str] = set()
        self._key = 0
        self._booted = False
        self._gone = False
        self.id: int = next(_ids)
        self.name: str | None = name
        _living.add(self)

    def __repr__(self) -> str:
        name = "" if self.name is None else f", name={self.name!r}"
        return f"Interpreter({self.id}{name})"

    def __reduce__(self) -> Any:
        raise TypeError("an interpreter cannot be pickled (create it in the process that uses it)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    def exec(self, source: str, /) -> None:
        """Run source text in `__main__` and wait for its end.

        Raises ExecutionFailed if the code raises an exception; LimitExceeded, Cancelled and InterpreterDied if the
        interpreter ended during the call; and InterpreterError if it is already running or closed.
        """
        return self._wait(self._island.exec, text_of("source", source))

    def eval(self, source: str, /) -> Any:
        """Evaluate an expression in `__main__` and return its value, which is data.

            >>> import archipel
            >>> archipel.create().eval("[1, 2.5, b'x', {'a': None}]")
            [1, 2.5, b'x', {'a': None}]

        Raises what `exec` does.
        """
        return self._wait(self._island.eval, text_of("source", source))

    def call(self, function: str | Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a function in the interpreter with copies of the arguments, and return a copy of its result.

        An argument can also be a channel end.  `function` is the name of an object in `__main__`, in which dots lead
        to attributes; or a function of the host, which travels as source with the functions, classes, constants and
        imports of its module that it refers to.  It is sent once: later changes of these constants have no effect in
        the interpreter.

            >>> import archipel
            >>> archipel.create().call(pow, 2, 10)
            1024

        Raises what `exec` does, and NotShareableError for a function or an argument that cannot be sent.
        """
        name, args, kwargs = self._bound(self._name_of(function), args, kwargs)
        return self._wait(self._island.call, name, args, kwargs)

    def get(self, name: str, /) -> Any:
        """Return the value of a name in `__main__`.  Dots lead to attributes."""
        return self._wait(self._island.get, text_of("name", name))

    def prepare_main(
        self, ns: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None, /, **kwargs: Any
    ) -> None:
        """Bind names in `__main__` to copies of values, and to channel ends.  `ns` is what `dict` takes.

            >>> import archipel
            >>> interpreter = archipel.create()
            >>> interpreter.prepare_main({"a": 1}, b=[2])
            >>> interpreter.eval("(a, b)")
            (1, [2])
        """
        return self._wait(self._island.prepare_main, self._bindings(ns, kwargs))

    def run(self, source: str | bytes, /, name: str = "<string>", args: Iterable[str] = ()) -> int:
        """Run a script to its end, as `python3 name args...` does, and return its exit status.

        The traceback of an uncaught exception goes to the interpreter's standard error, and the status is then 1.
        """
        source = source.encode() if isinstance(source, str) else bytes(source)
        return self._wait(self._island.run, source, name, list(args))

    def cell(
        self, source: str, /, *, stream: Callable[[str, str], object] | None = None, wall: float | None = None
    ) -> Cell:
        """Run source text as a cell of a notebook, and return a `Cell`.

        The value of the last expression is the value of the cell, and `await` is allowed outside of functions.
        Errors are data: `Cell.error`.  `stream` is called with `("stdout" or "stderr", text)` as output comes.  `wall`
        limits the time of this cell, in seconds: a cell that exceeds it is cancelled, and the interpreter goes on.

            >>> import archipel
            >>> cell = archipel.create().cell("print('hello')\\n6 * 7")
            >>> cell.value, cell.stdout
            (42, 'hello\\n')
        """
        from . import _cells

        return _cells.run(self, source, stream, wall)

    async def exec_async(self, source: str, /) -> None:
        """Run source text as `exec` does, in an event loop.  Cancelling the task cancels the code."""
        source = text_of("source", source)
        return await self._await(lambda done: self._island.exec_later(source, done))

    async def eval_async(self, source: str, /) -> Any:
        """Evaluate an expression as `eval` does, in an event loop.  Cancelling the task cancels the code."""
        source = text_of("source", source)
        return await self._await(lambda done: self._island.eval_later(source, done))

    async def get_async(self, name: str, /) -> Any:
        """Return the value of a name as `get` does, in an event loop."""
        name = text_of("name", name)
        return await self._await(lambda done: self._island.get_later(name, done))

    async def call_async(self, function: str | Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a function as `call` does, in an event loop.  Cancelling the task cancels the code."""
        name = await self._name_of_async(function)
        if _ends_in(args, kwargs):
            await self._boot_async()
            values, name, args, kwargs = _replaced(name, args, kwargs)
            await self._await(lambda done: self._island.prepare_main_later(values, done))
        return await self._await(lambda done: self._island.call_later(name, args, kwargs, done))

    async def prepare_main_async(
        self, ns: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None, /, **kwargs: Any
    ) -> None:
        """Bind names as `prepare_main` does, in an event loop."""
        values = self._bindings(ns, kwargs)
        return await self._await(lambda done: self._island.prepare_main_later(values, done))

    async def cell_async(
        self, source: str, /, *, stream: Callable[[str, str], object] | None = None, wall: float | None = None
    ) -> Cell:
        """Run a cell as `cell` does, in an event loop.  Cancelling the task cancels the cell."""
        from . import _cells

        return await _cells.run_async(self, source, stream, wall)

    def fork(self) -> Interpreter:
        """Return a copy of the interpreter with the same state, which runs independently.

        It has the aliases of the original.
        """
        fork = Interpreter(self._wait(self._island.fork), self.name)
        fork._lent = self._lent
        fork._has_aliases = self._has_aliases
        fork._descriptions = dict(self._descriptions)
        fork._undescribed = dict(self._descriptions)
        fork._functions.update(self._functions)
        fork._sent = {name: set(names) for name, names in self._sent.items()}
        fork._installed = set(self._installed)
        fork._key = self._key
        fork._booted = self._booted
        return fork

    def reset(self) -> None:
        """Return the interpreter to its first state, and destroy its descendants.  Its policy and limits stay."""
        self._wait(self._island.reset)
        self._functions.clear()
        self._sent = {}
        self._installed.clear()
        self._booted = False
        self._undescribed = dict(self._descriptions)

    def _wait(self, verb: Any, *args: Any) -> Any:
        if not self._has_aliases:
            return verb(*args)
        lent = self._lent
        thread = threading.get_ident()
        lent.context = _aliases.caller_context()
        lent.waiting.add(thread)
        try:
            items = self._take_descriptions()
            if items:
                self._boot()
                self._island.call(_DESCRIBE, (items,), {})
            return verb(*args)
        finally:
            lent.waiting.discard(thread)

    async def _await(self, start):
        if self._has_aliases:
            self._lent.context = _aliases.caller_context()
            items = self._take_descriptions()
            if items:
                await self._boot_async()
                await _loops.job(self._island, lambda done: self._island.call_later(_DESCRIBE, (items,), {}, done))
        return await _loops.job(self._island, start)

    def _take_descriptions(self):
        items, self._undescribed = self._undescribed, {}
        return [(name, *description) for name, description in items.items()]

    def _bindings(self, ns, kwargs):
        values = {**dict(ns or {}), **kwargs}
        if not values:
            raise ValueError("prepare_main needs names to bind")
        for name, value in values.items():
            if isinstance(value, _channels._End):
                values[name] = value._held()
        return values

    def _name_of(self, function):
        if isinstance(function, str):
            return function
        key, message, sent = self._lookup(function)
        if message is not None:
            self._boot()
            self._island.call(_INSTALL, message, {})
            self._keep(function, key, sent)
        return f"{_HOST}.{key}"

    async def _name_of_async(self, function):
        if isinstance(function, str):
            return function
        key, message, sent = self._lookup(function)
        if message is not None:
            await self._boot_async()
            await self._await(lambda done: self._island.call_later(_INSTALL, message, {}, done))
            self._keep(function, key, sent)
        return f"{_HOST}.{key}"

    def _bound(self, name, args, kwargs):
        """Bind the channel ends among the arguments of a call, and return the call that uses them."""
        if not _ends_in(args, kwargs):
            return name, args, kwargs
        self._boot()
        values, name, args, kwargs = _replaced(name, args, kwargs)
        self._island.prepare_main(values)
        return name, args, kwargs

    def _lookup(self, function):
        """Return the key of a function, and the arguments that install it unless it is installed."""
        try:
            key = self._functions.get(function)
        except TypeError:
            # It cannot be referred to weakly, so it is sent again each time.
            key = None
        if key is not None:
            return key, None, None
        from . import _source

        remote = _source.remote(function)
        self._key += 1
        key = f"f{self._key}"
        sent = {name: set(names) for name, names in self._sent.items()}
        return key, (remote.messages(sent), key, remote.module, remote.qualname), sent

    def _has_installed(self, key):
        return key in self._installed

    def _install(self, parts, key, module, qualname):
        """Define a function of another process, from what `Remote.messages` returned there."""
        self._boot()
        self._island.call(_INSTALL, (parts, key, module, qualname), {})
        self._installed.add(key)

    def _call_installed(self, key, args, kwargs):
        return self._wait(self._island.call, f"{_HOST}.{key}", args, kwargs)

    def _keep(self, function, key, sent):
        self._sent = sent
        try:
            self._functions[function] = key
        except TypeError:
            pass

    def _boot(self):
        """Define the modules of the package in the interpreter, once."""
        if not self._booted:
            self._island.call(_EXEC, (_boot_source(), {}), {})
            self._booted = True

    async def _boot_async(self):
        if not self._booted:
            boot = _boot_source(), {}
            await self._await(lambda done: self._island.call_later(_EXEC, boot, {}, done))
            self._booted = True


def _ends_in(args, kwargs):
    end = _channels._End
    return any(isinstance(arg, end) for arg in args) or any(isinstance(arg, end) for arg in kwargs.values())


def _replaced(name, args, kwargs):
    """Return the bindings of the channel ends among the arguments, and the call of `name` with these bindings."""
    values, ends = {}, {}
    args, kwargs = list(args), dict(kwargs)
    for places, arguments in ((range(len(args)), args), (list(kwargs), kwargs)):
        for place in places:
            if isinstance(arguments[place], _channels._End):
                ends[place] = f"_archipel_end_{next(_ends)}"
                values[ends[place]] = arguments[place]._held()
                arguments[place] = None
    return values, _INVOKE, (name, ends, args, kwargs), {}


_HOST = "__builtins__._archipel_host"
_INVOKE = f"{_HOST}.invoke"
_INSTALL = f"{_HOST}.install"
_DESCRIBE = f"{_HOST}.describe"
_EXEC = "__builtins__.exec"


def _boot_source():
    global _boot_text
    if _boot_text is None:
        folder = os.path.join(os.path.dirname(__file__), "_inside")
        lines = ["import builtins, sys, types\n", "def _make(name, source):\n"]
        lines += ["    module = types.ModuleType(name)\n", "    sys.modules[name] = module\n"]
        lines += ["    exec(compile(source, f'<{name}>', 'exec'), module.__dict__)\n", "    return module\n"]
        for name, file in (("_archipel_host", "host_modules.py"), ("_archipel_cells", "cells.py")):
            with open(os.path.join(folder, file), encoding="utf-8") as opened:
                lines.append(f"builtins.{name} = _make({name!r}, {opened.read()!r})\n")
        _boot_text = "".join(lines)
    return _boot_text


_boot_text = None
