#: wall 1s
#: outcome limit
#: stdout reached
import re

print('reached', flush=True)
re.match('(a+)+$', 'a' * 40 + 'b')
