"""The interpreters of PEP 554."""

import threading
from concurrent import interpreters as ci

import interpreters
from interpreters import InterpreterError, RunFailedError
from runner import equal, raises, row, run

WAIT = "ready.send(None)\ngo.recv()"


class Running:
    """An interpreter that runs while the block does."""

    def __enter__(self):
        self.made = interpreters.create()
        heard, ready = interpreters.create_channel()
        go, self.let_go = interpreters.create_channel()
        self.thread = self.made.run_in_thread(WAIT, channels={"ready": ready, "go": go})
        heard.recv()
        return self.made

    def __exit__(self, *exc_info):
        self.let_go.send(None)
        self.thread.join()


@row("PEP 554, create(), list_all(), get_current(), get_main()")
def functions():
    """A created interpreter is listed beside the current one, which is the main one here."""
    made = interpreters.create()
    equal(interpreters.list_all(), [interpreters.get_current(), made])
    equal(interpreters.get_main(), interpreters.get_current())
    equal(interpreters.get_main().id, 0)


@row("PEP 554, Interpreter")
def equality():
    """Objects for one interpreter are equal and have one hash; the id is read-only."""
    made = interpreters.create()
    again = interpreters.Interpreter(made.id)
    assert made == again and hash(made) == hash(again)
    assert made != interpreters.get_main() and made != made.id
    raises(AttributeError, setattr, made, "id", 3)


@row("PEP 554, create(isolated)")
def isolated():
    """`isolated` is the value that was passed, True by default; every interpreter is isolated here,
    because nothing else is possible."""
    assert interpreters.create().isolated is True
    made = interpreters.create(isolated=False)
    assert made.isolated is False
    made.run("import builtins; builtins.len = None")
    equal(len("ab"), 2)
    raises(AttributeError, setattr, made, "isolated", True)


@row("PEP 554, Interpreter.run()")
def runs():
    """It runs source text in `__main__`, which persists between calls, and returns None."""
    made = interpreters.create()
    recv, send = interpreters.create_channel(1)
    equal(made.run("n = 1"), None)
    made.run("n += 1; c.send((n, __name__))", channels={"c": send})
    equal(recv.recv(), (2, "__main__"))


@row("PEP 554, Interpreter.run() as the target of a thread")
def runs_in_a_thread_of_ours():
    """The article's programs run it in a threading.Thread."""
    made = interpreters.create()
    recv, send = interpreters.create_channel(1)
    thread = threading.Thread(target=made.run, args=("c.send(1)",), kwargs={"channels": {"c": send}})
    thread.start()
    equal(recv.recv(), 1)
    thread.join()


@row("PEP 554, RunFailedError")
def fails():
    """An uncaught exception is a RunFailedError, whose cause describes it."""
    made = interpreters.create()
    error = raises(RunFailedError, made.run, "{}['key']")
    equal(str(error), "KeyError: 'key'")
    text = str(error.__cause__)
    assert "Traceback (most recent call last):" in text and "KeyError: 'key'" in text, text
    equal(error.__cause__.type.__name__, "KeyError")


@row("PEP 554, RunFailedError")
def fails_whatever_it_is():
    """That also holds for SystemExit, KeyboardInterrupt and invalid source."""
    made = interpreters.create()
    for source in ("raise SystemExit", "raise KeyboardInterrupt", "1 +"):
        raises(RunFailedError, made.run, source)
    made.run("pass")


@row("PEP 554, Interpreter.run(channels)")
def channels():
    """Both kinds of ends can be bound, under any name."""
    made = interpreters.create()
    there, give = interpreters.create_channel(1)
    take, back = interpreters.create_channel(1)
    give.send(20)
    made.run("b.send(a.recv() + 1)", channels={"a": there, "b": back})
    equal(take.recv(), 21)
    made.run("pass", channels={})
    made.run("pass", channels=None)


@row("PEP 554, Interpreter.run(channels)")
def channels_that_are_not_ends():
    """A value that is not a channel end is a ValueError, and nothing runs."""
    made = interpreters.create()
    raises(ValueError, made.run, "n = 1", channels={"a": 3})
    raises(RunFailedError, made.run, "n")


