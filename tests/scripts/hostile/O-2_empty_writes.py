#: row O-2
#: attack It writes nothing, a hundred thousand times.
#: outcome OK
#: stdout done
import os

for _ in range(100_000):
    os.write(1, b'')
print('done')
