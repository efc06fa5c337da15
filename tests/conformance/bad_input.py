"""Invalid arguments, unknown ids, and use after the end."""

import asyncio
from concurrent import interpreters
from concurrent.interpreters import Interpreter, InterpreterNotFoundError, Queue, create_queue
from concurrent.interpreters._queues import QueueNotFoundError

import _interpchannels
import _interpqueues
import _interpreters

import archipel
import interpreters as pep554
from runner import child, equal, raises, row, run

NEVER_GIVEN = 123_456


@row("CPython 3.14, Interpreter(id)")
def ids_of_interpreters():
    """An id that is not an int is a TypeError, a negative one a ValueError, a huge one an OverflowError,
    and an unknown one an InterpreterNotFoundError."""
    for id in ("1", 1.0, None, b"1", [1]):
        raises(TypeError, Interpreter, id)
    raises(ValueError, Interpreter, -1)
    raises(OverflowError, Interpreter, 1 << 70)
    for id in (NEVER_GIVEN, (1 << 63) - 1):
        raises(InterpreterNotFoundError, Interpreter, id)


@row("CPython 3.14, Interpreter(id)")
def ids_that_are_ints():
    """Every int is accepted: also a bool, and an instance of a class derived from int."""
    made = interpreters.create()
    assert Interpreter(type("Own", (int,), {})(made.id)) is made
    assert Interpreter(False) is interpreters.get_main()


@row("CPython 3.14, counts of arguments")
def counts_of_arguments():
    """Too few and too many arguments, and unknown names, are TypeErrors."""
    made = child()
    for function, args, kwargs in (
        (interpreters.create, (1,), {}),
        (interpreters.list_all, (1,), {}),
        (interpreters.get_current, (), {"a": 1}),
        (interpreters.is_shareable, (), {}),
        (interpreters.is_shareable, (1, 2), {}),
        (interpreters.create_queue, (1, 2), {}),
        (made.exec, (), {}),
        (made.exec, ("pass", {}), {}),
        (made.exec, (), {"code": "pass"}),
        (made.call, (), {}),
        (made.call_in_thread, (), {}),
        (made.prepare_main, ({}, {}), {}),
        (made.close, (1,), {}),
        (Interpreter, (), {}),
        (Queue, (), {}),
    ):
        raises(TypeError, function, *args, **kwargs)


@row("CPython 3.14, Interpreter.prepare_main()")
def names():
    """A non-mapping and names that are not str are TypeErrors."""
    made = child()
    raises(TypeError, made.prepare_main, 3)
    raises(TypeError, made.prepare_main, [1])
    raises(TypeError, made.prepare_main, {1: 2})
    raises(ValueError, made.prepare_main, None)
    raises(UnicodeEncodeError, made.prepare_main, {"\ud800": 1})


@row("CPython 3.14, Interpreter.exec()")
def source():
    """Source that cannot be encoded in UTF-8, or contains nulls, is refused in the caller."""
    made = child()
    raises(UnicodeEncodeError, made.exec, "'\ud800'")
    raises(SyntaxError, made.exec, "n = 1\0")
    made.exec("")
    made.exec("# nothing")


@row("CPython 3.14, create_queue(maxsize)")
def sizes_of_queues():
    """A maxsize that is not an int is a TypeError, one that is too large an OverflowError."""
    for maxsize in ("3", 1.5, None, [1]):
        raises(TypeError, create_queue, maxsize)
    raises(OverflowError, create_queue, 1 << 70)


@row("CPython 3.14, Queue.get() and Queue.put()")
def arguments_of_queues():
    """Arguments are checked before anything is put or taken."""
    queue = create_queue()
    raises(TypeError, queue.put)
    raises(TypeError, queue.get, True, 1, 2)
    raises(TypeError, queue.put_nowait)
    raises(TypeError, queue.get_nowait, 1)
    raises(TypeError, queue.get, timeout=[])
    raises(ValueError, queue.get, timeout=float("nan"))
    raises(TypeError, queue.put, 1, timeout="soon")
    equal(queue.qsize(), 0)


@row("CPython 3.14, Queue(id)")
def ids_of_queues():
    """An id that is not an int is a TypeError, and an unknown one a QueueNotFoundError."""
    for id in ("1", 1.0, None):
        raises(TypeError, Queue, id)
    for id in (NEVER_GIVEN, (1 << 63) - 1, 1 << 70):
        raises(QueueNotFoundError, Queue, id)


