#: row C-17
#: attack It sleeps for 30 years.
#: outcome TIMEOUT
#: wall 1s
#: stdout reached
import time

print('reached', flush=True)
time.sleep(1e9)
