#: wall 1s
#: outcome limit
#: stdout reached
import time

print('reached', flush=True)
time.sleep(1e9)
