#: row O-3
#: attack It writes single bytes, a hundred thousand times.
#: outcome LIMIT(output)
#: output 20000
#: stdout-limit 20000
import os

while True:
    os.write(1, b'x')
