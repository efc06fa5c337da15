"""`random.get-random-bytes`, as many as there can be in a call."""

import os


def step():
    os.urandom(1 << 20)
