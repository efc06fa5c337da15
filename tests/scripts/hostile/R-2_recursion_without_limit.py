#: outcome died or exit 0 or exit 1
#: stdout reached
import sys

print('reached', flush=True)
sys.setrecursionlimit(10**9)


def f(n):
    return f(n + 1)


try:
    f(0)
except (RecursionError, MemoryError):
    pass
