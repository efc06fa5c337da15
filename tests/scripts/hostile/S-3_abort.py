#: row S-3
#: attack It crashes deliberately.
#: outcome DIED
#: stdout reached
import os

print('reached', flush=True)
os.abort()
