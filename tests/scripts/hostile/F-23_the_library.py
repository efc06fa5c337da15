#: row F-23
#: attack It writes where the library seems to be, and into what is imported at the start.
#: outcome DENY
#: dir rw /data
#: stdout /python/json/__init__.py FileNotFoundError ENOENT
#: stdout /usr/lib/python3.14/os.py FileNotFoundError ENOENT
#: stdout /python/sitecustomize.py FileNotFoundError ENOENT
#: stdout /python/x.pth FileNotFoundError ENOENT
#: stdout /python/__pycache__/x.pyc FileNotFoundError ENOENT
#: stdout [1]
import errno
import os


def attempt(name, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
        print(name, 'done')
    except OSError as error:
        print(name, type(error).__name__, errno.errorcode.get(error.errno))
    except Exception as error:
        print(name, type(error).__name__)


import json
import sys

for path in (json.__file__, '/usr/lib/python3.14/os.py', '/python/sitecustomize.py', '/python/x.pth', '/python/__pycache__/x.pyc'):
    attempt(path, open, path, 'w')
# What is in a granted directory is not found by itself, and what is changed in memory is one's own.
open('/data/json.py', 'w').write('raise SystemError')
json.loads = None
from concurrent import interpreters

child = interpreters.create()
child.exec('import json; print(json.loads("[1]"))')
