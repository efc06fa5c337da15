#: row O-1
#: attack It writes without end into a bounded capture.
#: outcome LIMIT(cpu)
#: cpu 500ms
#: stdout-limit 1000
while True:
    print('x' * 1000)
