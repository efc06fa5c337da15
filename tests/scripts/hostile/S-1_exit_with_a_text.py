#: row S-1
#: attack It exits with a text instead of a status.
#: outcome EXIT(1)
#: stdout reached
#: stderr-has the end
import sys

print('reached')
sys.exit('the end')
