#: row M-17
#: attack It fills its memory with what a module holds, so that nothing is freed when the error rises.
#: outcome RAISE(MemoryError)
#: memory 64MiB
#: stdout reached
print('reached', flush=True)
kept = []
while True:
    kept.append([object()])
