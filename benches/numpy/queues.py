"""Time in which an array of 8 MB goes through a queue, in milliseconds, and that of a copy in the interpreter's memory.

    archipel run --image numpy benches/numpy/queues.py
"""

import statistics
import time
from concurrent import interpreters

import numpy as np


def times(function, count=60):
    """Return the median and the best time of `function` in milliseconds."""
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        function()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken), min(taken)


def pass_on():
    queue.put(array)
    return queue.get()


array = np.random.default_rng(1).random(1_000_000)
other = np.empty_like(array)
queue = interpreters.create_queue()
assert np.array_equal(pass_on(), array)
copy, best_copy = times(lambda: np.copyto(other, array))
whole, best_whole = times(pass_on)
print(f"copy      {copy:8.2f} {best_copy:8.2f}")
print(f"put + get {whole:8.2f} {best_whole:8.2f}")
print(f"ratio     {whole / copy:8.1f} {best_whole / best_copy:8.1f}")
