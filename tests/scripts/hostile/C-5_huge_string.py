#: row C-5
#: attack It asks for a string larger than its memory.
#: outcome RAISE(MemoryError)
#: memory 256MiB
#: stdout MemoryError usable
try:
    'a' * 10**9
except MemoryError:
    print('MemoryError usable')
