#: row F-23
#: attack It writes to the library's apparent paths, and to those of modules imported at startup.
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
# Modules in a granted directory are not found without `path`, and changes in memory affect only one interpreter.
open('/data/json.py', 'w').write('raise SystemError')
json.loads = None
from concurrent import interpreters

child = interpreters.create()
child.exec('import json; print(json.loads("[1]"))')
