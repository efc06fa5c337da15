"""Times of the first import of modules in a new interpreter of an image, in milliseconds: the median of 9.

    archipel run --image NAME benches/numpy/imports.py numpy pandas PIL.Image
"""

import statistics
import sys

import archipel

MEASURE = """
import importlib, time

def measure(name):
    begun = time.perf_counter()
    importlib.import_module(name)
    return time.perf_counter() - begun
"""


def measure(name):
    child = archipel.create()
    child.exec(MEASURE)
    child.prepare_main(name=name)
    return child.call(eval, "measure(name)")


for name in sys.argv[1:]:
    print(f"{name:<24} {statistics.median(measure(name) for _ in range(9)) * 1000:.2f}")
