"""Functions and classes of a script that travel by value: the script has no guard, so it cannot be run again."""

import abc
import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses
import enum
import functools
import io
import json as js
import math
import sys
import threading
import typing
from concurrent import interpreters
from concurrent.futures import InterpreterPoolExecutor
from concurrent.interpreters import NotShareableError

import archipel
from runner import child, equal, raises, row, run

DOC = "docs/python.md, functions by value"
FACTOR = 10
settings = {"a": 1}
state = None
total = 0
lock = threading.Lock()
missing = object()
seen = {}
kinds = {}
Number = typing.TypeVar("Number")


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def with_defaults(a, b=3, /, *rest, c=(1, 2), d: "Nowhere" = None, **more) -> int:  # noqa: F821
    return a, b, rest, c, d, more


def is_even(n):
    return n == 0 or is_odd(n - 1)


def is_odd(n):
    return n != 0 and is_even(n - 1)


def adder(n):
    return lambda x: x + n + FACTOR


def counter():
    n = 0

    def add():
        nonlocal n
        n += 1

    def get():
        return n

    return add, get


add_one, get_count = counter()


def add_twice():
    add_one()
    add_one()
    return get_count()


def doubled(function):
    @functools.wraps(function)
    def call(*args):
        return 2 * function(*args)

    return call


@doubled
def times(x):
    """Times the factor."""
    return x * FACTOR


@functools.cache
def fast_fib(n):
    return n if n < 2 else fast_fib(n - 1) + fast_fib(n - 2)


@functools.singledispatch
def kind_of(value):
    return "object"


@kind_of.register
def _(value: int):
    return "int"


@contextlib.contextmanager
def scaled(n):
    yield n * FACTOR


def count_to(n):
    for i in range(n):
        yield i * FACTOR


async def later(x):
    await asyncio.sleep(0)
    return x * FACTOR


@dataclasses.dataclass
class Point:
    x: int
    y: int = 2
    tags: list = dataclasses.field(default_factory=list)

    def norm(self):
        return math.hypot(self.x, self.y)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Frozen:
    a: int


class Color(enum.Enum):
    RED = 1
    GREEN = 2
    CRIMSON = 1

    def shown(self):
        return self.name.lower()


class Planet(enum.Enum):
    EARTH = 5.97, 6.37

    def __init__(self, mass, radius):
        self.mass, self.radius = mass, radius


class Flags(enum.Flag):
    A = enum.auto()
    B = enum.auto()


Pair = collections.namedtuple("Pair", "left right", defaults=[0])


class Base:
    made = 0

    def __init__(self, value):
        self.value = value

    def __init_subclass__(cls):
        kinds[cls.__name__] = cls

    def who(self):
        return "base"


class Derived(Base):
    def who(self):
        return f"derived of {super().who()}"

    @classmethod
    def make(cls, value):
        return cls(value)

    @staticmethod
    def scale(value):
        return value * FACTOR

    @property
    def double(self):
        return self.value * 2


class Slotted:
    __slots__ = ("open", "__hidden")

    def __init__(self):
        self.open, self.__hidden = 1, 2

    def hidden(self):
        return self.__hidden


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


class Square(Shape):
    def area(self):
        return 4


class Node:
    pass


Node.first = Node()


class Box(typing.Generic[Number]):
    def __init__(self, content: Number):
        self.content = content


class Failure(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code


def fail():
    raise Failure(3, "why")


def prepare(value):
    global state
    state = value
    settings["prepared"] = value


def prepared():
    return state, settings.get("prepared")


def bump():
    global total
    total += 1
    return total


def find(x=missing):
    return x is missing


def remember(key, seen=seen):
    seen[key] = True
    return remembered()


def remembered():
    return sorted(seen)


def locked():
    with lock:
        return 1


def call(function, *args, **kwargs):
    with InterpreterPoolExecutor(1) as pool:
        return pool.submit(function, *args, **kwargs).result()


@row(DOC)
def every_way_to_call():
    """Pools, `map`, `Interpreter.call`, `call_in_thread`, `spawn` and executors of `asyncio` accept them."""
    made = child()
    pool = InterpreterPoolExecutor(2)
    equal(pool.submit(fib, 10).result(), 55)
    equal(list(pool.map(fib, range(5))), [0, 1, 1, 2, 3])
    equal(made.call(fib, 10), 55)
    equal(archipel.spawn(fib, 10).result(), 55)
    queue = interpreters.create_queue()
    made.call_in_thread(lambda queue: queue.put(fib(10)), queue).join()
    equal(queue.get(), 55)

    async def executed():
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, fib, 10), await asyncio.to_thread(fib, 10)

    equal(asyncio.run(executed()), (55, 55))
    pool.shutdown()


@row(DOC)
def kinds_of_functions():
    """Defaults, annotations, lambdas, closures and functions that call each other work unchanged."""
    equal(call(with_defaults, 1, 2, 3, e=4), (1, 2, (3,), (1, 2), None, {"e": 4}))
    equal(call(is_even, 10), True)
    equal(call(adder(1), 2), 13)
    equal(call(lambda: sorted([3, 1], key=lambda n: n * FACTOR)), [1, 3])
    equal(call(add_twice), 2)
    equal(call(lambda: list(count_to(2))), [0, 10])
    equal(call(lambda: asyncio.run(later(2))), 20)


