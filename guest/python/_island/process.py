"""The streams and the end of the interpreter, as CPython's own are."""

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
    """Replace what the snapshot's making needed to be otherwise."""
    os._exit = _exit
    # The snapshot is made with unbuffered streams, which lose what a short write leaves over.
    sys.stdout = sys.__stdout__ = _stream(1, "<stdout>")
    sys.stderr = sys.__stderr__ = _stream(
        2, "<stderr>", errors="backslashreplace", line_buffering=True
    )
