"""`waiting.wait` with the maximum number of cases, and polls."""

import time

import archipel
import interpreters

channels = [interpreters.create_channel() for _ in range(8)]
ends = [receive for receive, _ in channels] * 120


def step():
    archipel.select(*ends, default=None)
    try:
        archipel.select(*ends, timeout=0.001)
    except TimeoutError:
        pass
    time.sleep(0)
