#: row M-9
#: attack It creates types and interned strings without end.
#: outcome RAISE(MemoryError)
#: memory 64MiB
#: stdout types MemoryError
#: stdout strings MemoryError
#: stdout usable
import sys


def types():
    kept = []
    while True:
        kept.append(type('T', (), {'x': bytes(10_000)}))


def strings():
    kept = []
    while True:
        kept.append(sys.intern('x' * 10_000 + str(len(kept))))


for attack in (types, strings):
    try:
        attack()
    except MemoryError:
        print(attack.__name__, 'MemoryError')
print('usable')
