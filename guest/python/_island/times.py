"""The CPU time of the interpreter, for which WASI's libc substitutes the time since some moment."""

import os
import time

from . import governing


def process_time():
    """Return the CPU time that the interpreter has used, in seconds."""
    return governing.usage().cpu.own


def process_time_ns():
    """Return the CPU time that the interpreter has used, in nanoseconds."""
    return int(process_time() * 1e9)


def times():
    """Return the CPU time that the interpreter has used, and the elapsed time."""
    return os.times_result((process_time(), 0.0, 0.0, 0.0, time.monotonic()))


def install():
    """Replace the functions in `time` and `os`."""
    for function in (process_time, process_time_ns):
        function.__module__ = "time"
        setattr(time, function.__name__, function)
    times.__module__ = "os"
    os.times = times
