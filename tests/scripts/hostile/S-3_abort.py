#: row S-3
#: attack It crashes on purpose.
#: outcome DIED
#: stdout reached
import os

print('reached', flush=True)
os.abort()
