"""An event loop for `asyncio` whose wait is one wait of the host.

Whatever can be waited for is a case of it: channels, tasks of other interpreters, and the time until
the next timer.  There are no file descriptors to select over, and no threads.
"""

import asyncio
import contextvars
import functools
from asyncio import base_events, events

from componentize_py_types import Err
from wit_world.imports import channels as host
from wit_world.imports import waiting

from . import codec, waits
from .errors import not_sent


class Selector:
    """What the loop asks for what has happened."""

    def select(self, timeout):
        """Let things happen for at most `timeout` seconds; who waits for them is told directly."""
        if waits.deferred:
            waits.run_deferred()
            timeout = 0
        if not waits.background and timeout == 0:
            return ()
        try:
            waits.step(None if timeout is None else waits.nanoseconds(max(0, timeout)))
        except Err as error:
            if type(error.value) is not host.Error_Timeout:
                raise not_sent(error.value) from None
        return ()


class EventLoop(base_events.BaseEventLoop):
    """The loop that `asyncio.run` uses."""

    def __init__(self):
        super().__init__()
        self._selector = Selector()

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        # Nobody can call while the loop waits, except from that very wait.
        pass

    def run_in_executor(self, executor, func, *args):
        """Run `func` in another interpreter: the default executor is an `InterpreterPoolExecutor`.

        There are no threads that could run beside the loop.  What is run must be something that
        another interpreter can be sent; it sees nothing of this one's objects.
        """
        self._check_closed()
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
        """Use `executor` where none is named."""
        self._default_executor = executor

    async def shutdown_default_executor(self, timeout=None):
        """Wait for what the default executor does, and end it."""
        self._executor_shutdown_called = True
        executor, self._default_executor = self._default_executor, None
        if executor is not None:
            executor.shutdown(wait=True)


def _without_context(func, args):
    """`asyncio.to_thread` wraps the call in a context, which cannot be sent."""
    if isinstance(func, functools.partial) and not args and func.args:
        if isinstance(getattr(func.func, "__self__", None), contextvars.Context):
            inner, *rest = func.args
            return inner, rest, func.keywords
    return func, args, {}


def _waiting_for(case):
    """A future for what comes of a case; cancelling it gives the case up."""
    future = _Waiting(loop=events.get_running_loop())
    future.wait = waits.Wait(case)
    waits.background[future.wait] = future.came
    return future


class _Waiting(asyncio.Future):
    """The future of something that is waited for in the background."""

    def came(self, outcome):
        if type(outcome) is waiting.Outcome_Failed:
            self.set_exception(_Failed(outcome.value))
        else:
            self.set_result(outcome)

    def cancel(self, msg=None):
        # At once: what came afterwards would have nobody to take it.
        waits.background.pop(self.wait, None)
        return super().cancel(msg)


class _Failed(Exception):
    """An error of the host's on its way through a future."""


async def wait_for(case):
    """Wait for a case of `waiting.wait`; returns its outcome, or raises Err."""
    future = _waiting_for(case)
    try:
        return await future
    except _Failed as failed:
        raise Err(failed.args[0]) from None
    except asyncio.CancelledError:
        if future.done() and not future.cancelled() and future.exception() is None:
            outcome = future.result()
            if type(outcome) is waiting.Outcome_Received:
                # It came just before the waiter was cancelled, so the next one is to have it.
                waits.put_back(case.value, outcome.value)
        raise


async def receive(receiver):
    """As `waits.receive`."""
    try:
        return codec.decode(waits.take(receiver, 0))
    except Err as error:
        if type(error.value) is not host.Error_Timeout:
            raise
    outcome = await wait_for(waiting.Case_Receive(receiver))
    return codec.decode(outcome.value)


async def send(sender, obj, unbound=None, pickled=False):
    """As `waits.send`."""
    try:
        return waits.send(sender, obj, 0, unbound, pickled)
    except Err as error:
        if type(error.value) is not host.Error_Timeout:
            raise
    message = waits.message_for(obj, unbound, pickled)
    await wait_for(waiting.Case_Send((sender, message)))


async def ended(task):
    """As `waits.ended`, for a task of another interpreter."""
    await wait_for(waiting.Case_Ended(task))


def install():
    """Be the loop that `asyncio` makes."""
    asyncio.SelectorEventLoop = asyncio.EventLoop = EventLoop
    type(events._get_event_loop_policy())._loop_factory = EventLoop
    events._set_event_loop_policy(None)
