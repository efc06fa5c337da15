"""The part of the snapshot that an image adds: imported packages, and the state that its set-up script leaves.

A build of an image replaces `settings.py`.
"""

import os
import sys

import componentize_py_runtime as runtime

from . import run, seeding, settings

# The name of the set-up script in tracebacks.
_SETUP = "<setup>"


class ImageError(Exception):
    """The image cannot be built; the text is for the user."""


def fill():
    """Import what the image imports, and run its set-up script."""
    # The host's functions do not exist yet, and calling one would end the build without a reason.
    original, runtime.call_import = runtime.call_import, _refuse
    try:
        _fill()
    finally:
        runtime.call_import = original


def _refuse(index, params):
    raise RuntimeError("this needs a running interpreter, and is not available while an image is built")


def _fill():
    for name in settings.IMPORTS:
        try:
            __import__(name)
        except BaseException as error:
            raise ImageError(f"cannot import {name}: {_describe(error)}") from None
    if settings.SETUP is not None:
        before = _descriptors()
        _run(settings.SETUP)
        left = _left_open(before)
        if left:
            raise ImageError(f"the set-up script left {', '.join(left)} open (close it before the script ends)")
    mtrand = sys.modules.get("numpy.random.mtrand")
    if mtrand is not None:
        seeding.defer(mtrand)


def _run(source):
    main = run.keep_main()
    try:
        exec(compile(source, _SETUP, "exec", dont_inherit=True), main)
    except BaseException as error:
        raise ImageError(f"the set-up script failed: {_describe(error)}") from None


def _describe(error):
    """Return the exception, and the line of the set-up script in which it was raised."""
    from traceback import format_exception_only, walk_tb

    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == _SETUP]
    if isinstance(error, SyntaxError) and error.filename == _SETUP:
        lines.append(error.lineno)
    text = " ".join(format_exception_only(error)[-1].split())
    return f"{text} (line {lines[-1]})" if lines else text


def _descriptors():
    found = set()
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.add(number)
    return found


def _left_open(before):
    """Describe the handles that an interpreter made from the snapshot could not use."""
    import gc
    import socket
    import threading
    from _io import FileIO

    gc.collect()
    left = []
    named = set()
    for obj in gc.get_objects():
        kind = type(obj)
        if issubclass(kind, FileIO) and not obj.closed and obj.fileno() not in before:
            left.append(f"the file {obj.name!r}")
            named.add(obj.fileno())
        elif issubclass(kind, socket.socket) and obj.fileno() >= 0:
            left.append(f"the socket {obj.fileno()}")
            named.add(obj.fileno())
    left += [f"the file descriptor {number}" for number in sorted(_descriptors() - before - named)]
    left += [
        f"the thread {thread.name!r}"
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and thread.is_alive()
    ]
    return left
