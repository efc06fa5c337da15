#: row G-10
#: attack It advances a groupby() from the comparison that groupby() itself makes, which frees the compared key.
#: outcome DIED or OK or RAISE(RuntimeError)
#: stdout reached
import itertools


class Key:
    busy = False

    def __init__(self, n):
        self.n, self.bulk = n, bytes(100)

    def __eq__(self, other):
        if not Key.busy:
            Key.busy = True
            for _ in range(5):
                next(groups, None)
            Key.busy = False
        return False


print('reached', flush=True)
groups = itertools.groupby(Key(n) for n in range(2000))
for key, _ in groups:
    key = None
