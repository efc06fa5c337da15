"""Functions and classes that the tests send to interpreters."""

import contextvars
import dataclasses
import enum
import functools
import math
import re
import threading
import typing
import xml.etree.ElementTree
from collections import Counter
from math import sqrt as root

FACTOR = 3
TABLE = {"a": [1, 2]}
PATTERN = re.compile(r"\d+")
LOCK = threading.Lock()
VARIABLE = contextvars.ContextVar("VARIABLE", default="unset")


def scale(value: "NoSuchType", by: float = FACTOR) -> float:
    return helper(value) * by


def helper(value):
    return root(value) + math.floor(0.5)


def uses_table(key):
    return TABLE[key], PATTERN.findall("a1b22"), Counter("aab").most_common(1)


def parse(text):
    return xml.etree.ElementTree.fromstring(text).tag


def recursive(n):
    return 1 if n == 0 else n * recursive(n - 1)


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def uses_lock():
    with LOCK:
        return 1


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return ["logged", function(*args)]

    return wrapper


@logged
def decorated(n):
    return n + 1


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int
    y: int = 2
    names: typing.ClassVar[list] = []

    def total(self):
        return self.x + self.y

    @staticmethod
    def make(x):
        return Point(x).total()


def uses_class(x):
    return Point(x).total(), Colour.RED.name


def count_up(n):
    def numbers():
        yield from range(n)

    return list(numbers())


def adder(n):
    def add(value):
        return value + n * FACTOR

    return add


def with_lock():
    lock = threading.Lock()

    def locked():
        return lock.locked()

    return locked


def fails():
    raise ValueError("on purpose")


def forever():
    while True:
        pass


def slow_square(n):
    return n * n


def produce(send, count, *, done=None):
    for n in range(count):
        send.send(n)
    send.release()
    if done is not None:
        done.send("done")
