#: row C-3
#: attack It computes a number with 370 million digits in one operation.
#: outcome LIMIT(cpu)
#: cpu 300ms
#: stdout reached
print('reached', flush=True)
9**9**9
