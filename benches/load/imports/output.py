"""Output streams, and the clocks."""

import os
import sys
import time

DATA = 'x' * (1 << 20)


def step():
    sys.stdout.write(DATA)
    sys.stdout.flush()
    os.write(1, b'x')
    for _ in range(100):
        time.time(), time.monotonic()
