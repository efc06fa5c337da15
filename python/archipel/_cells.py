"""Cells: source text that runs as in a notebook."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import SimpleNamespace

from ._errors import Cancelled, InterpreterDied, InterpreterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RUN = "__builtins__._archipel_cells.run"

# The kinds of limits on what code consumes; those on what it holds are the others.
_CONSUMED = "cpu", "wall", "fuel", "output"

# The time that a cell beyond its limit has to end by itself, in seconds.
_GRACE = 5.0


@dataclass(frozen=True)
class CellError:
    """The exception that ended a cell.

    `type` and `module` name its class.  `line` is the line of the cell, from 1, or None.  If the host stopped the
    interpreter, `exception` is the host's exception, and the interpreter is gone; otherwise it is None.
    """

    type: str
    module: str
    message: str
    traceback: str
    line: int | None = None
    exception: BaseException | None = None


CellError.__module__ = "archipel"


@dataclass(frozen=True)
class Cell:
    """The outcome of a cell.

    `value` is a copy of the value of the last expression, or None if that is not data; `repr` is its `repr`, or None
    without a value.  `displays` is a list of dicts from MIME types to `str` or `bytes`.  `seconds` is the time that the
    cell took.

    `usage` has a number for each kind of limit: what the cell itself used of `cpu`, `wall`, `fuel` and `output`, and
    what the interpreter holds after it of the others, such as `memory`.  Times are in seconds, sizes in bytes.
    """

    value: Any
    repr: str | None
    stdout: str
    stderr: str
    displays: list[dict[str, Any]]
    error: CellError | None
    usage: SimpleNamespace
    seconds: float


Cell.__module__ = "archipel"


class _Running:
    """A cell that runs: where its output goes, and when it is stopped."""

    def __init__(self, interpreter, stream, wall):
        if stream is not None and not callable(stream):
            raise TypeError(f"stream must be callable or None, not {type(stream).__name__}")
        if wall is not None and not (isinstance(wall, (int, float)) and wall > 0):
            raise ValueError(f"wall must be more than 0 seconds or None, not {wall!r}")
        self.island = interpreter._island
        if self.island.is_running():
            # Its output would appear in this cell.
            raise InterpreterError("the interpreter is already running")
        self.texts = [], []
        writers = []
        for name, texts in zip(("stdout", "stderr"), self.texts):
            writers.append(texts.append if stream is None else _streaming(name, texts, stream))
        self.writers = writers
        self.wall = wall
        self.timer = None

    def __enter__(self):
        self.island.redirect(*self.writers)
        self.before = self.island.usage()
        if self.wall is not None:
            self.timer = threading.Timer(self.wall, self.stop)
            self.timer.daemon = True
            self.timer.start()
        self.started = time.perf_counter()
        return self

    def stop(self):
        message = f"the cell exceeded its limit of {self.wall} s"
        self.island.cancel(message, False)
        self.timer = threading.Timer(_GRACE, self.island.cancel, (message, True))
        self.timer.daemon = True
        self.timer.start()

    def __exit__(self, *exception):
        self.seconds = time.perf_counter() - self.started
        if self.timer is not None:
            self.timer.cancel()
        self.island.redirect(None, None)

    def outcome(self, result):
        _, value, text, displays, error = result
        return self.cell(value, text, displays, None if error is None else CellError(*error))

    def died(self, error):
        kind = type(error)
        return self.cell(None, None, [], CellError(kind.__name__, kind.__module__, str(error), "", None, error))

    def cell(self, value, text, displays, error):
        after = self.island.usage()
        own = {kind: used[0] for kind, used in after.items()}
        for kind in _CONSUMED:
            own[kind] -= self.before[kind][0]
        usage = SimpleNamespace(**own)
        stdout, stderr = map("".join, self.texts)
        return Cell(value, text, stdout, stderr, displays, error, usage, self.seconds)


def _streaming(name, texts, stream):
    def write(text):
        texts.append(text)
        stream(name, text)

    return write


def run(interpreter, source, stream, wall):
    if not isinstance(source, str):
        raise TypeError(f"source must be str, not {type(source).__name__}")
    interpreter._boot()
    running = _Running(interpreter, stream, wall)
    try:
        with running:
            result = interpreter._wait(running.island.call, _RUN, (source,), {})
    except (InterpreterDied, Cancelled) as error:
        return running.died(error)
    return running.outcome(result)


async def run_async(interpreter, source, stream, wall):
    if not isinstance(source, str):
        raise TypeError(f"source must be str, not {type(source).__name__}")
    await interpreter._boot_async()
    running = _Running(interpreter, stream, wall)
    try:
        with running:
            result = await interpreter._await(
                lambda done: running.island.call_later(_RUN, (source,), {}, done)
            )
    except (InterpreterDied, Cancelled) as error:
        return running.died(error)
    return running.outcome(result)
