seen = set()
for n in range(3000):
    for mode in ('r', 'r+'):
        try:
            with open('/data/file', mode) as file:
                seen.add(file.read())
        except OSError as error:
            seen.add(type(error).__name__)
import os
os.unlink('/data/swaps')
