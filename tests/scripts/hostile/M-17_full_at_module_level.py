#: row M-17
#: attack It fills its memory with objects of a module, so that the error frees nothing.
#: outcome RAISE(MemoryError)
#: memory 64MiB
#: stdout reached
print('reached', flush=True)
kept = []
while True:
    kept.append([object()])
