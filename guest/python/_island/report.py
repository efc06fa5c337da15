"""What is told of an exception that nobody caught."""

import linecache
import sys
import traceback

# Bound here, so that code that patches its builtins gets its errors told all the same.
from builtins import BaseException, isinstance, len, print, str, type

from wit_world.imports import interpreters


def flush():
    """Write what `sys.stdout` and `sys.stderr` hold back."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            # Closed, replaced or without a reader: nothing is left to write to.
            pass


_OURS = "_island", "_alone"

# Nobody reads more of a text than this.
_MOST = 64 * 1024

# Source texts by the name under which their code was compiled, for the lines in a traceback.
_sources = {}


def remember(name, source):
    """Let tracebacks show lines of `source` for code compiled as `name`."""
    _sources[name] = source


def _fill_linecache():
    for name, source in _sources.items():
        if isinstance(source, bytes):
            source = source.decode("utf-8", "replace")
        lines = source.splitlines(keepends=True)
        linecache.cache[name] = len(source), None, lines, name


def _text(function, fallback):
    try:
        text = function()
        if not isinstance(text, str):
            return fallback
    except BaseException:
        return fallback
    if len(text) > _MOST:
        text = f"{text[:_MOST]}... truncated {len(text) - _MOST} characters"
    return text.encode("utf-8", "backslashreplace").decode()


def outer_frames_removed(error):
    """The traceback of `error` without the frames of the guest's own packages."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_globals.get("__package__") in _OURS:
        frames = frames.tb_next
    return frames


def exception(error):
    """The host's record of `error`, however hostile its methods are."""
    _fill_linecache()
    kind = type(error)
    name = _text(lambda: kind.__name__, "<unprintable>")
    unprintable = f"<unprintable {name} object>"

    def trace():
        frames = outer_frames_removed(error)
        return "".join(traceback.format_exception(kind, error, frames)).rstrip("\n")

    message = _text(lambda: str(error), unprintable)
    return interpreters.Exception(
        name=name,
        qualified_name=_text(lambda: kind.__qualname__, name),
        module=_text(lambda: kind.__module__, ""),
        message=message,
        traceback=_text(trace, f"{name}: {message}"),
    )


def brief(error):
    """The last line of what `error`'s traceback would be, without its module."""
    told = exception(error)
    return f"{told.qualified_name}: {told.message}" if told.message else told.qualified_name


def show(error):
    """Print `error` as an interpreter at its end does, through `sys.excepthook`."""
    _fill_linecache()
    try:
        frames = outer_frames_removed(error)
        sys.excepthook(type(error), BaseException.with_traceback(error, frames), frames)
    except BaseException:
        print(exception(error).traceback, file=sys.__stderr__, flush=True)
