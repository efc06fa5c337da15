#: row O-2
#: attack It writes nothing, a hundred thousand times.
#: outcome OK
#: stdout written: 0, charged: 0
#: stdout the memory has not grown
import os

import archipel

os.write(1, b'')
before = archipel.usage().memory.own
written = sum(os.write(1, b'') for _ in range(100_000))
grown = archipel.usage().memory.own - before
print(f'written: {written}, charged: {archipel.usage().output.own}')
print('the memory has not grown' if grown < 1 << 20 else f'the memory has grown by {grown} bytes')
