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

import sys as _sys

if not getattr(_sys, "_is_gil_enabled", lambda: True)():
    raise ImportError(
        "archipel does not support the free-threaded build of Python yet (use the usual build of the same version)"
    )

from ._archipel import __version__
from ._cells import Cell, CellError
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
from ._pool import BrokenInterpreterPool, InterpreterPoolExecutor
from ._runtime import Runtime, channel, create
from ._tasks import Task, after, select, spawn

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
