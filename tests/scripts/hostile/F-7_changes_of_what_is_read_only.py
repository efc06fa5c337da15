#: row F-7
#: attack It modifies read-only files and directories, in every way.
#: outcome DENY
#: dir ro /data
#: audits 17
#: stdout open w PermissionError EPERM
#: stdout open a PermissionError EPERM
#: stdout open r+ PermissionError EPERM
#: stdout open x PermissionError EPERM
#: stdout create PermissionError EPERM
#: stdout truncate at opening PermissionError EPERM
#: stdout truncate PermissionError EPERM
#: stdout unlink PermissionError EPERM
#: stdout mkdir PermissionError EPERM
#: stdout rmdir PermissionError EPERM
#: stdout symlink PermissionError EPERM
#: stdout link PermissionError EPERM
#: stdout rename PermissionError EPERM
#: stdout utime PermissionError EPERM
#: stdout ftruncate PermissionError EPERM
#: stdout futime PermissionError EPERM
#: stdout write PermissionError EPERM
#: stdout hello
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


for mode in ('w', 'a', 'r+', 'x'):
    attempt(f'open {mode}', open, '/data/hello.txt' if mode != 'x' else '/data/new', mode)
attempt('create', os.open, '/data/new', os.O_CREAT | os.O_RDONLY)
attempt('truncate at opening', os.open, '/data/hello.txt', os.O_TRUNC | os.O_RDONLY)
attempt('truncate', os.truncate, '/data/hello.txt', 0)
attempt('unlink', os.unlink, '/data/hello.txt')
attempt('mkdir', os.mkdir, '/data/new')
attempt('rmdir', os.rmdir, '/data/up')
attempt('symlink', os.symlink, 'x', '/data/new')
attempt('link', os.link, '/data/hello.txt', '/data/new')
attempt('rename', os.rename, '/data/hello.txt', '/data/new')
attempt('utime', os.utime, '/data/hello.txt', (1, 1))
with open('/data/hello.txt') as file:
    attempt('ftruncate', os.ftruncate, file.fileno(), 0)
    attempt('futime', os.utime, file.fileno(), (1, 1))
    attempt('write', os.write, file.fileno(), b'x')
print(open('/data/hello.txt').read())
