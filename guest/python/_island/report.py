"""Reports of uncaught exceptions."""

import linecache
import sys
import traceback

from wit_world.imports import interpreters

from . import absent, reserve


def flush_last():
    """Write the buffer of `sys.stdout` at the end of a script.  Returns False, after a report, if that fails.

    A stream without a reader does not count as a failure.
    """
    try:
        sys.stdout.flush()
    except (AttributeError, BrokenPipeError, ValueError):
        # Replaced, without a reader, or closed.
        return True
    except BaseException as error:
        print("Exception ignored on flushing sys.stdout:", file=sys.stderr)
        show(error)
        return False
    return True


def flush():
    """Write the buffers of `sys.stdout` and `sys.stderr`."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            # The stream is closed, replaced or without a reader, so there is nothing to write to.
            pass


_OURS = "_island", "_standalone"

# The maximum length of a text, in characters.
_MOST = 64 * 1024

# The maximum length of a text if there is little memory.
_LITTLE = 4 * 1024

# The source text that last ran under each name, for tracebacks.
_sources = {}


def remember(name, source):
    """Let reports of exceptions show lines of `source` for code compiled as `name`."""
    _sources[name] = source


def _fill_linecache():
    for name, source in _sources.items():
        try:
            show_lines(name, source)
        except MemoryError:
            # The traceback is printed without source lines.
            linecache.cache.pop(name, None)


def show_lines(name, source):
    """Let all tracebacks, and `inspect`, find lines of `source` for code compiled as `name`."""
    lines = _decode(source).splitlines(keepends=True)
    linecache.cache[name] = len(source), None, lines, name


def show_lines_of(code, source, name):
    """Do what `show_lines` does, for `code` and its nested code only."""
    linecache._register_code(code, _decode(source), name)


def _decode(source):
    return source if isinstance(source, str) else source.decode("utf-8", "replace")


def _text(function, fallback):
    try:
        text = function()
        if not isinstance(text, str):
            return fallback
        most = _LITTLE if reserve.lend() else _MOST
        if len(text) > most:
            text = f"{text[:most]}... truncated {len(text) - most} characters"
        return text.encode("utf-8", "backslashreplace").decode()
    except BaseException:
        return fallback


def outer_frames_removed(error):
    """Return the traceback of `error` without the outer frames of the guest's own packages."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_globals.get("__package__") in _OURS:
        frames = frames.tb_next
    return frames


def exception(error):
    """Return the host's record of `error`, whatever its methods do."""
    absent.explain(error)
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
    """Return the last line of the traceback of `error`, without its module."""
    told = exception(error)
    return f"{told.qualified_name}: {told.message}" if told.message else told.qualified_name


def show(error):
    """Print `error` through `sys.excepthook`, as an interpreter that ends does."""
    absent.explain(error)
    _fill_linecache()
    try:
        frames = outer_frames_removed(error)
        sys.excepthook(type(error), BaseException.with_traceback(error, frames), frames)
    except BaseException:
        try:
            print(exception(error).traceback, file=sys.__stderr__, flush=True)
        except MemoryError:
            # There is no memory for anything but the exit status.
            pass
