#: memory 256MiB
#: stdout MemoryError usable
try:
    'a' * 10**9
except MemoryError:
    print('MemoryError usable')
