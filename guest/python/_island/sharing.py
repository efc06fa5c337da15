"""Giving channel ends and open files to a child: Tcl's `interp share` and `interp transfer`.

An end is the child's own then.  A file stays with the one that opened it, which does what the child
asks for: the child has no files of its own that it was not granted.
"""

import io
import itertools

import _interpreters

from . import aliases
from .errors import InterpreterError

_numbers = itertools.count(1)

# What a child can ask of a file.
_METHODS = (
    "read",
    "readline",
    "readlines",
    "write",
    "writelines",
    "seek",
    "tell",
    "truncate",
    "flush",
    "readable",
    "writable",
    "seekable",
)


def share(obj, child, /, *, name=None):
    """Let `child` use a channel end or an open file too, and return its name there.

    It is bound to `name` in the child's `__main__`, by default `recv_N`, `send_N` or `file_N`.  A file
    is used by both at one position; the child's `close` ends only what the child does with it.
    Raises InterpreterError when the child is running, and TypeError for anything else.
    """
    return _give(obj, child, name, False)


def transfer(obj, child, /, *, name=None):
    """As `share`, and this interpreter has it no more: an end is released here, and a file object
    is detached.  The child's `close` closes a file, and so does the child's end.
    """
    return _give(obj, child, name, True)


def _give(obj, child, name, wholly):
    from interpreters import RecvChannel, SendChannel

    if name is not None and not (isinstance(name, str) and name.isidentifier()):
        raise ValueError(f"{name!r} cannot be bound: it must be an identifier")
    if isinstance(obj, (RecvChannel, SendChannel)):
        kind = "recv" if isinstance(obj, RecvChannel) else "send"
        name = name or f"{kind}_{int(obj.id)}"
        _interpreters.set___main___attrs(child.id, {name: obj})
        if wholly:
            obj.release()
        return name
    if isinstance(obj, (io.TextIOWrapper, io.BufferedIOBase)):
        name = name or f"file_{next(_numbers)}"
        _give_file(obj, child, name, wholly)
        return name
    raise TypeError(f"a channel end or an open file can be given, not {type(obj).__name__}")


def _give_file(file, child, name, wholly):
    if file.closed:
        raise ValueError("the file is closed")
    if child.is_running():
        raise InterpreterError("interpreter already running")
    text = isinstance(file, io.TextIOBase)
    if wholly:
        file = _detached(file)
    path = f"_files.f{next(_numbers)}"
    for method in _METHODS:
        if hasattr(file, method):
            child.alias(f"{path}.{method}", getattr(file, method))
    child.alias(f"{path}.close", lambda: _close(file, child, path, wholly))
    source = f"from _island.sharing import GivenFile\n{name} = GivenFile({path!r}, {text})\ndel GivenFile"
    failed = _interpreters.exec(child.id, source)
    if failed is not None:
        raise InterpreterError(failed.formatted)


def _detached(file):
    if isinstance(file, io.TextIOWrapper):
        settings = file.encoding, file.errors, None, file.line_buffering, file.write_through
        return io.TextIOWrapper(file.detach(), *settings)
    try:
        raw = file.detach()
    except io.UnsupportedOperation:
        raise TypeError(f"a {type(file).__name__} cannot be transferred, only shared") from None
    return type(file)(raw)


def _close(file, child, path, wholly):
    if wholly:
        file.close()
    for method in (*_METHODS, "close"):
        try:
            child.unalias(f"{path}.{method}")
        except InterpreterError:
            # The child is gone, and its aliases with it.
            return


class GivenFile:
    """A file of another interpreter's."""

    def __init__(self, path, text):
        self._path = path
        self._text = text
        self._closed = False

    def __repr__(self):
        state = "closed" if self._closed else "open"
        return f"<{type(self).__name__} {state}>"

    @property
    def closed(self):
        return self._closed

    def close(self):
        """Use it no more; doing it twice is harmless."""
        if not self._closed:
            self._closed = True
            aliases.call(f"{self._path}.close", (), {})

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line


def _method(name):
    def method(self, *args):
        if self._closed:
            raise ValueError("I/O operation on closed file.")
        return aliases.call(f"{self._path}.{name}", args, {})

    method.__name__ = name
    method.__qualname__ = f"GivenFile.{name}"
    method.__doc__ = f"As `{name}` of any file."
    return method


for _name in _METHODS:
    setattr(GivenFile, _name, _method(_name))
