#: row G-10
#: attack It reads beyond the end of a dict that was cleared under a reversed iterator, which CPython 3.14.0 allows.
#: outcome DIED or OK or RAISE(RuntimeError)
#: stdout reached
d = {n: n for n in range(5000)}
for n in range(4999):
    del d[n]
last = reversed(d)
d.clear()
d['x'] = 1
print('reached', flush=True)
list(last)
