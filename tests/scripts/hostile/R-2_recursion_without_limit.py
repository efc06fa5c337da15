#: row R-2
#: attack It raises the recursion limit and calls itself forever.
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
