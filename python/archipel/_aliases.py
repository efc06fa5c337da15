"""Host functions that interpreters call."""

import contextvars
import threading

from ._errors import AliasError, DeadlockError


class Lent:
    """The state that the functions lent to one interpreter share.

    It does not refer to the interpreter, which the library could otherwise never drop.
    """

    __slots__ = ("context", "waiting")

    def __init__(self):
        # The context of the last caller of the interpreter, which the functions see.
        self.context = None
        # The threads that wait for the interpreter, and cannot run an event loop then.
        self.waiting = set()


def plain(lent, target, fixed):
    """Return the function that the library calls for `target`."""

    def call(*args, **kwargs):
        context = lent.context
        if context is None:
            return target(*fixed, *args, **kwargs)
        # A context can be entered only once at a time.
        return context.copy().run(target, *fixed, *args, **kwargs)

    return call


def asynchronous(lent, target, fixed):
    """Return the function that the library calls to start the coroutine function `target`."""
    import asyncio

    try:
        loop = asyncio.get_running_loop()
        thread = threading.get_ident()
    except RuntimeError:
        loop = _own_loop()
        thread = None

    def start(reply, args, kwargs):
        if not loop.is_running() and thread is not None:
            raise AliasError("the event loop of this function has ended (lend the function again in another)")
        if thread in lent.waiting:
            raise DeadlockError(
                "the event loop of this function waits for the interpreter (call exec_async instead of exec)"
            )
        task = None

        def run():
            nonlocal task
            context = lent.context
            try:
                if context is None:
                    task = loop.create_task(target(*fixed, *args, **kwargs))
                else:
                    task = context.copy().run(_create_task, loop, target, fixed, args, kwargs)
            except BaseException as error:
                reply.reject(error)
            else:
                task.add_done_callback(finish)

        def finish(task):
            if task.cancelled():
                reply.reject(asyncio.CancelledError())
            elif task.exception() is not None:
                reply.reject(task.exception())
            else:
                reply.resolve(task.result())

        def cancel():
            def stop():
                if task is not None:
                    task.cancel()

            try:
                loop.call_soon_threadsafe(stop)
            except RuntimeError:
                # The loop is closed, and the task with it.
                pass

        loop.call_soon_threadsafe(run)
        return cancel

    return start


def _create_task(loop, target, fixed, args, kwargs):
    return loop.create_task(target(*fixed, *args, **kwargs))


def is_asynchronous(target):
    """Return whether calling `target` returns a coroutine."""
    import inspect

    return inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(
        getattr(target, "__call__", None)
    )


def caller_context():
    """Return the current context, or None if it is empty."""
    context = contextvars.copy_context()
    return context if len(context) else None


_loop = None
_loop_lock = threading.Lock()


def _own_loop():
    """Return the event loop for functions that were lent outside of one.  A thread of its own runs it."""
    global _loop
    import asyncio

    with _loop_lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="archipel-aliases", daemon=True).start()
    return _loop


def description(target, fixed):
    """Return the docstring and the signature of a function as text, each of which can be None."""
    import inspect

    try:
        signature = inspect.signature(target)
        if fixed:
            signature = signature.replace(parameters=list(signature.parameters.values())[len(fixed) :])
        text = str(signature)
    except (TypeError, ValueError):
        text = None
    return inspect.getdoc(target), text
