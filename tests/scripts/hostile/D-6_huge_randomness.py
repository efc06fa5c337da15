#: row D-6
#: attack It requests more random bytes than a call can return, and repeats that without end.
#: outcome RAISE(OverflowError)
#: cpu 5s
#: memory 256MiB
#: stdout 67108865
#: stdout 2**31 OverflowError
#: stdout negative ValueError
#: stdout usable 16
import os

print(len(os.urandom((64 << 20) + 1)))
for name, size in {'2**31': 2**31, 'negative': -1}.items():
    try:
        os.urandom(size)
        print(name, 'fine')
    except (MemoryError, OSError, ValueError, OverflowError) as error:
        print(name, type(error).__name__)
print('usable', len(os.urandom(16)))
