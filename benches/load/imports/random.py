"""`random.get-random-bytes` with the maximum length."""

import os


def step():
    os.urandom(1 << 20)
