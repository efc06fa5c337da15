"""Lives of what others offer, timed: `peers.py FOLDER` prints a name and nanoseconds a line.

A life is what it takes to create a place for code, to run nothing in it and to be rid of it.  FOLDER may have
pyeryx installed in it.  What this Python does not have is left out.
"""

import multiprocessing
import statistics
import subprocess
import sys
import time


def lives(name, count, life):
    life()
    times = []
    for _ in range(count):
        start = time.perf_counter_ns()
        life()
        times.append(time.perf_counter_ns() - start)
    print(f"{name}\t{int(statistics.median(times))}", flush=True)


def nothing():
    pass


def process():
    child = multiprocessing.get_context("fork").Process(target=nothing)
    child.start()
    child.join()


def python():
    subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)


version = ".".join(map(str, sys.version_info[:2]))
lives("multiprocessing, fork", 50, process)
lives(f"a process of Python {version}", 20, python)

try:
    import _interpreters as native
except ImportError:
    try:
        import _xxsubinterpreters as native
    except ImportError:
        native = None
if native:

    def subinterpreter():
        made = native.create()
        native.run_string(made, "pass")
        native.destroy(made)

    lives(f"a subinterpreter of Python {version}", 50, subinterpreter)

sys.path.insert(0, sys.argv[1])
try:
    import eryx
except ImportError:
    pass
else:
    lives("a sandbox of pyeryx", 50, lambda: eryx.Sandbox().execute("pass"))
