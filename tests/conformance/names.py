"""The public names: signatures, modules and reprs."""

import concurrent.futures
import inspect
import queue
import sys
from concurrent import interpreters
from concurrent.futures import thread
from concurrent.futures.interpreter import BrokenInterpreterPool
from concurrent.interpreters import _crossinterp, _queues

import archipel
import interpreters as pep554
from runner import child, equal, raises, row, run


def signature(function):
    return str(inspect.signature(function))


@row("CPython 3.14, concurrent.interpreters.__all__")
def all_of_concurrent_interpreters():
    """The module exports exactly the fourteen names that it has in CPython."""
    equal(
        sorted(interpreters.__all__),
        [
            "ExecutionFailed", "Interpreter", "InterpreterError", "InterpreterNotFoundError",
            "NotShareableError", "Queue", "QueueEmpty", "QueueFull", "create", "create_queue",
            "get_current", "get_main", "is_shareable", "list_all",
        ],
    )  # fmt: skip
    for name in interpreters.__all__:
        assert hasattr(interpreters, name), name


@row("CPython 3.14, concurrent.interpreters._queues.__all__")
def all_of_the_queues():
    """The markers and the other exceptions of queues are where 3.14 has them: it exports them from
    the submodule only."""
    equal(
        sorted(_queues.__all__),
        [
            "ItemInterpreterDestroyed", "Queue", "QueueEmpty", "QueueError", "QueueFull",
            "QueueNotFoundError", "UNBOUND", "UNBOUND_ERROR", "UNBOUND_REMOVE", "create", "list_all",
        ],
    )  # fmt: skip
    assert _queues.create is interpreters.create_queue
    assert _queues.Queue is interpreters.Queue


@row("PEP 734, the module works in every interpreter")
def importable_in_a_child():
    """`concurrent.interpreters` can be imported, and used, in a child."""
    equal(
        child().call(
            eval, "(m := __import__('concurrent.interpreters').interpreters).create().call(len, 'ab')"
        ),
        2,
    )


@row("interpreters, __all__")
def all_of_interpreters():
    """The PEP 554 module exports the names of the PEP."""
    names = """create list_all get_current get_main is_shareable Interpreter create_channel
        list_all_channels RecvChannel SendChannel RunFailedError ChannelError ChannelNotFoundError
        ChannelEmptyError ChannelNotEmptyError NotReceivedError ChannelClosedError
        ChannelReleasedError""".split()
    assert set(names) <= set(pep554.__all__), set(names) - set(pep554.__all__)
    for name in pep554.__all__:
        assert hasattr(pep554, name), name


@row("archipel, __all__")
def all_of_archipel():
    """The `archipel` module has every name in its `__all__`, including select and spawn."""
    assert {"select", "spawn", "after", "channel", "create", "DeadlockError"} <= set(
        archipel.__all__
    )
    for name in archipel.__all__:
        assert hasattr(archipel, name), name


@row("PEP 734, Interpreter objects")
def signatures_of_interpreter():
    """The methods of Interpreter have the documented parameters, with the code positional-only."""
    cls = interpreters.Interpreter
    equal(signature(cls.exec), "(self, code, /)")
    equal(signature(cls.call), "(self, callable, /, *args, **kwargs)")
    equal(signature(cls.call_in_thread), "(self, callable, /, *args, **kwargs)")
    equal(signature(cls.prepare_main), "(self, ns=None, /, **kwargs)")
    equal(signature(cls.close), "(self)")
    equal(signature(cls.is_running), "(self)")


@row("PEP 734, module functions")
def signatures_of_the_functions():
    """The functions of the module have no parameters, except for create_queue."""
    for function in ("create", "list_all", "get_current", "get_main"):
        equal(signature(getattr(interpreters, function)), "()")
    taken = inspect.signature(interpreters.create_queue).parameters
    equal(list(taken), ["maxsize", "unbounditems"])
    equal(taken["maxsize"].default, 0)
    assert taken["unbounditems"].kind is inspect.Parameter.KEYWORD_ONLY
    assert taken["unbounditems"].default is _queues.UNBOUND


