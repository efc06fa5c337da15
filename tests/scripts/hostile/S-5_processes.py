#: stdout 4 refused
import os
import subprocess

attempts = [
    lambda: os.fork(),
    lambda: os.system('true'),
    lambda: subprocess.run(['true']),
    lambda: os.execv('/bin/true', ['true']),
]
refused = 0
for attempt in attempts:
    try:
        attempt()
    except (OSError, AttributeError):
        refused += 1
print(refused, 'refused')
