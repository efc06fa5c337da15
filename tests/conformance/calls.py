"""Calling functions in other interpreters."""

import collections
import fractions
import math
import operator
import threading
from concurrent import interpreters
from concurrent.interpreters import ExecutionFailed, NotShareableError

from runner import child, equal, raises, row, run

count = 0
greeting = "hello"


def add(n=1):
    global count
    count += n


def get_count():
    return count


def where():
    return __name__


def greet(name, /, *others, sign="!", **more):
    return f"{greeting} {name}{sign}", others, more


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def fails(*args):
    raise ValueError(*args)


def make_counter():
    n = 0

    def counter():
        nonlocal n
        n += 1
        return n

    return counter


def make_lambda():
    return lambda: greeting


def square(n):
    return n * n


def apply(function, *args):
    return function(*args)


def numbers():
    yield 1


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    def plus(self, other):
        return Point(self.x + other.x, self.y + other.y)

    def __call__(self, factor):
        return self.x * factor

    @classmethod
    def origin(cls):
        return cls(0, 0)

    @staticmethod
    def dimensions():
        return 2

    class Inner:
        pass


class Unpicklable:
    def __reduce__(self):
        raise ValueError("never")


class Unloadable:
    def __reduce__(self):
        return fails, ("when it arrives",)


class Unprintable(Exception):
    def __str__(self):
        raise ValueError("no text")


class Stuck(Exception):
    def __reduce__(self):
        raise ValueError("no pickle")


# A function that uses only builtins, including `globals`, does not depend on the script.
KINDS = {kind.__name__: kind for kind in (Unpicklable, Unprintable, Stuck, make_counter, numbers)}


refusal = ""
if __name__ != "__main__":
    # Simulates running a script without a guard again.
    try:
        interpreters.create()
    except interpreters.InterpreterError as error:
        refusal = str(error)


# A function that needs this is found by running the script again.
lock = threading.Lock()


def get_refusal():
    with lock:
        return refusal


def raise_it(name):
    raise KINDS[name]


def make(name):
    return KINDS[name]()


@row("CPython 3.14, Interpreter.call()")
def builtins_and_library():
    """Functions that can be imported are called in the module where they are found."""
    made = child()
    equal(made.call(len, "abc"), 3)
    equal(made.call(math.gcd, 12, 18), 6)
    equal(made.call(operator.add, [1], [2]), [1, 2])
    equal(made.call(collections.Counter, "aab"), collections.Counter(a=2, b=1))
    equal(made.call("a-b".split, "-"), ["a", "b"])


@row("CPython 3.14, Interpreter.call()")
def need_a_frame():
    """Builtins that use their caller's names use those of `__main__`."""
    made = child(n=4)
    equal(made.call(eval, "n + 1"), 5)
    equal(made.call(exec, "m = n * 2"), None)
    equal(made.call(eval, "m"), 8)
    assert {"n", "m", "__builtins__"} <= set(made.call(dir))


@row("CPython 3.14, Interpreter.call()")
def need_a_frame_and_return_it():
    """The namespaces that globals(), locals() and vars() return cannot be sent."""
    for function in (globals, locals, vars):
        raises(NotShareableError, child().call, function)


@row("CPython 3.14, Interpreter.call()")
def stateless_functions():
    """A function without a closure and globals runs anywhere, even if it was defined locally."""

    def area(width, height):
        return [width * height for _ in range(1)]

    equal(child().call(area, 2, 3), [6])
    equal(child().call(lambda text: text.upper(), "a"), "A")


@row("CPython 3.14, Interpreter.call()")
def stateless_functions_are_of_main():
    """The globals of such a function are those of the other interpreter's `__main__`."""
    equal(child().call(lambda: eval("__name__")), "__main__")
    equal(child(n=3).call(lambda: eval("n")), 3)


@row("CPython 3.14, Interpreter.call()")
def functions_of_main_run_in_a_fake():
    """A function of the script that uses globals runs in the module `<fake __main__>`."""
    equal(child().call(where), "<fake __main__>")


