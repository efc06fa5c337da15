#: row M-1
#: attack It allocates memory until there is none left, and continues.
#: outcome RAISE(MemoryError)
#: memory 64MiB
#: stdout MemoryError
#: stdout usable
items = []
try:
    while True:
        items.append(bytes(1 << 20))
except MemoryError:
    del items
    print('MemoryError')
print('usable' if bytes(1 << 20) else '')
