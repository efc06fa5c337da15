"""Binding names in an interpreter and running source text in it."""

import sys
from concurrent import interpreters
from concurrent.interpreters import ExecutionFailed, InterpreterError, NotShareableError

from runner import Busy, child, equal, raises, row, run


def sets_a_name():
    global by_a_function
    by_a_function = 3


def returns_something():
    return 3


def takes_something(x):
    pass


def failure(source):
    return raises(ExecutionFailed, child().exec, source)


@row("PEP 734, Interpreter.prepare_main()")
def binds_keywords():
    """Keyword arguments become names in `__main__`."""
    made = child()
    equal(made.prepare_main(a=1, b="two"), None)
    equal(made.call(eval, "(a, b)"), (1, "two"))


@row("CPython 3.14, Interpreter.prepare_main()")
def binds_a_dict():
    """So does a mapping of names; keyword arguments override it."""
    made = child()
    made.prepare_main({"a": 1, "b": 2}, b=3)
    equal(made.call(eval, "(a, b)"), (1, 3))


@row("CPython 3.14, Interpreter.prepare_main()")
def binds_pairs():
    """So do pairs of names and values, as for dict()."""
    made = child()
    made.prepare_main([("a", 1), ("b", 2)])
    equal(made.call(eval, "(a, b)"), (1, 2))


@row("PEP 734, Interpreter.prepare_main()")
def binding_keeps_the_rest():
    """Other names in `__main__` stay."""
    made = child(a=1, b=1)
    made.prepare_main(b=2)
    equal(made.call(eval, "(a, b)"), (1, 2))


@row("PEP 734, Interpreter.prepare_main()")
def binds_new_objects():
    """The child gets objects of its own: changing them changes nothing here."""
    own = [1]
    made = child(given=own)
    made.exec("given.append(2)")
    equal(own, [1])
    equal(made.call(eval, "given"), [1, 2])


@row("PEP 734, Interpreter.prepare_main()")
def binds_a_queue():
    """A queue that is bound is the same queue."""
    queue = interpreters.create_queue()
    made = child(queue=queue)
    made.exec("queue.put(1)")
    equal(queue.get(), 1)


@row("PEP 734, Interpreter.prepare_main()")
def binds_only_what_is_shareable():
    """A value that is not shareable is refused, and nothing is bound."""
    made = child()
    raises(NotShareableError, made.prepare_main, a=1, b=object())
    raises(NotShareableError, made.prepare_main, f=lambda: 0)
    assert "a" not in made.call(dir)


@row("CPython 3.14, Interpreter.prepare_main()")
def binding_nothing():
    """Binding no names is a ValueError."""
    raises(ValueError, child().prepare_main)
    raises(ValueError, child().prepare_main, {})


@row("CPython 3.14, Interpreter.prepare_main()")
def binding_in_a_running_one():
    """Names cannot be bound while the interpreter runs."""
    made = child()
    with Busy(made):
        raises(InterpreterError, made.prepare_main, a=1)
    raises(InterpreterError, interpreters.get_current().prepare_main, a=1)


@row("PEP 734, Interpreter.exec()")
def persists():
    """`__main__` and the imported modules persist between calls."""
    made = child()
    made.exec("import json; n = 1")
    made.exec("n += 1; text = json.dumps([n])")
    equal(made.call(eval, "text"), "[2]")


@row("PEP 734, Interpreter.exec()")
def runs_in_main():
    """The names of the source are those of `__main__`, as globals and as locals."""
    made = child()
    made.exec("same = globals() is locals() is __import__('sys').modules['__main__'].__dict__")
    assert made.call(eval, "same and __name__ == '__main__'")


@row("PEP 734, Interpreter.exec()")
def returns_nothing():
    """There is no return value."""
    equal(child().exec("1 + 1"), None)


@row("PEP 734, Interpreter.exec()")
def separate():
    """Definitions in one interpreter do not appear in another."""
    first, second = child(), child()
    first.exec("only_here = 1")
    equal(
        raises(ExecutionFailed, second.exec, "only_here").excinfo.type.__name__, "NameError"
    )
    assert "only_here" not in globals()


@row("PEP 734, Interpreter.exec(): this is the builtin exec there")
def comprehensions_and_functions():
    """Functions and comprehensions in the source see the names that it defines."""
    made = child()
    made.exec("n = 3\ndef f(): return [n * i for i in range(n)]\nresult = f()")
    equal(made.call(eval, "result"), [0, 3, 6])


@row("CPython 3.14, Interpreter.exec()")
def prints_to_its_own_stdout():
    """A child's output goes to its own `sys.stdout`, which it alone can replace."""
    made = child()
    made.exec("import io, sys; sys.stdout = io.StringIO(); print('hidden')")
    equal(made.call(eval, "sys.stdout.getvalue()"), "hidden\n")
    assert sys.stdout is sys.__stdout__


@row("CPython 3.14, Interpreter.exec()")
def runs_functions():
    """A function without parameters and result runs as the source of its body."""
    made = child()
    made.exec(sets_a_name)
    equal(made.call(eval, "by_a_function"), 3)
    assert "by_a_function" not in globals()


@row("CPython 3.14, Interpreter.exec()")
def runs_code_objects():
    """So does a code object."""
    made = child()
    made.exec(compile("n = 5", "<here>", "exec"))
    equal(made.call(eval, "n"), 5)


@row("CPython 3.14, Interpreter.exec()")
def functions_that_are_not_scripts():
    """A function with parameters, with a result or with a closure is refused."""
    cell = 1

    def closure():
        cell  # noqa: B018

    made = child()
    for function in (returns_something, takes_something, closure):
        raises(ValueError, made.exec, function)


