"""Closing of the files that a program left open."""

import gc
import sys

from _io import _IOBase

from . import report


def close_all():
    """Close the open files and archives, as CPython does when it ends, so that buffered data is written."""
    kept = set()
    for stream in (sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__):
        buffer = getattr(stream, "buffer", None)
        kept |= {id(stream), id(buffer), id(getattr(buffer, "raw", None))}
    archive = getattr(sys.modules.get("zipfile"), "ZipFile", ())
    # The objects of the snapshot are frozen, so these are only those that the program made.
    found = [
        obj
        for obj in gc.get_objects()
        if (issubclass(type(obj), _IOBase) or issubclass(type(obj), archive)) and id(obj) not in kept
    ]
    for file in sorted(found, key=_rank):
        try:
            if id(getattr(file, "buffer", None)) in kept:
                file.flush()
            else:
                file.close()
        except Exception as error:
            print(f"Exception ignored while closing file {file!r}:", file=sys.stderr)
            report.show(error)


def _rank(file):
    """Return the place of `file` in the order of closing: those that write to others come first."""
    if hasattr(file, "buffer"):
        return 0
    if type(file).__module__ != "_io":
        return 1
    return 2 if hasattr(file, "raw") else 3