@row("CPython 3.14, Queue")
def signatures_of_queue():
    """The methods of Queue have the parameters of CPython's, although nothing polls here."""
    put = inspect.signature(interpreters.Queue.put).parameters
    equal(list(put), ["self", "obj", "block", "timeout", "unbounditems", "_delay"])
    get = inspect.signature(interpreters.Queue.get).parameters
    equal(list(get), ["self", "block", "timeout", "_delay"])
    equal(signature(interpreters.Queue.put_nowait), "(self, obj, *, unbounditems=None)")
    equal(signature(interpreters.Queue.get_nowait), "(self)")


@row("CPython 3.14, concurrent.futures.InterpreterPoolExecutor")
def signature_of_the_pool():
    """The pool has the documented parameters."""
    taken = "(max_workers=None, thread_name_prefix='', initializer=None, initargs=())"
    equal(signature(concurrent.futures.InterpreterPoolExecutor), taken)
    assert "InterpreterPoolExecutor" in concurrent.futures.__all__


@row("PEP 554, the API")
def signatures_of_pep_554():
    """The functions and methods of PEP 554 have the parameters of the PEP and of `interpreters`."""
    equal(signature(pep554.create), "(*, isolated=True)")
    equal(signature(pep554.Interpreter.run), "(self, source, /, *, channels=None)")
    equal(signature(pep554.Interpreter.run_in_thread), "(self, source, /, *, channels=None)")
    equal(signature(pep554.create_channel), "(capacity=0)")
    equal(signature(pep554.RecvChannel.recv), "(self, *, timeout=None)")
    equal(signature(pep554.RecvChannel.recv_nowait), "(self, default=Ellipsis)")
    equal(signature(pep554.RecvChannel.close), "(self, force=False)")
    equal(signature(pep554.SendChannel.send), "(self, obj, *, timeout=None)")
    equal(signature(pep554.SendChannel.send_nowait), "(self, obj)")
    equal(signature(pep554.SendChannel.poison), "(self, exc=None)")


@row("CPython 3.14, Interpreter.__repr__")
def repr_of_interpreters():
    """The repr of an interpreter is its class and its id."""
    made = interpreters.create()
    equal(repr(made), f"Interpreter({made.id})")
    equal(repr(interpreters.get_main()), "Interpreter(0)")


@row("CPython 3.14, Queue.__repr__")
def repr_of_queues():
    """The repr of a queue is its class and its id."""
    made = interpreters.create_queue()
    equal(repr(made), f"Queue({made.id})")


@row("CPython 3.14, UNBOUND.__repr__")
def repr_of_unbound():
    """The repr of UNBOUND is its qualified name, and no second instance can be made."""
    equal(repr(_queues.UNBOUND), "concurrent.interpreters._queues.UNBOUND")
    raises(Exception, type(_queues.UNBOUND))


@row("PEP 554, classes")
def repr_of_pep_554():
    """The repr of an end has its class and channel, and that of an interpreter its id."""
    recv, send = pep554.create_channel()
    equal(repr(recv), f"RecvChannel(id={recv.id})")
    equal(repr(send), f"SendChannel(id={send.id})")
    made = pep554.create()
    equal(repr(made), f"Interpreter(id={made.id}, isolated=True)")


@row("archipel, create(name=)")
def repr_of_a_named_one():
    """The repr of a named interpreter has the name."""
    made = archipel.create(name="reader")
    equal(repr(made), f"Interpreter({made.id}, name='reader')")
    equal(made.name, "reader")


@row("CPython 3.14, sys.implementation.supports_isolated_interpreters")
def supports_isolated_interpreters():
    """It is true in every interpreter."""
    assert sys.implementation.supports_isolated_interpreters is True
    assert child().call(eval, "__import__('sys').implementation.supports_isolated_interpreters")