@row("CPython 3.14, _interpqueues")
def low_level_queues():
    """The private module refuses the same: unknown ids, invalid ids and invalid ops."""
    for function in (
        _interpqueues.get, _interpqueues.destroy, _interpqueues.release, _interpqueues.get_count,
        _interpqueues.get_maxsize, _interpqueues.is_full, _interpqueues.bind,
    ):  # fmt: skip
        raises(QueueNotFoundError, function, NEVER_GIVEN)
        raises(TypeError, function, "1")
        raises(ValueError, function, -1)
    raises(ValueError, _interpqueues.create, 0, 7, -1)


@row("CPython 3.14, _interpreters")
def low_level_interpreters():
    """The private module for interpreters does so too."""
    for function, args in (
        (_interpreters.destroy, ()),
        (_interpreters.is_running, ()),
        (_interpreters.exec, ("pass",)),
        (_interpreters.call, (len,)),
        (_interpreters.set___main___attrs, ({"a": 1},)),
        (_interpreters.incref, ()),
        (_interpreters.whence, ()),
    ):
        raises(InterpreterNotFoundError, function, NEVER_GIVEN, *args)
        raises(TypeError, function, "1", *args)
        raises(ValueError, function, -1, *args)
    raises(ValueError, _interpreters.new_config, "nothing")
    raises(TypeError, _interpreters.capture_exception, 3)


@row("CPython 3.14, _interpchannels")
def low_level_channels():
    """The private module for channels does so too."""
    for function, args in (
        (_interpchannels.send, (1,)),
        (_interpchannels.recv, ()),
        (_interpchannels.close, ()),
        (_interpchannels.release, ()),
        (_interpchannels.destroy, ()),
        (_interpchannels.get_count, ()),
    ):
        raises(_interpchannels.ChannelNotFoundError, function, NEVER_GIVEN, *args)
        raises(TypeError, function, "1", *args)
        raises(ValueError, function, -1, *args)


@row("PEP 554, Interpreter(id) and its methods")
def pep_554():
    """The older module refuses the same arguments."""
    for id in ("1", 1.0, None):
        raises(TypeError, pep554.Interpreter, id)
    raises(ValueError, pep554.Interpreter, -1)
    raises(TypeError, pep554.create, True)
    raises(TypeError, pep554.create_channel, 1, 2)
    made = pep554.create()
    raises(TypeError, made.run)
    raises(TypeError, made.run, "pass", {})
    recv, send = pep554.create_channel(1)
    raises(TypeError, send.send)
    raises(TypeError, send.send, 1, 2)
    raises(TypeError, recv.recv, 1)
    raises(ValueError, recv.recv, timeout=-1)
    raises(ValueError, send.send, 1, timeout=float("nan"))
    raises(TypeError, recv.recv, timeout="1")


@row("PEP 554, RecvChannel(id) and SendChannel(id)")
def ends_cannot_be_forged():
    """An end cannot be made from a number: it must be received."""
    recv, _send = pep554.create_channel()
    for number in (recv.id, NEVER_GIVEN, "1", None):
        for kind in (pep554.RecvChannel, pep554.SendChannel):
            raises(TypeError, kind, number)


@row("archipel, spawn() and create()")
def arguments_of_archipel():
    """A name that is not a str is a TypeError, and so is a task without a function."""
    raises(TypeError, archipel.create, name=3)
    raises(TypeError, archipel.create, True)
    raises(TypeError, archipel.spawn)
    raises(ValueError, archipel.channel, -1)


@row("concurrent.interpreters, after close()")
def closed_interpreters():
    """A closed interpreter is closed for all references, and its id is not reused."""
    made = child()
    id = made.id
    made.close()
    others = [child() for _ in range(3)]
    assert id not in [other.id for other in others]
    raises(InterpreterNotFoundError, Interpreter(0).__class__, NEVER_GIVEN)
    raises(InterpreterNotFoundError, pep554.Interpreter, id)
    raises(InterpreterNotFoundError, asyncio.run, made.exec_async("pass"))


@row("archipel, after kill()")
def killed_interpreters():
    """A killed interpreter behaves as a closed one."""
    made = archipel.create()
    made.kill()
    raises(InterpreterNotFoundError, made.exec, "pass")
    raises(InterpreterNotFoundError, made.call, len, "")
    raises(InterpreterNotFoundError, made.is_running)
    raises(InterpreterNotFoundError, made.close)


if __name__ == "__main__":
    run()
