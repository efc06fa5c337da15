#: outcome died
#: stdout reached
import os

print('reached', flush=True)
os.abort()
