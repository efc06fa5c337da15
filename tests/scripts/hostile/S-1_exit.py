#: row S-1
#: attack It ends itself with a status.
#: outcome EXIT(3)
#: stdout reached
import sys

print('reached')

sys.exit(3)
