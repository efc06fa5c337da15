#: row C-22
#: attack It moves 64 MiB of memory with single instructions, in a loop.
#: outcome LIMIT(cpu)
#: cpu 500ms
#: stdout reached
block = bytearray(64 << 20)
print('reached', flush=True)
while True:
    block[1:] = memoryview(block)[:-1]
