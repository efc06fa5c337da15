"""Times of NumPy kernels, one line each: the name and the best time in milliseconds.

Run it in an image and natively, in turns, and compare the lines:

    archipel run --image numpy benches/numpy/kernels.py
    OPENBLAS_NUM_THREADS=1 python3.14 benches/numpy/kernels.py

With the output of a run as the first argument, the last column is the ratio to it, and the last line the geometric mean.
"""

import sys
import time

import numpy as np

rng = np.random.default_rng(1)
a = rng.random(1_000_000)
b = rng.random(1_000_000)
square = rng.random((200, 200))
matrix = rng.random((300, 300))
small = np.arange(10.0)
whole = rng.integers(0, 1000, 1_000_000)
index = rng.integers(0, 1_000_000, 1_000_000)
complicated = rng.random(1 << 18) + 0j

KERNELS = {
    "sum": lambda: a.sum(),
    "mean by axis": lambda: a.reshape(1000, 1000).mean(axis=0),
    "a * b + a": lambda: a * b + a,
    "exp": lambda: np.exp(a),
    "sin": lambda: np.sin(a),
    "sort": lambda: np.sort(a),
    "argsort of integers": lambda: np.argsort(whole),
    "random": lambda: rng.random(1_000_000),
    "dot 300": lambda: matrix @ matrix,
    "inverse 200": lambda: np.linalg.inv(square),
    "svd 100": lambda: np.linalg.svd(square[:100, :100]),
    "fft 2**18": lambda: np.fft.fft(complicated),
    "fancy index": lambda: a[index],
    "boolean mask": lambda: a[a > 0.5],
    "1000 small adds": lambda: [small + small for _ in range(1000)],
}


def best(function):
    """Return the best time of `function` in milliseconds."""
    times = []
    end = time.perf_counter() + 0.5
    while len(times) < 3 or time.perf_counter() < end:
        begun = time.perf_counter()
        function()
        times.append(time.perf_counter() - begun)
    return min(times) * 1000


def main():
    other = {}
    if len(sys.argv) > 1:
        for line in sys.argv[1].splitlines():
            name, _, milliseconds = line.rpartition(" ")
            other[name.strip()] = float(milliseconds)
    product = 1.0
    for name, function in KERNELS.items():
        measured = best(function)
        text = f"{name:20} {measured:9.3f}"
        if name in other:
            ratio = measured / other[name]
            product *= ratio
            text += f" {ratio:6.2f}"
        print(text, flush=True)
    if other:
        print(f"geometric mean {product ** (1 / len(KERNELS)):.2f}")


main()
