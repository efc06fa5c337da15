#: row S-1
#: attack It exits with a status.
#: outcome EXIT(3)
#: stdout reached
import sys

print('reached')

sys.exit(3)
