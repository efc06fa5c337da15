"""`interpreter.start`, `task.finish` and `usage`, with a large argument and a large result."""

import archipel

child = archipel.create()
DATA = bytes(16 << 20)


def step():
    child.call(bytes.upper, DATA)
    archipel.usage()
