"""Creating interpreters, naming them, and their end."""

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
    """A new interpreter is listed and runs nothing."""
    made = interpreters.create()
    assert type(made) is Interpreter
    assert made in interpreters.list_all()
    assert made.is_running() is False


@row("PEP 734, create()")
def created_distinct():
    """Every interpreter has an id of its own, also after others were closed."""
    first = interpreters.create()
    before = first.id
    first.close()
    second, third = interpreters.create(), interpreters.create()
    equal(len({before, second.id, third.id}), 3)


@row("PEP 734, create()")
def created_with_a_fresh_main():
    """The `__main__` of a new interpreter has nothing in it of its creator's."""
    names = child().call(dir)
    assert "ids" not in names and "__builtins__" in names, names


@row("CPython 3.14, create() in a thread")
def created_in_a_thread():
    """An interpreter can be created in a thread and used outside of it."""
    made = []
    thread = threading.Thread(target=lambda: made.append(interpreters.create()))
    thread.start()
    thread.join()
    equal(made[0].call(len, "abc"), 3)


@row("PEP 734, create() in a subinterpreter")
def grandchildren():
    """A child has children of its own, and its parent may name them."""
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


@row("api.md 1, list_all()")
def list_all_shows_no_stranger():
    """A child lists itself and its descendants, and neither its parent nor its siblings: nobody names
    an ancestor here, so CPython's list of all cannot be had."""
    sibling, made = child(), child()
    made.exec("from concurrent import interpreters as i; own = i.create()")
    listed = made.call(eval, "sorted(x.id for x in i.list_all())")
    equal(listed, sorted([made.id, made.call(eval, "own.id")]))
    assert sibling.id not in listed


@row("api.md 1, ids name only what one was given")
def strangers_cannot_be_named():
    """The id of a sibling names nothing to a child."""
    sibling, made = child(), child()
    failed = raises(
        interpreters.ExecutionFailed,
        made.exec,
        f"from concurrent import interpreters as i; i.Interpreter({sibling.id})",
    )
    equal(failed.excinfo.type.__name__, "InterpreterNotFoundError")


@row("PEP 734, get_current()")
def current():
    """It is the interpreter that asks, and one object each time."""
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
    """It is the first interpreter, whose id is 0, also where a child asks."""
    assert interpreters.get_main() is interpreters.get_current()
    equal(interpreters.get_main().id, 0)
    equal(
        child().call(eval, "__import__('concurrent.interpreters').interpreters.get_main().id"), 0
    )


@row("api.md 3, no interpreter can name its ancestor")
def main_is_out_of_reach():
    """A child gets an object for the main interpreter, with which it can do nothing."""
    failed = raises(
        interpreters.ExecutionFailed,
        child().exec,
        "from concurrent import interpreters as i; i.get_main().exec('pass')",
    )
    equal(failed.excinfo.type.__name__, "InterpreterError")


@row("PEP 734, Interpreter(id)")
def one_object_per_id():
    """There is one object for an id, however it is made."""
    made = interpreters.create()
    assert Interpreter(made.id) is made
    assert interpreters.list_all()[-1] is made


@row("PEP 734, Interpreter.__eq__()")
def equality_is_identity():
    """Interpreters are equal only to themselves."""
    first, second = interpreters.create(), interpreters.create()
    assert first == first and first != second and first != first.id


@row("PEP 734, Interpreter.__hash__()")
def hash_of_the_id():
    """The hash is that of the id."""
    made = interpreters.create()
    equal(hash(made), hash(made.id))


@row("PEP 734, Interpreter.id")
def id_is_read_only():
    """The id is an int that cannot be set."""
    made = interpreters.create()
    assert type(made.id) is int
    raises(AttributeError, setattr, made, "id", 3)


@row("CPython 3.14, Interpreter.whence")
def whence():
    """It says that the runtime made the first one, and the module the others; it cannot be set."""
    equal(interpreters.get_main().whence, "runtime init")
    made = interpreters.create()
    equal(made.whence, "_interpreters module")
    raises(AttributeError, setattr, made, "whence", "x")


@row("CPython 3.14, Interpreter.__reduce__()")
def pickled_by_id():
    """A pickle of an interpreter is its id, which gives the same object again."""
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
    """The interpreter that asks is running."""
    assert interpreters.get_current().is_running() is True
    assert child().call(
        eval, "__import__('concurrent.interpreters').interpreters.get_current().is_running()"
    )


@row("PEP 734, Interpreter.is_running()")
def running_while_it_runs():
    """An interpreter is running from when its code begins until it ends."""
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
    """A closed interpreter is no more: each method says that it was not found, and repr goes on."""
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
    """No new object is made for the id of an interpreter that is no more."""
    made = interpreters.create()
    id = made.id
    made.close()
    del made
    raises(InterpreterNotFoundError, Interpreter, id)


@row("PEP 734, Interpreter.close()")
def closing_oneself():
    """The current interpreter cannot be closed, the main one least of all."""
    raises(InterpreterError, interpreters.get_current().close)
    failed = raises(
        interpreters.ExecutionFailed,
        child().exec,
        "from concurrent import interpreters as i; i.get_current().close()",
    )
    equal(failed.excinfo.type.__name__, "InterpreterError")


@row("PEP 734, Interpreter.close()")
def closing_a_running_one():
    """A running interpreter cannot be closed, and does not notice the attempt."""
    made = child()
    with Busy(made):
        raises(InterpreterError, made.close)
    equal(made.call(len, "ab"), 2)


@row("CPython 3.14, reference counts of interpreters")
def destroyed_with_the_last_reference():
    """An interpreter is destroyed as soon as nothing refers to it."""
    made = interpreters.create()
    id = made.id
    again = Interpreter(id)
    del made
    assert id in ids()
    del again
    assert id not in ids()


@row("CPython 3.14, reference counts of interpreters")
def destroyed_with_the_last_reference_after_a_failure():
    """An exception that was caught does not keep an interpreter alive."""
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
    """What an interpreter held goes with it: who waits for it learns that nobody will send."""
    recv, send = pep554.create_channel()
    made = pep554.create()
    made.run("pass", channels={"send": send})
    send.release()
    made.close()
    raises(pep554.ChannelClosedError, recv.recv)


@row("api.md 3, Interpreter.kill()")
def killed_with_its_descendants():
    """A killed interpreter and those that it created are no more; doing it twice is harmless."""
    made = archipel.create()
    made.exec("from concurrent import interpreters; own = interpreters.create()")
    inner = made.call(eval, "own.id")
    made.kill()
    made.kill()
    assert not {made.id, inner} & set(ids())


@row("api.md 3, Interpreter.kill()")
def killed_while_it_runs():
    """A running interpreter can be killed, in a loop that never waits, and who waits for it is told."""
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
    """Closing one interpreter leaves its siblings as they are."""
    first, second = child(n=1), child(n=2)
    first.close()
    equal(second.call(eval, "n"), 2)


if __name__ == "__main__":
    run()
