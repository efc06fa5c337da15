#: row M-2
#: attack It allocates memory forever and catches every MemoryError.
#: outcome LIMIT(cpu)
#: cpu 500ms
#: memory 64MiB
#: stdout reached
print('reached', flush=True)
items = []
while True:
    try:
        while True:
            items.append(bytes(1 << 16))
    except MemoryError:
        pass
