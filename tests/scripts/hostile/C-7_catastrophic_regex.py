#: row C-7
#: attack It matches regular expressions that take exponential time.
#: outcome LIMIT(cpu)
#: cpu 300ms
#: stdout reached
import re

print('reached', flush=True)
re.match('(a+)+$', 'a' * 40 + 'b')
