#: row O-1
#: attack It writes to standard error without end.
#: outcome LIMIT(output)
#: output 64KiB
#: stdout reached
import sys

print('reached', flush=True)
while True:
    sys.stderr.write('x' * 1000)
