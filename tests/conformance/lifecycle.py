"""Creating, naming and ending interpreters."""

import gc
import pickle
import threading
from concurrent import interpreters
from concurrent.interpreters import Interpreter, InterpreterError, InterpreterNotFoundError

import archipel
import interpreters as pep554
from runner import Busy, child, equal, raises, row, run


def ids():
    return sorted(one.id for one in interpreters.list_all())


@row("PEP 734, create()")
def created_idle():
    """A new interpreter is listed and idle."""
    made = interpreters.create()
    assert type(made) is Interpreter
    assert made in interpreters.list_all()
    assert made.is_running() is False


@row("PEP 734, create()")
def created_distinct():
    """Every interpreter has its own id, also after others were closed."""
    first = interpreters.create()
    before = first.id
    first.close()
    second, third = interpreters.create(), interpreters.create()
    equal(len({before, second.id, third.id}), 3)


@row("PEP 734, create()")
def created_with_a_fresh_main():
    """The `__main__` of a new interpreter contains nothing of its creator's."""
    names = child().call(dir)
    assert "ids" not in names and "__builtins__" in names, names


@row("CPython 3.14, create() in a thread")
def created_in_a_thread():
    """An interpreter that was created in a thread can be used outside of it."""
    made = []
    thread = threading.Thread(target=lambda: made.append(interpreters.create()))
    thread.start()
    thread.join()
    equal(made[0].call(len, "abc"), 3)


@row("PEP 734, create() in a subinterpreter")
def grandchildren():
    """A child can have children, which its parent can name."""
    made = child()
    made.exec("from concurrent import interpreters; own = interpreters.create()")
    inner = made.call(eval, "own.id")
    assert inner in ids()
    equal(Interpreter(inner).call(eval, "1 + 1"), 2)


@row("PEP 734, list_all()")
def list_all_follows():
    """The list has this interpreter and all that were created and not destroyed."""
    equal(ids(), [0])
    first, second = interpreters.create(), interpreters.create()
    equal(ids(), [0, first.id, second.id])
    first.close()
    equal(ids(), [0, second.id])


@row("PEP 734, list_all()")
def list_all_gives_the_same_objects():
    """Two calls list the same objects."""
    made = interpreters.create()
    one, two = interpreters.list_all(), interpreters.list_all()
    assert all(a is b for a, b in zip(one, two, strict=True))
    assert any(a is made for a in one)


@row("concurrent.interpreters, list_all()")
def list_all_omits_strangers():
    """A child lists itself and its descendants, but not its parent or siblings: an interpreter cannot
    name its ancestors, so CPython's list of all is not available."""
    sibling, made = child(), child()
    made.exec("from concurrent import interpreters as i; own = i.create()")
    listed = made.call(eval, "sorted(x.id for x in i.list_all())")
    equal(listed, sorted([made.id, made.call(eval, "own.id")]))
    assert sibling.id not in listed


@row("docs/python.md, ids name only what was given")
def strangers_cannot_be_named():
    """A child cannot use the id of a sibling."""
    sibling, made = child(), child()
    failed = raises(
        interpreters.ExecutionFailed,
        made.exec,
        f"from concurrent import interpreters as i; i.Interpreter({sibling.id})",
    )
    equal(failed.excinfo.type.__name__, "InterpreterNotFoundError")


@row("PEP 734, get_current()")
def current():
    """It is the running interpreter, and the same object each time."""
    assert interpreters.get_current() is interpreters.get_current()
    made = child()
    equal(
        made.call(
            eval, "__import__('concurrent.interpreters').interpreters.get_current().id"
        ),
        made.id,
    )


@row("CPython 3.14, get_main()")
def main():
    """It is the first interpreter, whose id is 0, also in a child."""
    assert interpreters.get_main() is interpreters.get_current()
    equal(interpreters.get_main().id, 0)
    equal(
        child().call(eval, "__import__('concurrent.interpreters').interpreters.get_main().id"), 0
    )


@row("archipel, no interpreter can name its ancestor")
def main_cannot_be_used():
    """A child gets an object for the main interpreter, but cannot use it."""
    failed = raises(
        interpreters.ExecutionFailed,
        child().exec,
        "from concurrent import interpreters as i; i.get_main().exec('pass')",
    )
    equal(failed.excinfo.type.__name__, "InterpreterError")


@row("PEP 734, Interpreter(id)")
def one_object_per_id():
    """There is one object per id, however it is obtained."""
    made = interpreters.create()
    assert Interpreter(made.id) is made
    assert interpreters.list_all()[-1] is made


@row("PEP 734, Interpreter.__eq__()")
def equality_is_identity():
    """Interpreters compare equal only to themselves."""
    first, second = interpreters.create(), interpreters.create()
    assert first == first and first != second and first != first.id


@row("PEP 734, Interpreter.__hash__()")
def hash_of_the_id():
    """The hash is the hash of the id."""
    made = interpreters.create()
    equal(hash(made), hash(made.id))


@row("PEP 734, Interpreter.id")
def id_is_read_only():
    """The id is a read-only int."""
    made = interpreters.create()
    assert type(made.id) is int
    raises(AttributeError, setattr, made, "id", 3)


