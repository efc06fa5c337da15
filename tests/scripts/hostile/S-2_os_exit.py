#: row S-2
#: attack It calls os._exit with a status.
#: outcome EXIT(44)
#: stdout reached
import os

print('reached', flush=True)

os._exit(44)
