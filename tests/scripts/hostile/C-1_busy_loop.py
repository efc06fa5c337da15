#: row C-1
#: attack It loops forever.
#: outcome LIMIT(cpu)
#: cpu 300ms
#: stdout reached
print('reached', flush=True)
while True:
    pass
