#: row C-10
#: attack It fills a dict with keys that all have the same hash.
#: outcome LIMIT(cpu)
#: cpu 300ms
#: stdout reached
class Key:
    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return self.n == other.n


print('reached', flush=True)
{Key(n): n for n in range(10**5)}
