"""An event loop for `asyncio` whose wait is one wait of the host.

The cases of that wait are channels, tasks of other interpreters, sockets, and the time until the next timer.  The loop
uses no threads.
"""

import asyncio
import contextvars
import errno
import functools
import io
import select
import selectors
import socket
from asyncio import events, selector_events, streams

from componentize_py_types import Err
from wit_world.imports import channels as host
from wit_world.imports import waiting

from . import codec, sockets, waits
from .readiness import Files


class Selector(selectors.PollSelector):
    """The selector of the loop."""

    def select(self, timeout=None):
        """Wait for one event, for at most `timeout` seconds, and return the sockets that are ready.

        Events of other kinds complete their futures directly.
        """
        if waits.deferred:
            waits.run_deferred()
            timeout = 0
        ready = []
        for fd, events in sockets.once(self._selector.files, timeout):
            if events & select.POLLNVAL:
                # The descriptor was closed, so drop it, as `epoll` does.
                self.unregister(fd)
            elif (key := self._fd_to_key.get(fd)) is not None:
                ready.append((key, _meant(events) & key.events))
        return ready


def _meant(events):
    """Convert events of `poll` to those of a selector; errors wake both readers and writers."""
    read = selectors.EVENT_READ if events & ~_OUT else 0
    write = selectors.EVENT_WRITE if events & ~_IN else 0
    return read | write


_IN, _OUT = selectors.PollSelector._EVENT_READ, selectors.PollSelector._EVENT_WRITE


class Lent:
    """A selector that was passed to the loop."""

    def __init__(self, selector):
        self._selector = selector

    def __getattr__(self, name):
        return getattr(self._selector, name)

    def select(self, timeout=None):
        """Wait as `Selector.select` does; the wrapped selector reports which sockets are ready."""
        if waits.deferred:
            waits.run_deferred()
            timeout = 0
        files = Files()
        for key in self._selector.get_map().values():
            read = _IN if key.events & selectors.EVENT_READ else 0
            write = _OUT if key.events & selectors.EVENT_WRITE else 0
            files.set(key.fd, read | write)
        return self._selector.select(0) if sockets.once(files, timeout) else []


class EventLoop(selector_events.BaseSelectorEventLoop):
    """The event loop that `asyncio.run` uses."""

    def __init__(self, selector=None):
        super().__init__(Selector() if selector is None else Lent(selector))

    # Only code within the loop's own wait can call the loop while it waits, so nothing has to wake it.

    def _make_self_pipe(self):
        pass

    def _close_self_pipe(self):
        pass

    def _write_to_self(self):
        pass

    async def getaddrinfo(self, host, port, *, family=0, type=0, proto=0, flags=0):
        """Look up a name without blocking the loop."""
        await _looked_up(host)
        return socket.getaddrinfo(host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr, flags=0):
        """Return what `socket.getnameinfo` returns."""
        return socket.getnameinfo(sockaddr, flags)

    async def create_server(self, *args, **keywords):
        """Raise PermissionError: interpreters cannot listen."""
        raise PermissionError(
            errno.EACCES, "an interpreter cannot listen for connections: no policy grants it"
        )

    async def create_datagram_endpoint(self, *args, **keywords):
        """Raise NotImplementedError: there is no UDP."""
        raise NotImplementedError("an interpreter cannot use UDP: no policy grants it")

    def add_signal_handler(self, sig, callback, *args):
        """Raise NotImplementedError: no signals arrive from outside."""
        raise NotImplementedError("an interpreter cannot handle signals: no signals reach it")

    def remove_signal_handler(self, sig):
        """Raise NotImplementedError: no signals arrive from outside."""
        raise NotImplementedError("an interpreter cannot handle signals: no signals reach it")

    async def subprocess_shell(self, *args, **keywords):
        """Raise NotImplementedError: there are no processes."""
        raise NotImplementedError(_NO_PROCESSES)

    async def subprocess_exec(self, *args, **keywords):
        """Raise NotImplementedError: there are no processes."""
        raise NotImplementedError(_NO_PROCESSES)

    async def connect_read_pipe(self, protocol_factory, pipe):
        """Raise NotImplementedError: there are no pipes."""
        raise NotImplementedError("an interpreter has no pipes (use a channel)")

    async def connect_write_pipe(self, protocol_factory, pipe):
        """Raise NotImplementedError: there are no pipes."""
        raise NotImplementedError("an interpreter has no pipes (use a channel)")

    async def create_unix_connection(self, *args, **keywords):
        """Raise NotImplementedError: there are no Unix sockets."""
        raise NotImplementedError(_NO_UNIX_SOCKETS)

    async def create_unix_server(self, *args, **keywords):
        """Raise NotImplementedError: there are no Unix sockets."""
        raise NotImplementedError(_NO_UNIX_SOCKETS)

    def run_in_executor(self, executor, func, *args):
        """Run `func(*args)` in another interpreter; the default executor is an `InterpreterPoolExecutor`.

        No thread can run in parallel with the loop.  `func` and `args` must be shareable with another interpreter, and
        `func` has no access to this interpreter's objects.
        """
        self._check_closed()
        if executor is None and isinstance(getattr(func, "__self__", None), io.IOBase):
            # A method of a file, as in `sendfile`, runs right here: no other interpreter has the file.
            future = self.create_future()
            try:
                future.set_result(func(*args))
            except Exception as error:
                future.set_exception(error)
            return future
        if executor is None:
            self._check_default_executor()
            executor = self._default_executor
            if executor is None:
                from concurrent.futures import InterpreterPoolExecutor

                executor = self._default_executor = InterpreterPoolExecutor(
                    thread_name_prefix="asyncio"
                )
            func, args, keywords = _without_context(func, args)
            return asyncio.wrap_future(executor.submit(func, *args, **keywords), loop=self)
        return asyncio.wrap_future(executor.submit(func, *args), loop=self)

    def set_default_executor(self, executor):
        """Set the executor that `run_in_executor` uses by default."""
        self._default_executor = executor

    async def shutdown_default_executor(self, timeout=None):
        """Wait for the calls of the default executor, and shut it down."""
        self._executor_shutdown_called = True
        executor, self._default_executor = self._default_executor, None
        if executor is not None:
            executor.shutdown(wait=True)


