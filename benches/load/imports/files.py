"""`read`, `write`, `set-size`, `sync`, opening and closing of a large file."""

import os

PATH = '/data/large'
DATA = bytes(8 << 20)


def step():
    with open(PATH, 'wb', buffering=0) as file:
        file.write(DATA)
        os.fsync(file.fileno())
        file.truncate(64 << 20)
    with open(PATH, 'rb', buffering=0) as file:
        while file.read(8 << 20):
            pass
    os.truncate(PATH, 0)
    for _ in range(100):
        open(PATH).close()
