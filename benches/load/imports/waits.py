"""`waiting.wait` with as many cases as there can be, and polls."""

import time

import archipel
import interpreters

ends = [interpreters.create_channel()[0] for _ in range(8)] * 120


def step():
    archipel.select(*ends, default=None)
    archipel.select(*ends, timeout=0.001)
    time.sleep(0)
