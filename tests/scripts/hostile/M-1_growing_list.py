#: row M-1
#: attack It takes memory until there is none, and goes on after that.
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
