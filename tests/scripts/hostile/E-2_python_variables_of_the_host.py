#: row E-2
#: attack It looks for effects of the Python variables in the host's environment.
#: outcome OK
#: stdout False
#: stdout 0 0 0 True
import sys

print(any('canary' in entry for entry in sys.path))
flags = sys.flags
print(flags.inspect, flags.interactive, flags.optimize, flags.hash_randomization == 1)