@row("PEP 734, exceptions")
def interpreter_errors():
    """InterpreterError is derived from Exception, and is the base of the two others."""
    equal(interpreters.InterpreterError.__bases__, (Exception,))
    equal(interpreters.InterpreterNotFoundError.__bases__, (interpreters.InterpreterError,))
    equal(interpreters.ExecutionFailed.__bases__, (interpreters.InterpreterError,))


@row("PEP 734, exceptions")
def not_shareable_error():
    """NotShareableError is a TypeError, and the same class in every module."""
    equal(interpreters.NotShareableError.__bases__, (TypeError,))
    assert pep554.NotShareableError is interpreters.NotShareableError


@row("PEP 734, QueueEmpty and QueueFull")
def queue_errors():
    """They are queue.Empty and queue.Full, and also QueueErrors."""
    assert issubclass(interpreters.QueueEmpty, (queue.Empty,))
    assert issubclass(interpreters.QueueFull, (queue.Full,))
    for kind in (
        interpreters.QueueEmpty,
        interpreters.QueueFull,
        _queues.QueueNotFoundError,
        _queues.ItemInterpreterDestroyed,
    ):
        assert issubclass(kind, _queues.QueueError), kind
    equal(_queues.QueueError.__bases__, (Exception,))


@row("CPython 3.14, ItemInterpreterDestroyed")
def item_interpreter_destroyed():
    """It is the exception of that name that channels and queues share."""
    assert issubclass(_queues.ItemInterpreterDestroyed, _crossinterp.ItemInterpreterDestroyed)


@row("CPython 3.14, BrokenInterpreterPool")
def broken_pool():
    """It is a broken thread pool, which is a broken executor."""
    equal(BrokenInterpreterPool.__bases__, (thread.BrokenThreadPool,))
    assert issubclass(BrokenInterpreterPool, concurrent.futures.BrokenExecutor)
    assert issubclass(
        concurrent.futures.InterpreterPoolExecutor, concurrent.futures.ThreadPoolExecutor
    )


@row("PEP 554, exceptions")
def channel_errors():
    """All channel errors are ChannelErrors; the error for a released end is a ChannelClosedError."""
    for kind in (
        pep554.ChannelNotFoundError,
        pep554.ChannelEmptyError,
        pep554.ChannelNotEmptyError,
        pep554.NotReceivedError,
        pep554.ChannelClosedError,
    ):
        equal(kind.__bases__, (pep554.ChannelError,))
    equal(pep554.ChannelReleasedError.__bases__, (pep554.ChannelClosedError,))


@row("PEP 554, RunFailedError")
def run_failed_error():
    """It is a RuntimeError."""
    equal(pep554.RunFailedError.__bases__, (RuntimeError,))


@row("archipel, exceptions")
def errors_of_archipel():
    """Archipel's own exceptions have the base classes that careful programs catch."""
    equal(archipel.DeadlockError.__bases__, (RuntimeError,))
    equal(archipel.InterpreterDied.__bases__, (interpreters.InterpreterError,))
    # Like KeyboardInterrupt and asyncio's own, it is not caught by `except Exception`.
    assert not issubclass(archipel.Cancelled, Exception)
    assert pep554.DeadlockError is archipel.DeadlockError


@row("CPython 3.14, module names of exceptions")
def modules_of_exceptions():
    """Tracebacks name the modules of the exceptions as CPython's do."""
    equal(interpreters.InterpreterError.__module__, "_interpreters")
    equal(interpreters.NotShareableError.__module__, "_interpreters")
    equal(interpreters.ExecutionFailed.__module__, "concurrent.interpreters")
    equal(interpreters.QueueEmpty.__module__, "concurrent.interpreters._queues")
    equal(archipel.DeadlockError.__module__, "archipel")


if __name__ == "__main__":
    run()
