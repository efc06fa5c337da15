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
