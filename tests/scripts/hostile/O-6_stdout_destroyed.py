#: row O-6
#: attack It closes and removes its standard output.
#: outcome OK
#: stdout before
import os
import sys

print('before', flush=True)
sys.stdout.close()
os.close(1)
sys.stdout = None