@row("CPython 3.14, Interpreter.call()")
def functions_of_main_have_their_globals():
    """It finds the globals of the script, with the values that the script gives them."""
    equal(child().call(greet, "you"), ("hello you!", (), {}))
    equal(child().call(fib, 10), 55)


@row("CPython 3.14, Interpreter.call()")
def functions_of_main_keep_their_globals():
    """Its globals persist from call to call, and are neither the caller's nor in `__main__`."""
    made = child()
    equal(made.call(get_count), 0)
    made.call(add)
    made.call(add, 3)
    equal(made.call(get_count), 4)
    equal(count, 0)
    assert not {"count", "add", "get_count"} & set(made.call(dir))


@row("CPython 3.14, Interpreter.call()")
def functions_that_are_there_already():
    """A function of that name in the other interpreter's own `__main__` takes precedence."""
    made = child()
    made.exec("def get_count(): return 'own'")
    equal(made.call(get_count), "own")


@row("CPython 3.14, Interpreter.call()")
def arguments_of_all_kinds():
    """Positional and keyword arguments arrive as such, and defaults apply."""
    equal(
        child().call(greet, "a", "b", sign="?", key=[1]), ("hello a?", ("b",), {"key": [1]})
    )
    equal(child().call(dict, self=1, callable=2), {"self": 1, "callable": 2})


@row("CPython 3.14, Interpreter.call()")
def arguments_are_copies():
    """Changes that the function makes to its arguments do not reach the caller."""
    own = [3, 1, 2]
    equal(child().call(list.sort, own), None)
    equal(own, [3, 1, 2])


@row("CPython 3.14, Interpreter.call()")
def functions_as_arguments():
    """Functions of the library, of the script and local ones can be arguments."""
    made = child()
    equal(made.call(apply, math.sqrt, 4.0), 2.0)
    equal(made.call(apply, square, 3), 9)
    equal(made.call(apply, lambda n: n + 1, 3), 4)


@row("CPython 3.14, Interpreter.call()")
def classes_and_methods():
    """Classes, bound methods, class methods, static methods and callable objects can be called."""
    made = child()
    equal(made.call(Point, 1, 2), Point(1, 2))
    equal(made.call(Point(1, 2).plus, Point(3, 4)), Point(4, 6))
    equal(made.call(Point.origin), Point(0, 0))
    equal(made.call(Point.dimensions), 2)
    equal(made.call(Point(5, 0), 3), 15)


@row("CPython 3.14, Interpreter.call()")
def instances_come_back_as_their_own_class():
    """An instance of a class of the script has the caller's own class when it comes back."""
    assert type(child().call(Point, 1, 2)) is Point
    assert type(child().call(Point.Inner)) is Point.Inner


@row("CPython 3.14, Interpreter.call()")
def results_by_pickle():
    """A result that is not plain data comes back as a pickle."""
    equal(child().call(fractions.Fraction, 1, 3), fractions.Fraction(1, 3))
    assert child().call(eval, "int") is int


@row("CPython 3.14, Interpreter.call()")
def results_are_none_too():
    """A function that returns nothing returns None."""
    assert child().call(add) is None


@row("docs/python.md, functions by value")
def closures():
    """A function with a closure has a copy of it, a new one in each call."""
    made, counter = child(), make_counter()
    equal([made.call(counter), made.call(counter), counter()], [1, 1, 1])
    equal(made.call(apply, make_counter()), 1)


@row("docs/python.md, functions by value")
def local_functions_with_globals():
    """A local function that uses globals is sent with their values."""
    equal(child().call(make_lambda()), "hello")


@row("docs/python.md, functions by value")
def functions_that_were_put_into_main():
    """So is a function that was put into `__main__` later, and is not in the script."""
    namespace = globals()
    exec("def put_there(): return greeting", namespace)
    try:
        equal(child().call(put_there), "hello")  # noqa: F821
    finally:
        del namespace["put_there"]


