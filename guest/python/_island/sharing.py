"""Channel ends and open files for children: Tcl's `interp share` and `interp transfer`.

An end then belongs to the child.  A file stays in the interpreter that opened it, which performs the child's
operations; the child itself has no files except those that its policy grants.
"""

import io
import itertools

import _interpreters

from . import aliases
from .errors import InterpreterError

_numbers = itertools.count(1)

# The file methods that a child can call.
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
    """Lend `child` a channel end or an open file, and return the name that it is bound to.

    The name is bound in the child's `__main__`: `name`, or by default `recv_N`, `send_N` or `file_N`.  Both
    interpreters use a file at one position.  The child's `close` ends only its own access.

        archipel.share(open("log.txt", "a"), child, name="log")

    Raises InterpreterError if the child is running, ValueError if `name` is not an identifier or the file is closed,
    and TypeError if `obj` is neither a channel end nor an open file.
    """
    return _give(obj, child, name, False)


def transfer(obj, child, /, *, name=None):
    """Give `child` a channel end or an open file, and return the name that it is bound to.

    This is `share`, except that the current interpreter loses access: an end is released and a file object is
    detached.  The file is closed when the child closes it or is destroyed.  Raises TypeError also for a file that
    cannot be detached.
    """
    return _give(obj, child, name, True)


def _give(obj, child, name, wholly):
    from interpreters import RecvChannel, SendChannel

    if name is not None and not (isinstance(name, str) and name.isidentifier()):
        raise ValueError(f"name must be an identifier, not {name!r}")
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
    raise TypeError(f"obj must be a channel end or an open file, not {type(obj).__name__}")


def _give_file(file, child, name, wholly):
    if file.closed:
        raise ValueError("the file is closed")
    if child.is_running():
        raise InterpreterError("interpreter already running")
    text = isinstance(file, io.TextIOBase)
    if wholly:
        file = _detach(file)
    path = f"_files.f{next(_numbers)}"
    for method in _METHODS:
        if hasattr(file, method):
            child.alias(f"{path}.{method}", getattr(file, method))
    child.alias(f"{path}.close", lambda: _close(file, child, path, wholly))
    source = f"from _island.sharing import GivenFile\n{name} = GivenFile({path!r}, {text})\ndel GivenFile"
    failed = _interpreters.exec(child.id, source)
    if failed is not None:
        raise InterpreterError(failed.formatted)


def _detach(file):
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
            # The child no longer exists, nor do its aliases.
            return


class GivenFile:
    """A file that another interpreter has opened."""

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
        """Close the file for this interpreter.  Closing it again has no effect."""
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
    method.__doc__ = f"Like the `{name}` method of any file."
    return method


for _name in _METHODS:
    setattr(GivenFile, _name, _method(_name))
