#: row F-6
#: attack It makes hard links out of, into, and between granted directories.
#: outcome DENY
#: dir ro /ro
#: dir rw /rw
#: audits 4
#: stdout out PermissionError EPERM
#: stdout in PermissionError EPERM
#: stdout through a link NotImplementedError
#: stdout from read-only PermissionError EPERM
#: stdout to read-only PermissionError EPERM
#: stdout within done
#: stdout write FileNotFoundError ENOENT
#: stdout hello ['absolute', 'hello.txt', 'out', 'second', 'up']
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


attempt('out', os.link, '/rw/hello.txt', '/rw/../stolen')
attempt('in', os.link, '/rw/../canary.txt', '/rw/canary')
attempt('through a link', os.link, '/rw/out', '/rw/canary', follow_symlinks=True)
attempt('from read-only', os.link, '/ro/hello.txt', '/rw/stolen')
attempt('to read-only', os.link, '/rw/hello.txt', '/ro/put')
attempt('within', os.link, '/rw/hello.txt', '/rw/second')
attempt('write', open, '/rw/stolen', 'r+')
print(open('/ro/hello.txt').read(), sorted(os.listdir('/rw')))