@row("CPython 3.14, Interpreter.call()")
def unpicklable_arguments():
    """An argument that cannot be pickled raises NotShareableError in the caller, with the reason."""
    made = child()
    error = raises(NotShareableError, made.call, repr, Unpicklable())
    assert "not shareable" in str(error) and error.__cause__ is not None
    raises(NotShareableError, made.call, len, numbers())
    assert not made.is_running()


@row("CPython 3.14, Interpreter.call()")
def unloadable_arguments():
    """An argument that cannot be unpickled raises NotShareableError in the caller too, and its cause
    says why."""
    made = child()
    error = raises(NotShareableError, made.call, repr, Unloadable())
    assert "when it arrives" in f"{error}{error.__cause__}", (error, error.__cause__)
    equal(made.call(len, "a"), 1)


@row("CPython 3.14, Interpreter.call()")
def unpicklable_results():
    """A result that cannot be pickled raises NotShareableError in the caller."""
    made = child()
    for name in ("Unpicklable", "numbers"):
        raises(NotShareableError, made.call, make, name)
    equal(made.call(make, "make_counter")(), 1)
    error = raises(NotShareableError, made.call, eval, "__import__('sys')")
    assert "module" in f"{error}{error.__cause__}", (error, error.__cause__)


@row("CPython 3.14, Interpreter.call()")
def exceptions():
    """An uncaught exception of the function is an ExecutionFailed, with the traceback."""
    failed = raises(ExecutionFailed, child().call, fails, "some text")
    equal(failed.excinfo.formatted, "ValueError: some text")
    assert "in fails\n    raise ValueError(*args)" in failed.excinfo.errdisplay


@row("CPython 3.14, Interpreter.call()")
def exceptions_whose_text_fails():
    """That holds for an exception whose `__str__` fails."""
    made = child()
    failed = raises(ExecutionFailed, made.call, raise_it, "Unprintable")
    equal(failed.excinfo.type.__name__, "Unprintable")
    equal(made.call(len, ""), 0)


@row("CPython 3.14, Interpreter.call()")
def exceptions_that_cannot_be_pickled():
    """That holds for an exception whose `__reduce__` fails, because exceptions travel as text."""
    failed = raises(ExecutionFailed, child().call, raise_it, "Stuck")
    equal(failed.excinfo.type.__name__, "Stuck")


@row("CPython 3.14, Interpreter.call()")
def objects_that_are_not_callable():
    """Calling an object that is not callable is a TypeError in the caller."""
    for what in (3, None, "print()"):
        raises(TypeError, child().call, what)


@row("CPython 3.14, Interpreter.call()")
def wrong_arguments():
    """Calling with arguments that the function does not accept fails with its TypeError."""
    failed = raises(ExecutionFailed, child().call, fib, 1, 2)
    equal(failed.excinfo.type.__name__, "TypeError")


@row("CPython 3.14, Interpreter.call()")
def an_interpreter_as_an_argument():
    """An interpreter can be passed a reference to itself."""
    made = child()
    equal(made.call(repr, made), repr(made))


@row("docs/python.md, list_all()")
def a_stranger_as_an_argument():
    """An interpreter that the receiver cannot name can be passed as an argument: it can be named from
    then on, but not before, because ids are not valid in the whole process here."""
    made, stranger = child(), interpreters.create()
    by_number = "__import__('concurrent.interpreters').interpreters.Interpreter(%d).is_running()"
    raises(ExecutionFailed, made.call, eval, by_number % stranger.id)
    equal(made.call(repr, stranger), repr(stranger))
    equal(made.call(eval, by_number % stranger.id), False)


@row("CPython 3.14, Interpreter.call()")
def a_script_without_a_guard():
    """An unguarded main part runs again there, and creating an interpreter in it is refused with
    advice; CPython would keep creating them."""
    made = child()
    assert "__name__ == '__main__'" in made.call(get_refusal), made.call(get_refusal)


if __name__ == "__main__":
    run()
