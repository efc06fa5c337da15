"""Python interpreters in hard isolation, for host programs.

Each interpreter is a WebAssembly instance of CPython with its own memory.  It can use nothing outside of it but what
its policy grants, no more than its limits, and the functions that the host lends it.

    >>> import archipel
    >>> with archipel.create(limits={"cpu": 1.0, "memory": 64 << 20}) as island:
    ...     island.exec("import json")
    ...     island.alias("log", print, "[island]")
    ...     island.eval("log(json.dumps([1, 2]))")
    [island] [1, 2]

The names are those of the module `archipel` inside of interpreters, so that programs run on both sides.  Every verb
that waits has a twin for `asyncio`, such as `exec_async`.
"""

from __future__ import annotations

import sys as _sys

if not getattr(_sys, "_is_gil_enabled", lambda: True)():
    raise ImportError(
        "archipel does not support the free-threaded build of Python yet (use the usual build of the same version)"
    )

from ._archipel import __version__
from ._channels import RecvChannel, SendChannel
from ._errors import (
    AliasError,
    Cancelled,
    ChannelClosedError,
    ChannelEmptyError,
    ChannelError,
    ChannelReleasedError,
    ConfigError,
    DeadlockError,
    Denied,
    Error,
    ExecutionFailed,
    InterpreterDied,
    InterpreterError,
    InterpreterNotFoundError,
    LimitExceeded,
    NotShareableError,
    OutOfMemory,
)
from ._guest import prepare
from ._interpreter import Interpreter
from ._runtime import Runtime, channel, create
from ._tasks import Task, after, select, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._cells import Cell, CellError
    from ._pool import BrokenInterpreterPool, InterpreterPoolExecutor

__all__ = [
    "AliasError",
    "BrokenInterpreterPool",
    "Cancelled",
    "Cell",
    "CellError",
    "ChannelClosedError",
    "ChannelEmptyError",
    "ChannelError",
    "ChannelReleasedError",
    "ConfigError",
    "DeadlockError",
    "Denied",
    "Error",
    "ExecutionFailed",
    "Interpreter",
    "InterpreterDied",
    "InterpreterError",
    "InterpreterNotFoundError",
    "InterpreterPoolExecutor",
    "LimitExceeded",
    "NotShareableError",
    "OutOfMemory",
    "RecvChannel",
    "Runtime",
    "SendChannel",
    "Task",
    "after",
    "channel",
    "create",
    "prepare",
    "select",
    "spawn",
]

# The names that are imported at the first use, because their modules import many others.
_LATER = {
    "BrokenInterpreterPool": "_pool",
    "Cell": "_cells",
    "CellError": "_cells",
    "InterpreterPoolExecutor": "_pool",
}


def __getattr__(name: str) -> Any:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
