#: row R-2
#: attack It lifts the limit on recursion and calls itself for ever.
#: outcome LIMIT(memory)
#: stdout reached
import sys

sys.setrecursionlimit(10**9)


def f(n):
    return f(n + 1)


print('reached', flush=True)
try:
    f(0)
except BaseException:
    print('caught')
