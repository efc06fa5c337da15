#: stdout before
import os
import sys

print('before', flush=True)
sys.stdout.close()
os.close(1)
sys.stdout = None