@row("PEP 554, Interpreter.run(source_str)")
def source_that_is_not_str():
    """Source that is not a str is a TypeError."""
    made = interpreters.create()
    for source in (None, 1, b"pass", len):
        raises(TypeError, made.run, source)


@row("PEP 554, Interpreter.run()")
def refused_while_running():
    """A running interpreter cannot run other code, be closed or be reset. The PEP says RuntimeError;
    here it is the InterpreterError of PEP 734, because both modules share the class."""
    with Running() as made:
        assert made.is_running() is True
        raises(InterpreterError, made.run, "pass")
        raises(InterpreterError, made.close)
        raises(InterpreterError, made.reset)
        raises(InterpreterError, made.copy)
    assert made.is_running() is False
    raises(InterpreterError, interpreters.get_current().run, "pass")
    raises(InterpreterError, interpreters.get_current().close)


@row("PEP 554, Interpreter.close()")
def closed():
    """A closed interpreter no longer exists."""
    made = interpreters.create()
    made.close()
    equal(interpreters.list_all(), [interpreters.get_current()])
    for use in (made.close, made.is_running, made.reset, made.copy):
        raises(ci.InterpreterNotFoundError, use)
    raises(ci.InterpreterNotFoundError, made.run, "pass")


@row("PEP 554, Interpreter(id)")
def unknown():
    """An unknown id is an InterpreterNotFoundError."""
    raises(ci.InterpreterNotFoundError, interpreters.Interpreter, 99999)


@row("PEP 554, deferred: Interpreter.run_in_thread()")
def run_in_thread():
    """It starts at once, in parallel with the caller, and can be joined like a thread."""
    made = interpreters.create()
    take, give = interpreters.create_channel()
    thread = made.run_in_thread("g.send(1); g.send(2)", channels={"g": give})
    equal(take.recv(), 1)
    assert thread.is_alive()
    equal(take.recv(), 2)
    equal(thread.join(), None)
    assert not thread.is_alive()


@row("PEP 554, deferred: Interpreter.run_in_thread()")
def run_in_thread_fails():
    """threading.excepthook reports an uncaught exception as a RunFailedError."""
    shown = []
    hook, threading.excepthook = threading.excepthook, shown.append
    try:
        thread = interpreters.create().run_in_thread("1 / 0")
        thread.join()
    finally:
        threading.excepthook = hook
    equal([args.exc_type for args in shown], [RunFailedError])


@row("PEP 554, deferred: Interpreter.run_in_thread()")
def in_parallel():
    """Two run in parallel: each needs the other to make progress."""
    a, b = interpreters.create_channel(), interpreters.create_channel()
    one, two = interpreters.create(), interpreters.create()
    threads = [
        one.run_in_thread("s.send(1); r.recv()", channels={"s": a[1], "r": b[0]}),
        two.run_in_thread("r.recv(); s.send(1)", channels={"s": b[1], "r": a[0]}),
    ]
    for thread in threads:
        thread.join()
    assert not any(thread.is_alive() for thread in threads)


@row("PEP 554, deferred: resetting an interpreter's state")
def reset():
    """It restores the state of a new interpreter, under the same id, without its children."""
    made = interpreters.create()
    made.run("import json, interpreters as i; n = 1; own = i.create()")
    equal(len(interpreters.list_all()), 3)
    id = made.id
    equal(made.reset(), None)
    equal((made.id, len(interpreters.list_all())), (id, 2))
    raises(RunFailedError, made.run, "n")
    made.run("import sys; assert 'own' not in globals()")


@row("interpreters, Interpreter.copy()")
def copy():
    """A copy has the same state, is independent, and is a child of the caller."""
    made = interpreters.create()
    made.run("n = [1]; import json; json.mine = 2")
    copied = made.copy()
    assert copied != made and copied in interpreters.list_all()
    copied.run("n.append(json.mine)")
    recv, send = interpreters.create_channel(2)
    for one in (made, copied):
        one.run("c.send(n)", channels={"c": send})
    equal([recv.recv(), recv.recv()], [[1], [1, 2]])


@row("interpreters, Interpreter.copy()")
def copies_outlive():
    """A copy does not end with its original."""
    made = interpreters.create()
    made.run("n = 1")
    copied = made.copy()
    made.close()
    copied.run("assert n == 1")


if __name__ == "__main__":
    run()
