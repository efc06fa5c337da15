#: row C-15
#: attack It creates and collects cyclic garbage forever.
#: outcome LIMIT(cpu)
#: cpu 500ms
#: stdout reached
import gc

print('reached', flush=True)
while True:
    cycle = []
    cycle.append(cycle)
    kept = [[n] for n in range(10**4)]
    gc.collect()
