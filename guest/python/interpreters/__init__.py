"""Multiple interpreters and channels between them: PEP 554, as of May 2020.

Every interpreter has its own memory and shares nothing with others except the channels that it was given:

    import interpreters

    child = interpreters.create()
    recv, send = interpreters.create_channel(8)
    child.run_in_thread("send.send(6 * 7)", channels={"send": send})
    print(recv.recv())

Timeouts are in seconds; None waits without limit.  Every wait can raise DeadlockError, if all parties that could end
it are waiting too; `archipel.Cancelled`, if an ancestor or the host cancels this interpreter; and KeyboardInterrupt.
"""

from _interpreters import NotShareableError, is_shareable
from _island.errors import DeadlockError, InterpreterError
from interpreters._channel import (
    ChannelClosedError,
    ChannelEmptyError,
    ChannelError,
    ChannelNotEmptyError,
    ChannelNotFoundError,
    ChannelReleasedError,
    NotReceivedError,
    RecvChannel,
    SendChannel,
    create_channel,
    list_all_channels,
)
from interpreters._interpreter import (
    Interpreter,
    RunFailedError,
    UncaughtException,
    create,
    get_current,
    get_main,
    list_all,
)

__all__ = [
    "Interpreter",
    "create",
    "get_current",
    "get_main",
    "is_shareable",
    "list_all",
    "RecvChannel",
    "SendChannel",
    "create_channel",
    "list_all_channels",
    "ChannelClosedError",
    "ChannelEmptyError",
    "ChannelError",
    "ChannelNotEmptyError",
    "ChannelNotFoundError",
    "ChannelReleasedError",
    "DeadlockError",
    "InterpreterError",
    "NotReceivedError",
    "NotShareableError",
    "RunFailedError",
]

# Messages, tracebacks and pickles name the public module.
for _public in list(globals().values()):
    if getattr(_public, "__module__", "").startswith(f"{__name__}._"):
        _public.__module__ = __name__
del _public
