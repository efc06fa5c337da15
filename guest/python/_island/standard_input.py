"""The standard input, which waits as a socket does.

While a script reads, its threads run, aliases are answered, and an interruption or a cancellation ends the wait.
"""

import builtins
import functools
import os
import select
import sys
from _io import BufferedReader, FileIO, TextIOWrapper, _RawIOBase

from . import sockets
from .readiness import Files

_input = builtins.input


class _StandardInput(FileIO):
    def readinto(self, buffer, /):
        _wait()
        return super().readinto(buffer)

    # These call `readinto`; those of `FileIO` would wait in C.
    read = _RawIOBase.read
    readall = _RawIOBase.readall


def _wait():
    sockets.wait(Files({0: select.POLLIN}))


@functools.wraps(_input)
def input(prompt="", /):
    if sys.stdin is not sys.__stdin__ or sys.stdout is not sys.__stdout__ or not (os.isatty(0) and os.isatty(1)):
        return _input(prompt)
    # At a terminal CPython reads the line in C.
    sys.stdout.flush()
    sys.stderr.write(str(prompt))
    sys.stderr.flush()
    _wait()
    return _input()


def install():
    """Replace the standard input."""
    old = sys.stdin
    raw = _StandardInput(0, closefd=False)
    raw.name = old.name
    new = TextIOWrapper(BufferedReader(raw), encoding=old.encoding, errors=old.errors, newline="\n")
    new.mode = old.mode
    sys.stdin = sys.__stdin__ = new
    builtins.input = input
