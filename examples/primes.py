"""Counts primes on several processors, and prints the speedup:

    archipel run examples/primes.py [BELOW [INTERPRETERS]]
"""

import sys
import time

import interpreters

below = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
workers = int(sys.argv[2]) if len(sys.argv) > 2 else 2

SOURCE = """
def is_prime(n):
    if n < 2:
        return False
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 1
    return True

for first, last in tasks:
    results.send(sum(map(is_prime, range(first, last))))
del results
"""


def count(workers):
    """Return the number of primes, and the seconds that `workers` interpreters took to count them."""
    tasks_out, tasks = interpreters.create_channel(capacity=None)
    results_out, results = interpreters.create_channel(capacity=None)
    pool = [interpreters.create() for _ in range(workers)]
    start = time.perf_counter()
    for interpreter in pool:
        interpreter.run_in_thread(SOURCE, channels=dict(tasks=tasks_out, results=results))
    step = max(1, below // 64)
    chunks = [(first, min(first + step, below)) for first in range(0, below, step)]
    for chunk in chunks:
        tasks.send(chunk)
    tasks.close()
    found = sum(results_out.recv() for _ in chunks)
    return found, time.perf_counter() - start


found, alone = count(1)
again, together = count(workers)
assert again == found
print(f"{found} primes below {below}")
print(f"1 interpreter: {alone:.2f} s, {workers} interpreters: {together:.2f} s,")
print(f"{alone / together:.2f} times as fast")
