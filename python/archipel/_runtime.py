"""Runtimes, and the one of the process."""

from __future__ import annotations

import os
import threading

from . import _channels, _guest, _outputs
from ._interpreter import Interpreter, forget_all
from ._settings import limits_of, policy_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import _types
    from ._channels import RecvChannel, SendChannel


class Runtime:
    """An engine in which interpreters are created.

    `archipel.create` uses one for the whole process, which is made at the first use.  A program with special settings
    makes its own: `workers` is the number of threads that run interpreters (the default is one for each processor),
    `cache_dir` the folder of compiled guests, `image` the path or the name of the default image, `max_interpreters`
    the number that can exist at once, `prewarmed` the number that is kept ready, and `fuel` makes limits on `fuel`
    possible, which makes all interpreters slower.  A dict `prewarmed` has a number for each image, by its name or path;
    the key None stands for the default image.

        >>> import archipel
        >>> runtime = archipel.Runtime(workers=1)
        >>> runtime.create().eval("1 + 1")
        2
    """

    __module__ = "archipel"

    def __init__(
        self,
        *,
        workers: int | None = None,
        cache_dir: _types.Path = None,
        image: _types.Path = None,
        max_interpreters: int | None = None,
        prewarmed: int | dict[_types.Path, int] = 0,
        fuel: bool = False,
    ) -> None:
        self._runtime, _ = _guest.make_runtime(workers, cache_dir, image, max_interpreters, prewarmed, fuel)

    def create(
        self,
        *,
        policy: _types.Policy = None,
        limits: _types.Limits = None,
        image: _types.Path = None,
        name: str | None = None,
        stdout: _types.Output = None,
        stderr: _types.Output = None,
        safe: bool = True,
    ) -> Interpreter:
        """Create an interpreter in this runtime, as `archipel.create` does."""
        if safe is not True:
            raise ValueError("the host accepts only data, so all its interpreters are safe (omit safe)")
        if name is not None:
            text_of("name", name)
        text, file = policy_of(policy)
        island = self._runtime.create(
            text,
            file,
            limits_of(limits),
            None if image is None else os.fspath(image),
            name,
            _outputs.writer(stdout, "stdout"),
            _outputs.writer(stderr, "stderr"),
        )
        return Interpreter(island, name)

    def channel(self, capacity: int | None = 0) -> tuple[RecvChannel, SendChannel]:
        """Create a channel in this runtime, as `archipel.channel` does."""
        return _channels.make(self._runtime, capacity)


_default = None
_default_process = None
_default_lock = threading.Lock()


def runtime():
    """Return the runtime of the process."""
    global _default, _default_process
    if _default_process == os.getpid():
        return _default
    with _default_lock:
        if _default_process != os.getpid():
            _default = Runtime()
            _default_process = os.getpid()
    return _default


def _after_fork():
    # Another thread can have held the lock.
    global _default_lock
    _default_lock = threading.Lock()
    forget_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def create(
    *,
    policy: _types.Policy = None,
    limits: _types.Limits = None,
    image: _types.Path = None,
    name: str | None = None,
    stdout: _types.Output = None,
    stderr: _types.Output = None,
    safe: bool = True,
) -> Interpreter:
    """Create an interpreter and return it.

    It has no capabilities except those in `policy`: TOML text, a dict with the keys of a policy file, or the path of
    one (`os.PathLike`).  `limits` is a dict of the arguments of `Interpreter.limit`.  `image` is the name or the path
    of an image; the default is the standard guest.  `name` identifies the interpreter in logs and in `repr`.

    Output goes to `sys.stdout` and `sys.stderr` of the host, or to `stdout` and `stderr`: text files, functions of a
    text, or `subprocess.DEVNULL`.  `safe` is always true: the host accepts only data.

        >>> import archipel
        >>> child = archipel.create(limits={"cpu": 1.0, "memory": 64 << 20}, policy={"env": {"LANG": "C"}})
        >>> child.eval("__import__('os').environ['LANG']")
        'C'

    Raises TypeError and ValueError for invalid arguments, and InterpreterError if the interpreter cannot be created.
    """
    return runtime().create(
        policy=policy, limits=limits, image=image, name=name, stdout=stdout, stderr=stderr, safe=safe
    )


def channel(capacity: int | None = 0) -> tuple[RecvChannel, SendChannel]:
    """Create a channel and return its ends, `(RecvChannel, SendChannel)`.

    `capacity` is the number of objects that the channel queues: 0 for a rendezvous, None for no limit.  The ends can
    be given to interpreters with `Interpreter.prepare_main`.

        >>> import archipel
        >>> recv, send = archipel.channel(1)
        >>> send.send([1, "two"])
        >>> recv.recv()
        [1, 'two']

    Raises TypeError and ValueError for an invalid capacity.
    """
    return runtime().channel(capacity)
