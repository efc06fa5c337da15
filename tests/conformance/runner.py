"""The runner of the rows, each of which tests one documented statement.

A file of rows ends with `run()`, under `if __name__ == "__main__":` if children must be able to run it again for what
cannot travel by value.
"""

import asyncio
import gc
import inspect
import sys
import traceback

import archipel
from concurrent import interpreters

_rows = []


def row(source):
    """Register a function or a coroutine function as a row; its docstring is the statement of `source`."""

    def add(function):
        assert function.__doc__, function
        _rows.append((source, function))
        return function

    return add


def equal(got, expected):
    """Assert that two objects are equal and of the same type; the error shows them."""
    assert type(got) is type(expected) and got == expected, f"{got!r} is not {expected!r}"


def raises(kind, function, /, *args, **kwargs):
    """Return the exception that a call raises, whose class must be exactly `kind`."""
    try:
        result = function(*args, **kwargs)
    except kind as error:
        assert type(error) is kind, f"{type(error)!r} is not {kind!r}"
        # Release what the frames of the failed call refer to.
        return error.with_traceback(None)
    raise AssertionError(f"{result!r} was returned instead of {kind.__name__} being raised")


def child(**names):
    """Create an interpreter, with some names bound in its `__main__`."""
    made = interpreters.create()
    if names:
        made.prepare_main(names)
    return made


def meet(ready, go):
    """Report the start, wait for the signal to continue, and return what arrived."""
    ready.put(None)
    return go.get()


# Forged code that reads a constant far outside of the memory, which crashes the interpreter.
CRASH = """
from opcode import opmap
def crash(): pass
wide = opmap["EXTENDED_ARG"]
crash.__code__ = crash.__code__.replace(
    co_code=bytes([opmap["RESUME"], 0, wide, 32, wide, 0, wide, 0, opmap["LOAD_CONST"], 0])
)
crash()
"""


class Busy:
    """A child that runs while the block does."""

    def __init__(self, made=None):
        self.child = made or interpreters.create()

    def __enter__(self):
        ready, self.go = interpreters.create_queue(), interpreters.create_queue()
        self.thread = self.child.call_in_thread(meet, ready, self.go)
        ready.get()
        return self.child

    def __exit__(self, *exc_info):
        self.go.put(None)
        self.thread.join()


def _run_one(function):
    """Run a row; return None, or the traceback of its failure."""
    try:
        if inspect.iscoroutinefunction(function):
            asyncio.run(function())
        else:
            function()
    except BaseException:
        return traceback.format_exc()
    return None


def _close_all():
    """Close all children, so that rows do not affect each other."""
    gc.collect()
    here = interpreters.get_current()
    for other in interpreters.list_all():
        if other is not here:
            archipel.Interpreter.kill(other)


def run():
    """Run the rows that the arguments name, print a line for each and the traceback of each failure, and exit.

    Without arguments, run all rows. With `--list`, only print their names.
    """
    wanted = sys.argv[1:]
    if wanted == ["--list"]:
        for _, function in _rows:
            print(function.__name__)
        return
    failed = 0
    for source, function in _rows:
        if wanted and function.__name__ not in wanted:
            continue
        promise = " ".join(function.__doc__.split())
        trouble = _run_one(function)
        _close_all()
        if trouble is None:
            print(f"ok      {function.__name__}: {source}: {promise}", flush=True)
            continue
        failed += 1
        print(f"FAILED  {function.__name__}: {source}: {promise}")
        print("".join(f"        {line}\n" for line in trouble.splitlines()), end="", flush=True)
    sys.exit(1 if failed else 0)
