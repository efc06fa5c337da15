#: row F-7
#: attack It renames out of, into, and between granted directories.
#: outcome DENY
#: dir ro /ro
#: dir rw /rw
#: audits 6
#: stdout out PermissionError EPERM
#: stdout in PermissionError EPERM
#: stdout from read-only PermissionError EPERM
#: stdout to read-only PermissionError EPERM
#: stdout onto a folder IsADirectoryError EISDIR
#: stdout a folder onto a file NotADirectoryError ENOTDIR
#: stdout the grant itself PermissionError EPERM
#: stdout into itself OSError EINVAL
#: stdout replace PermissionError EPERM
#: stdout hello ['absolute', 'folder', 'hello.txt', 'out', 'up']
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


os.mkdir('/rw/folder')
attempt('out', os.rename, '/rw/hello.txt', '/rw/../hello.txt')
attempt('in', os.rename, '/rw/../canary.txt', '/rw/canary')
attempt('from read-only', os.rename, '/ro/hello.txt', '/rw/stolen')
attempt('to read-only', os.rename, '/rw/hello.txt', '/ro/put')
attempt('onto a folder', os.rename, '/rw/hello.txt', '/rw/folder')
attempt('a folder onto a file', os.rename, '/rw/folder', '/rw/hello.txt')
attempt('the grant itself', os.rename, '/rw', '/ro/rw')
attempt('into itself', os.rename, '/rw/folder', '/rw/folder/inner')
attempt('replace', os.replace, '/ro/hello.txt', '/rw/hello.txt')
print(open('/ro/hello.txt').read(), sorted(os.listdir('/rw')))
