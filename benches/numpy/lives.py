"""Times of whole lives in an image: an interpreter creates a child, runs source text in it, and closes it.

    archipel run --image numpy benches/numpy/lives.py 'import numpy' 'import numpy; numpy.arange(10).sum()'

Each line has the median and the 9th decile of 200 lives in microseconds, in turns with those of `pass`, and the ratio
of the medians.
"""

import statistics
import sys
import time

import archipel


def live(source):
    begun = time.perf_counter()
    child = archipel.create()
    child.exec(source)
    child.close()
    return (time.perf_counter() - begun) * 1e6


sources = ["pass", *sys.argv[1:]]
times = {source: [] for source in sources}
for turn in range(210):
    for source in sources:
        taken = live(source)
        if turn >= 10:
            times[source].append(taken)
plain = statistics.median(times["pass"])
for source, taken in times.items():
    median = statistics.median(taken)
    print(f"{source:<50} {median:8.0f} {statistics.quantiles(taken, n=10)[-1]:8.0f} {median / plain:6.2f}")
