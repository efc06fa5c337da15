"""Safe children, which share no trust with their creator."""

import fractions
from concurrent import interpreters
from concurrent.interpreters import ExecutionFailed, NotShareableError

import archipel
from interpreters import create_channel
from runner import equal, raises, row, run


def failure(made, source):
    return raises(ExecutionFailed, made.exec, source).excinfo.type.__name__


@row("archipel, create(safe=True)")
def safe_by_default():
    """A child is safe by default, and `is_safe` says so."""
    assert archipel.create().is_safe is True
    assert archipel.create(safe=False).is_safe is False
    assert isinstance(archipel.create(), interpreters.Interpreter)


@row("archipel, create(safe=True)")
def works():
    """It runs source, calls functions and returns data as others do."""
    made = archipel.create()
    made.prepare_main(n=[1, 2])
    made.exec("n.append(3)")
    equal(made.call(sum, [1, 2]), 3)
    equal(made.call(eval, "{'n': n}"), {"n": [1, 2, 3]})


@row("docs/python.md, pickles cross only within one domain")
def takes_pickles():
    """A parent can send a pickle to a safe child, which cannot refuse it."""
    equal(archipel.create().call(str, fractions.Fraction(1, 2)), "1/2")


@row("docs/python.md, pickles cross only within one domain")
def results_by_pickle():
    """A result that is not data is refused as not shareable."""
    made = archipel.create()
    raises(NotShareableError, made.call, fractions.Fraction, 1, 2)
    equal(made.call(len, "ab"), 2)


@row("docs/python.md, pickles cross only within one domain")
def queues_from_a_safe_child():
    """The child cannot put a pickle into a queue, and nothing arrives."""
    made, queue = archipel.create(), interpreters.create_queue()
    made.prepare_main(q=queue)
    equal(failure(made, "import fractions; q.put(fractions.Fraction(1, 2))"), "NotShareableError")
    made.exec("q.put([1, {'two': (3.0, b'4')}])")
    equal((queue.get(), queue.qsize()), ([1, {"two": (3.0, b"4")}], 0))


@row("docs/python.md, pickles cross only within one domain")
def queues_between_safe_children():
    """Neither can one safe child send a pickle to another."""
    queue = interpreters.create_queue()
    one, two = archipel.create(), archipel.create()
    one.prepare_main(q=queue)
    two.prepare_main(q=queue)
    equal(failure(one, "import decimal; q.put(decimal.Decimal(1))"), "NotShareableError")
    one.exec("q.put('text')")
    equal(two.call(eval, "q.get()"), "text")


@row("docs/python.md, pickles cross only within one domain")
def exceptions_are_text():
    """Its exceptions arrive as text, whatever their classes do."""
    made = archipel.create()
    source = """
class Evil(Exception):
    def __reduce__(self):
        return eval, ("1 / 0",)
    def __str__(self):
        return "still text"
raise Evil
"""
    equal(raises(ExecutionFailed, made.exec, source).excinfo.msg, "still text")


@row("archipel, a safe child names nothing of its parent")
def names_no_interpreter():
    """It lists only itself, and cannot use the ids of other interpreters."""
    sibling, made = interpreters.create(), archipel.create()
    ids = "[i.id for i in __import__('concurrent.interpreters').interpreters.list_all()]"
    equal(made.call(eval, ids), [made.id])
    for id in (0, sibling.id):
        source = f"import interpreters; interpreters.Interpreter({id})"
        equal(failure(made, source), "InterpreterNotFoundError")
        source = f"import _interpreters; _interpreters.exec({id}, 'pass')"
        equal(failure(made, source), "InterpreterNotFoundError")


@row("archipel, a safe child names nothing of its parent")
def names_no_queue():
    """It cannot use the id of a queue that it was not given."""
    queue, made = interpreters.create_queue(), archipel.create()
    source = f"from concurrent import interpreters; interpreters.Queue({queue.id})"
    equal(failure(made, source), "QueueNotFoundError")
    made.prepare_main(q=queue)
    equal(made.call(eval, "q.id"), queue.id)


@row("archipel, a safe child names nothing of its parent")
def names_no_channel():
    """Nor can it use the id of a channel."""
    _recv, send = create_channel(1)
    made = archipel.create()
    equal(failure(made, f"import _interpchannels as c; c.recv({send.id})"), "ChannelNotFoundError")


@row("archipel, a child never has more than its parent")
def children_of_safe_ones():
    """Its own children are just as safe towards others, and it trusts them."""
    made = archipel.create()
    made.exec("from concurrent import interpreters as i; own = i.create()")
    made.exec("import fractions; assert own.call(fractions.Fraction, 1, 2) * 2 == 1")
    queue = interpreters.create_queue()
    made.prepare_main(q=queue)
    made.exec("own.prepare_main(q=q)")
    equal(
        failure(made, "own.exec('import fractions; q.put(fractions.Fraction(1, 2))')"),
        "ExecutionFailed",
    )
    equal(queue.qsize(), 0)


@row("docs/safe.md, a policy starts empty")
def no_capabilities():
    """It has no files, no environment and no arguments."""
    made = archipel.create()
    equal(made.call(eval, "dict(__import__('os').environ)"), {})
    equal(failure(made, "open('/conformance/runner.py')"), "FileNotFoundError")
    equal(failure(made, "import os; os.listdir('/')"), "FileNotFoundError")


if __name__ == "__main__":
    run()