@row("CPython 3.14, Interpreter.whence")
def whence():
    """It is the runtime for the first interpreter and the module for the others; it is read-only."""
    equal(interpreters.get_main().whence, "runtime init")
    made = interpreters.create()
    equal(made.whence, "_interpreters module")
    raises(AttributeError, setattr, made, "whence", "x")


@row("CPython 3.14, Interpreter.__reduce__()")
def pickled_by_id():
    """A pickle of an interpreter contains its id, and unpickling returns the same object."""
    made = interpreters.create()
    assert pickle.loads(pickle.dumps(made)) is made


@row("CPython 3.14, Interpreter.__reduce__()")
def a_pickle_of_a_closed_one():
    """A pickle does not keep an interpreter alive."""
    made = interpreters.create()
    data = pickle.dumps(made)
    made.close()
    del made
    raises(InterpreterNotFoundError, pickle.loads, data)


@row("PEP 734, Interpreter.is_running()")
def running_is_current():
    """The current interpreter is running."""
    assert interpreters.get_current().is_running() is True
    assert child().call(
        eval, "__import__('concurrent.interpreters').interpreters.get_current().is_running()"
    )


@row("PEP 734, Interpreter.is_running()")
def running_while_it_runs():
    """An interpreter is running from the start of its code to the end."""
    made = child()
    with Busy(made):
        assert made.is_running() is True
    assert made.is_running() is False


@row("CPython 3.14, Interpreter.is_running()")
def running_after_a_failure():
    """An interpreter whose code failed is not running."""
    made = child()
    raises(interpreters.ExecutionFailed, made.exec, "1 / 0")
    assert made.is_running() is False


@row("PEP 734, Interpreter.close()")
def closed():
    """A closed interpreter does not exist: each method raises InterpreterNotFoundError, and repr works."""
    made = interpreters.create()
    equal(made.close(), None)
    assert made.id not in ids()
    for use in (made.close, made.is_running):
        raises(InterpreterNotFoundError, use)
    raises(InterpreterNotFoundError, made.exec, "pass")
    raises(InterpreterNotFoundError, made.call, len, "")
    raises(InterpreterNotFoundError, made.prepare_main, x=1)
    equal(repr(made), f"Interpreter({made.id})")


@row("CPython 3.14, Interpreter(id) of a closed one")
def closed_ids_name_nothing():
    """The id of an interpreter that no longer exists is refused."""
    made = interpreters.create()
    id = made.id
    made.close()
    del made
    raises(InterpreterNotFoundError, Interpreter, id)


@row("PEP 734, Interpreter.close()")
def closing_oneself():
    """The current interpreter cannot be closed, and neither can the main one."""
    raises(InterpreterError, interpreters.get_current().close)
    failed = raises(
        interpreters.ExecutionFailed,
        child().exec,
        "from concurrent import interpreters as i; i.get_current().close()",
    )
    equal(failed.excinfo.type.__name__, "InterpreterError")


@row("PEP 734, Interpreter.close()")
def closing_a_running_one():
    """A running interpreter cannot be closed, and the attempt does not affect it."""
    made = child()
    with Busy(made):
        raises(InterpreterError, made.close)
    equal(made.call(len, "ab"), 2)


@row("CPython 3.14, reference counts of interpreters")
def destroyed_with_the_last_reference():
    """An interpreter is destroyed as soon as it has no references."""
    made = interpreters.create()
    id = made.id
    again = Interpreter(id)
    del made
    assert id in ids()
    del again
    assert id not in ids()


@row("CPython 3.14, reference counts of interpreters")
def destroyed_with_the_last_reference_after_a_failure():
    """A caught exception does not keep an interpreter alive."""
    made = interpreters.create()
    id = made.id
    raises(interpreters.ExecutionFailed, made.exec, "1 / 0")
    gc.disable()
    try:
        del made
        assert id not in ids()
    finally:
        gc.enable()


@row("ARCHITECTURE.md, ends that release themselves")
def destroyed_with_its_ends():
    """Its channel ends are released with it, so waiting receivers find the channel without senders."""
    recv, send = pep554.create_channel()
    made = pep554.create()
    made.run("pass", channels={"send": send})
    send.release()
    made.close()
    raises(pep554.ChannelClosedError, recv.recv)


@row("archipel, Interpreter.kill()")
def killed_with_its_descendants():
    """A killed interpreter and its descendants no longer exist; killing it again has no effect."""
    made = archipel.create()
    made.exec("from concurrent import interpreters; own = interpreters.create()")
    inner = made.call(eval, "own.id")
    made.kill()
    made.kill()
    assert not {made.id, inner} & set(ids())


@row("archipel, Interpreter.kill()")
def killed_while_it_runs():
    """An interpreter in a loop that never waits can be killed, and its caller gets InterpreterDied."""
    made = archipel.create(safe=False)
    task = made.call_in_thread(exec, "while True: pass")
    shown = []
    hook, threading.excepthook = threading.excepthook, lambda args: shown.append(args.exc_type)
    try:
        made.kill()
        task.join()
    finally:
        threading.excepthook = hook
    equal(shown, [archipel.InterpreterDied])
    assert made.id not in ids()


@row("ARCHITECTURE.md, a store lives once")
def others_outlive_it():
    """Closing one interpreter does not affect its siblings."""
    first, second = child(n=1), child(n=2)
    first.close()
    equal(second.call(eval, "n"), 2)


if __name__ == "__main__":
    run()