_NO_PROCESSES = "an interpreter cannot start processes (archipel.create() creates another interpreter)"
_NO_UNIX_SOCKETS = "an interpreter has no Unix sockets (connect by TCP, or use a channel)"


async def _open_unix_connection(path=None, **keywords):
    """Raise NotImplementedError: there are no Unix sockets."""
    raise NotImplementedError(_NO_UNIX_SOCKETS)


async def _start_unix_server(client_connected_cb, path=None, **keywords):
    """Raise NotImplementedError: there are no Unix sockets."""
    raise NotImplementedError(_NO_UNIX_SOCKETS)


async def _looked_up(name):
    """Wait until the host has looked up a name."""
    if isinstance(name, bytes):
        name = name.decode("ascii", "replace")
    elif not isinstance(name, str):
        return
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return
    # For an address the host answers at once.
    await wait_for(waiting.Case_LookedUp(name))


def _without_context(func, args):
    """Remove the context in which `asyncio.to_thread` wraps a call, because it cannot be sent."""
    if isinstance(func, functools.partial) and not args and func.args:
        if isinstance(getattr(func.func, "__self__", None), contextvars.Context):
            inner, *rest = func.args
            return inner, rest, func.keywords
    return func, args, {}


def _waiting_for(case):
    """Return a future for the outcome of a case; cancelling it gives up the wait."""
    future = _Waiting(loop=events.get_running_loop())
    future.wait = waits.Wait(case)
    waits.background[future.wait] = future.came
    return future


class _Waiting(asyncio.Future):
    """The future of a wait in the background."""

    def came(self, outcome):
        if type(outcome) is waiting.Outcome_Failed:
            self.set_exception(_Failed(outcome.value))
        else:
            self.set_result(outcome)

    def cancel(self, msg=None):
        # Remove the wait at once, so that no later outcome is lost.
        waits.background.pop(self.wait, None)
        return super().cancel(msg)


class _Failed(Exception):
    """An error of the host, passed through a future."""


async def wait_for(case):
    """Wait for a case of `waiting.wait` and return its outcome.  Raises Err."""
    future = _waiting_for(case)
    try:
        return await future
    except _Failed as failed:
        raise Err(failed.args[0]) from None
    except asyncio.CancelledError:
        if future.done() and not future.cancelled() and future.exception() is None:
            outcome = future.result()
            if type(outcome) is waiting.Outcome_Received:
                # The message arrived just before the cancellation, so the next receiver gets it.
                waits.put_back(case.value, outcome.value)
        raise


async def receive(receiver):
    """Receive an object as `waits.receive` does."""
    try:
        return codec.decode(waits.take(receiver, 0))
    except Err as error:
        if type(error.value) is not host.Error_Timeout:
            raise
    outcome = await wait_for(waiting.Case_Receive(receiver))
    return codec.decode(outcome.value)


async def send(sender, obj, unbound=None, pickled=False):
    """Send an object as `waits.send` does."""
    try:
        return waits.send(sender, obj, 0, unbound, pickled)
    except Err as error:
        if type(error.value) is not host.Error_Timeout:
            raise
    await wait_for(waits.send_case(sender, obj, unbound, pickled))


async def wait_for_end(task):
    """Wait for a task of another interpreter as `waits.wait_for_end` does."""
    await wait_for(waiting.Case_Ended(task))


def install():
    """Replace the event loop of `asyncio`."""
    for function in _open_unix_connection, _start_unix_server:
        name = function.__name__ = function.__qualname__ = function.__name__[1:]
        function.__module__ = streams.__name__
        setattr(streams, name, function)
        setattr(asyncio, name, function)
    asyncio.SelectorEventLoop = asyncio.EventLoop = EventLoop
    type(events._get_event_loop_policy())._loop_factory = EventLoop
    events._set_event_loop_policy(None)