@row(DOC)
def decorated_functions():
    """So do functions with decorators, caches, partials, dispatchers and context managers."""
    equal(call(times, 2), 40)
    equal(call(lambda: (times.__name__, times.__doc__)), ("times", "Times the factor."))
    with InterpreterPoolExecutor(1) as pool:
        equal(pool.submit(fast_fib, 50).result(), 12586269025)
        equal(pool.submit(lambda: fast_fib.cache_info().currsize).result(), 51)
    equal(call(functools.partial(with_defaults, 1, c=2)), (1, 3, (), 2, None, {}))
    equal(call(lambda: (kind_of(1), kind_of(""))), ("int", "object"))

    def entered():
        with scaled(2) as value:
            return value

    equal(call(entered), 20)


@row(DOC)
def kinds_of_classes():
    """Dataclasses, enumerations, named tuples, slots, abstract and generic classes work unchanged."""
    equal(call(Point.norm, Point(3, 4)), 5.0)
    equal(call(lambda: [field.name for field in dataclasses.fields(Point)]), ["x", "y", "tags"])
    equal(call(lambda: sorted([Frozen(2), Frozen(1)])[0].a), 1)
    equal(call(Color.shown, Color.RED), "red")
    equal(call(lambda color: color is Color.CRIMSON and Color(2).name, Color.RED), "GREEN")
    equal(call(lambda: Planet.EARTH.radius), 6.37)
    equal(call(lambda flag: (flag | Flags.B).value, Flags.A), 3)
    equal(call(lambda pair: pair._replace(left=5)[:], Pair(1)), (5, 0))
    equal(call(Derived(1).who), "derived of base")
    equal(call(Derived.make, 4).double, 8)
    equal(call(Derived.scale, 4), 40)
    equal(call(lambda slotted: (slotted.hidden(), hasattr(slotted, "__dict__")), Slotted()), (2, False))
    equal(call(lambda: (Square().area(), isinstance(Square(), Shape))), (4, True))
    error = raises(interpreters.ExecutionFailed, child().call, lambda: Shape())
    equal(error.excinfo.type.__name__, "TypeError")
    equal(call(lambda: Box[int](3).content), 3)
    equal(call(lambda: type(Node.first) is Node), True)


@row(DOC)
def classes_are_not_made_again():
    """`__init_subclass__` is not called again where the class arrives."""
    equal(call(lambda: kinds["Derived"] is Derived and len(kinds)), 1)


@row(DOC)
def own_classes_come_back():
    """Instances, members, classes, functions and exceptions that come back are the caller's own objects."""
    equal(call(lambda point: dataclasses.replace(point, x=9), Point(1)), Point(9))
    assert type(call(lambda: Pair(1))) is Pair
    assert call(lambda: Color.GREEN) is Color.GREEN
    assert call(lambda: (Derived, fib)) == (Derived, fib)
    error = raises(Failure, call, fail)
    equal((error.args, error.code), ((3, "why"), 3))
    equal(call(adder, 1)(2), 13)


@row(DOC)
def modules():
    """They find the modules that the script imported, also under other names and with submodules."""
    equal(call(lambda: js.dumps([1])), "[1]")
    equal(call(lambda: concurrent.futures.ThreadPoolExecutor.__name__), "ThreadPoolExecutor")
    equal(call(lambda: sys.stdout is sys.__stdout__), True)


@row(DOC)
def variables_are_snapshots():
    """A variable has its value at the time of the call; it is sent again after it changes."""
    equal(call(lambda: settings["a"]), 1)
    settings["a"] = 2
    equal(call(lambda: settings["a"]), 2)
    settings["a"] = 1


@row(DOC)
def variables_stay():
    """Changes that a call makes to variables persist there for later calls, and do not reach the caller."""
    with InterpreterPoolExecutor(1, initializer=prepare, initargs=(7,)) as other:
        equal(other.submit(prepared).result(), (7, 7))
        equal([other.submit(bump).result() for _ in range(3)], [1, 2, 3])
        settings["a"] = 1
        equal(other.submit(prepared).result(), (7, 7))
    equal((state, total, "prepared" in settings), (None, 0, False))


@row(DOC)
def one_value_for_all():
    """A value that several functions have as a default, in a closure or as a variable stays one object."""
    equal(call(find), True)
    equal(call(remember, "a"), ["a"])


@row(DOC)
def refusals():
    """A value that cannot travel is refused where it is sent, with the name of the variable."""
    file = io.BufferedReader(io.BytesIO())
    numbers = (n for n in range(1))

    def in_closure():
        return file, numbers

    def as_default(stream=numbers):
        return stream

    for function, name in (
        (locked, "variable 'lock' of __main__"),
        (lambda: locked(), "variable 'lock' of __main__"),
        (in_closure, "variable 'file' of function 'refusals.<locals>.in_closure'"),
        (as_default, "default of 'stream' of function 'refusals.<locals>.as_default'"),
    ):
        error = raises(NotShareableError, child().call, function)
        assert f"{name} cannot travel: " in str(error), error


@row(DOC)
def from_interpreter_to_interpreter():
    """An interpreter can send on what it received, and the first one gets its own objects back."""

    def further():
        return interpreters.create().call(lambda point: (fib(7), point, Color.RED), Point(1))

    equal(child().call(further), (13, Point(1), Color.RED))


@row(DOC)
def between_children():
    """A class that arrives by two ways is one class."""
    made = child()
    queue = interpreters.create_queue()
    queue.put(Point(1))
    equal(made.call(lambda queue: isinstance(queue.get(), Point), queue), True)


@row(DOC)
def tracebacks():
    """Tracebacks of the exceptions that they raise show their lines."""
    error = raises(interpreters.ExecutionFailed, child().call, fail)
    assert 'raise Failure(3, "why")' in error.excinfo.errdisplay, error.excinfo.errdisplay


@row(DOC)
def safe_children():
    """A safe child can be sent them, and sends back only data."""
    made = archipel.create()
    equal(made.call(fib, 10), 55)
    raises(NotShareableError, made.call, Point, 1)


run()