@row("CPython 3.14, Interpreter.exec()")
def syntax_errors():
    """Invalid source raises SyntaxError in the caller, and none of it runs."""
    made = child()
    error = raises(SyntaxError, made.exec, "n = 1\nn +")
    equal(error.lineno, 2)
    assert "n" not in made.call(dir)


@row("CPython 3.14, Interpreter.exec()")
def syntax_errors_of_the_child():
    """A SyntaxError raised by the running source is an ExecutionFailed."""
    equal(failure("compile('1 +', 'x', 'exec')").excinfo.type.__name__, "SyntaxError")


@row("CPython 3.14, Interpreter.exec()")
def invalid_source():
    """An object that is not a string, function or code object is a TypeError."""
    made = child()
    for code in (None, 1, ["pass"]):
        raises(TypeError, made.exec, code)


@row("CPython 3.14, Interpreter.exec(): this is the builtin exec there")
def runs_bytes():
    """Bytes are source text too, as they are for the builtin exec."""
    made = child()
    made.exec(b"n = '\xc3\xa9'")
    equal(made.call(eval, "n"), "\xe9")


@row("PEP 734, ExecutionFailed")
def excinfo_type():
    """`excinfo.type` has the names of the class of the exception."""
    kind = failure("class Outer:\n class E(Exception): pass\nraise Outer.E('x')").excinfo.type
    equal((kind.__name__, kind.__qualname__, kind.__module__), ("E", "Outer.E", "__main__"))
    kind = failure("1 / 0").excinfo.type
    equal(kind.__module__, "builtins")


@row("PEP 734, ExecutionFailed")
def excinfo_msg():
    """`excinfo.msg` is the text of the exception."""
    equal(failure("raise ValueError('some text')").excinfo.msg, "some text")


@row("CPython 3.14, ExecutionFailed")
def excinfo_formatted():
    """`excinfo.formatted` is the class and the text, or only the class if there is no text."""
    equal(failure("raise ValueError('text')").excinfo.formatted, "ValueError: text")
    equal(failure("raise ValueError").excinfo.formatted, "ValueError")


@row("CPython 3.14, ExecutionFailed")
def excinfo_errdisplay():
    """`excinfo.errdisplay` is the traceback as Python prints it, with lines of the source."""
    shown = failure("def f():\n    1 / 0\nf()").excinfo.errdisplay
    assert shown.startswith("Traceback (most recent call last):\n"), shown
    assert "line 2, in f\n    1 / 0" in shown, shown
    assert shown.endswith("ZeroDivisionError: division by zero"), shown
    assert "_island" not in shown and "/python/" not in shown, shown


@row("CPython 3.14, ExecutionFailed")
def excinfo_shows_causes():
    """Causes and notes are in the traceback too."""
    shown = failure(
        "try: {}[1]\nexcept KeyError as e:\n x = ValueError('v'); x.add_note('noted'); raise x from e"
    ).excinfo.errdisplay
    assert "KeyError: 1" in shown and "direct cause" in shown and "noted" in shown, shown


@row("CPython 3.14, ExecutionFailed.__str__()")
def text_of_execution_failed():
    """Its text has the short form and then the traceback."""
    text = str(failure("1 / 0"))
    assert text.startswith("ZeroDivisionError: division by zero\n\nUncaught in the interpreter:")
    assert "Traceback (most recent call last):" in text


@row("PEP 734, Interpreter.exec()")
def exceptions_are_summaries():
    """An uncaught exception is an ExecutionFailed here, whatever its class."""
    for source in ("1 / 0", "raise SystemExit(3)", "raise KeyboardInterrupt", "raise BaseException"):
        failure(source)
    equal(failure("import sys; sys.exit(3)").excinfo.msg, "3")


@row("PEP 734, Interpreter.exec()")
def goes_on_after_a_failure():
    """The effects before the exception stay, and the interpreter is still usable."""
    made = child()
    raises(ExecutionFailed, made.exec, "n = 1\n1 / 0\nn = 2")
    equal(made.call(eval, "n"), 1)


@row("PEP 734, Interpreter.exec()")
def refused_while_running():
    """A second exec is refused while one runs, and does not affect the first."""
    made = child(n=0)
    with Busy(made):
        raises(InterpreterError, made.exec, "n = 1")
        raises(InterpreterError, made.call, len, "")
    equal(made.call(eval, "n"), 0)


@row("CPython 3.14, Interpreter.exec()")
def refused_on_itself():
    """The current interpreter cannot run code through its own object."""
    raises(InterpreterError, interpreters.get_current().exec, "pass")
    raises(InterpreterError, interpreters.get_current().call, len, "")
    equal(
        failure(
            "from concurrent import interpreters as i; i.get_current().exec('pass')"
        ).excinfo.type.__name__,
        "InterpreterError",
    )


@row("docs/safe.md, hostile exceptions")
def exceptions_whose_text_fails():
    """An exception whose text cannot be computed is reported anyway, and nothing else is affected."""
    failed = failure(
        "class E(Exception):\n def __str__(self): 1 / 0\n __repr__ = __str__\nraise E"
    )
    equal(failed.excinfo.type.__name__, "E")
    assert "unprintable" in failed.excinfo.msg, failed.excinfo.msg


@row("docs/safe.md, hostile exceptions")
def exceptions_with_lone_surrogates():
    """Lone surrogates in the text of an exception arrive escaped."""
    equal(failure("raise ValueError('\\ud800')").excinfo.msg, "\\ud800")


if __name__ == "__main__":
    run()
