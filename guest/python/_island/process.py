"""The streams and the exit of the interpreter, equivalent to CPython's."""

import io
import os
import sys

from wit_world.imports import process


def _exit(status):
    """Exit to the system with specified status, without normal exit processing."""
    process.exit(status & 0xFF)


def _stream(descriptor, name, **settings):
    raw = io.FileIO(descriptor, "w", closefd=False)
    raw.name = name
    stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", **settings)
    stream.mode = "w"
    return stream


def install():
    """Restore what had to be different while the snapshot was being made."""
    os._exit = _exit
    # The snapshot is made with unbuffered streams, which lose the rest of a short write.
    sys.stdout = sys.__stdout__ = _stream(1, "<stdout>")
    sys.stderr = sys.__stderr__ = _stream(
        2, "<stderr>", errors="backslashreplace", line_buffering=True
    )
