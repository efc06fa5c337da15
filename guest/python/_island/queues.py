"""The differences of `concurrent.interpreters` from CPython.

The module is CPython's own, except for three methods, and some additional ones for `asyncio`.  CPython's `Queue.put`
and `Queue.get` poll every 10 ms and truncate timeouts to whole seconds; here they wait in the host, on a monotonic
clock.  CPython's `call_in_thread` uses a thread; here the call itself runs in parallel.
"""

import _interpqueues
import _interpreters
import archipel
import interpreters
from wit_world.imports import channels

from . import codec, loop
from .tasks import TaskThread
from .waits import nanoseconds


# The escape code of interpreters.
_INTERPRETER = 6


def install(module):
    """Adapt the classes of `module`.  A method that replaces one has the name and docstring of that one."""
    _adapt_queues(module.Queue, module._queues)
    _adapt_interpreters(module.Interpreter, module.ExecutionFailed)
    _send_interpreters(module)


def _adapt_queues(cls, own):
    """Adapt the class of queues of the module `own`."""

    def unbound_code(unbounditems):
        if unbounditems is None:
            return -1
        (code,) = own._serialize_unbound(unbounditems)
        return code

    def received(obj, unboundop):
        return obj if unboundop is None else own._resolve_unbound(unboundop)

    # `_delay` is only for compatibility with the original's signature.
    def put(self, obj, block=True, timeout=None, *, unbounditems=None, _delay=10 / 1000):
        if not block:
            return self.put_nowait(obj, unbounditems=unbounditems)
        code = unbound_code(unbounditems)
        nanoseconds(timeout)
        _interpqueues.put(self._id, obj, code, timeout=timeout)

    def get(self, block=True, timeout=None, *, _delay=10 / 1000):
        if not block:
            return self.get_nowait()
        nanoseconds(timeout)
        return received(*_interpqueues.get(self._id, timeout=timeout))

    async def put_async(self, obj, *, unbounditems=None):
        """Put `obj` into the queue, waiting in an event loop until there is room.

        Cancelling the coroutine withdraws the object, unless it was put already.
        """
        await _interpqueues.put_async(self._id, obj, unbound_code(unbounditems))

    async def get_async(self):
        """Wait in an event loop for the next object and return it.

        Cancelling the coroutine loses nothing: the object stays in the queue.
        """
        return received(*await _interpqueues.get_async(self._id))

    _replace(cls, put, get)
    _add(cls, put_async, get_async)


def _adapt_interpreters(cls, failed):
    """Adapt the class of interpreters, whose calls raise `failed`."""

    def check(excinfo):
        if excinfo is not None:
            raise failed(excinfo)

    def call_in_thread(self, callable, /, *args, **kwargs):
        def start():
            return _interpreters.start_call(self._id, callable, args, kwargs)

        return TaskThread(start, lambda result, excinfo: check(excinfo))

    async def exec_async(self, code, /):
        """Run source text or a function as `exec` does, without blocking the event loop.

        Cancelling the coroutine does not stop the interpreter.  Raises ExecutionFailed if the code raises an exception.
        """
        task = _interpreters.start_exec(self._id, code)
        await loop.wait_for_end(task)
        check(_interpreters.exec_result(task, code))

    async def call_async(self, callable, /, *args, **kwargs):
        """Call a function as `call` does, without blocking the event loop, and return its result.

        Cancelling the coroutine does not stop the interpreter.  Raises ExecutionFailed if the call raises an exception.
        """
        task = _interpreters.start_call(self._id, callable, args, kwargs)
        await loop.wait_for_end(task)
        result, excinfo = _interpreters.result(task)
        check(excinfo)
        return result

    _replace(cls, call_in_thread)
    _add(cls, exec_async, call_async)


def _send_interpreters(module):
    """Make interpreters shareable, of all classes."""

    def reduce(interpreter):
        return (channels.EndRef_Interpreter(interpreter.id),)

    def rebuild(ends, index):
        id = codec.end(ends, index, channels.End_Interpreter)
        if ends[index + 1 : index + 2] == ends[index : index + 1]:
            return interpreters.Interpreter(id)
        try:
            return module.Interpreter(id)
        except module.InterpreterNotFoundError:
            # This interpreter cannot name it; it may be the parent.  It gets an object with only the number.
            unknown = _interpreters.WHENCE_UNKNOWN
            return module.Interpreter(id, _whence=unknown, _ownsref=False)

    codec.register(_INTERPRETER, module.Interpreter, reduce, rebuild)
    codec.register(_INTERPRETER, archipel.Interpreter, reduce, rebuild)
    # Only an Interpreter of PEP 554 is named twice, so that the receiver creates an object of the same class.
    codec.register(_INTERPRETER, interpreters.Interpreter, lambda i: reduce(i) * 2, rebuild)


def _add(cls, *methods):
    for method in methods:
        method.__qualname__ = f"{cls.__name__}.{method.__name__}"
        method.__module__ = cls.__module__
        setattr(cls, method.__name__, method)


def _replace(cls, *methods):
    for method in methods:
        original = getattr(cls, method.__name__)
        method.__qualname__ = original.__qualname__
        method.__module__ = original.__module__
        method.__doc__ = original.__doc__
        setattr(cls, method.__name__, method)
