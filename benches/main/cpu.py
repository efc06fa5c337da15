"""Times pyperformance programs: `cpu.py FOLDER NAME...` prints lines of a name and nanoseconds.

Each program gets its runner from a module `pyperf`. A small replacement of it makes native Python and an
Archipel interpreter measure in the same way.
"""

import runpy
import sys
import time
import types
from argparse import ArgumentParser

# The minimum duration of a measurement, in seconds.
_LONG_ENOUGH = 0.1


class Runner:
    def __init__(self, *args, **kwargs):
        self.argparser = ArgumentParser()
        self.metadata = {}
        self.args = None

    def parse_args(self, *args):
        self.args = self.argparser.parse_args()
        return self.args

    def bench_func(self, name, function, *args, inner_loops=1):
        def rounds(count):
            start = time.perf_counter()
            for _ in range(count):
                function(*args)
            return time.perf_counter() - start

        self.bench_time_func(name, rounds, inner_loops=inner_loops)

    def bench_time_func(self, name, rounds, *args, inner_loops=1):
        count = 1
        while (took := rounds(count, *args)) < _LONG_ENOUGH:
            count *= 2
        best = min(took, rounds(count, *args), rounds(count, *args))
        print(name, int(best / count * 1e9), flush=True)


pyperf = types.ModuleType("pyperf")
pyperf.Runner = Runner
pyperf.perf_counter = time.perf_counter
pyperf.python_implementation = lambda: "cpython"
sys.modules["pyperf"] = pyperf

folder, *names = sys.argv[1:]
for name in names:
    program, *arguments = name.split(":")
    path = f"{folder}/bm_{program}/run_benchmark.py"
    sys.argv = [path, *arguments]
    sys.path[:0] = [f"{folder}/bm_{program}"]
    runpy.run_path(path, run_name="__main__")
    del sys.path[0]
