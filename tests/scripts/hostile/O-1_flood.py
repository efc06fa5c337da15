#: row O-1
#: attack It writes without end.
#: outcome LIMIT(output)
#: output 64KiB
#: stdout-limit 100000
while True:
    print('x' * 1000)
