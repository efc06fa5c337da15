#: row C-11
#: attack It sorts by a key function that never returns.
#: outcome LIMIT(cpu)
#: cpu 300ms
#: stdout reached
def slow(item):
    while True:
        pass


print('reached', flush=True)
sorted([2, 1], key=slow)
