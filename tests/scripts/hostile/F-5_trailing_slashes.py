#: row F-5
#: attack It adds trailing slashes to paths that lead out of a granted directory.
#: outcome DENY
#: dir rw /data
#: audits 24
#: stdout open /data/../ PermissionError EPERM
#: stdout stat /data/../ PermissionError EPERM
#: stdout unlink /data/../ PermissionError EPERM
#: stdout mkdir /data/../ PermissionError EPERM
#: stdout rename /data/../ PermissionError EPERM
#: stdout symlink /data/../ PermissionError EPERM
#: stdout open /data/out/ PermissionError EPERM
#: stdout stat /data/out/ PermissionError EPERM
#: stdout unlink /data/out/ PermissionError EPERM
#: stdout mkdir /data/out/ FileExistsError EEXIST
#: stdout rename /data/out/ NotADirectoryError ENOTDIR
#: stdout symlink /data/out/ PermissionError EPERM
#: stdout open /data/absolute/ PermissionError EPERM
#: stdout stat /data/absolute/ PermissionError EPERM
#: stdout unlink /data/absolute/ PermissionError EPERM
#: stdout mkdir /data/absolute/ FileExistsError EEXIST
#: stdout rename /data/absolute/ NotADirectoryError ENOTDIR
#: stdout symlink /data/absolute/ PermissionError EPERM
#: stdout open /data/up/ PermissionError EPERM
#: stdout stat /data/up/ PermissionError EPERM
#: stdout unlink /data/up/ PermissionError EPERM
#: stdout mkdir /data/up/ FileExistsError EEXIST
#: stdout rename /data/up/ NotADirectoryError ENOTDIR
#: stdout symlink /data/up/ PermissionError EPERM
#: stdout open /data/../canary.txt/ PermissionError EPERM
#: stdout stat /data/../canary.txt/ PermissionError EPERM
#: stdout unlink /data/../canary.txt/ PermissionError EPERM
#: stdout mkdir /data/../canary.txt/ PermissionError EPERM
#: stdout rename /data/../canary.txt/ PermissionError EPERM
#: stdout symlink /data/../canary.txt/ PermissionError EPERM
#: stdout open /data/hello.txt/ NotADirectoryError ENOTDIR
#: stdout stat /data/hello.txt/ NotADirectoryError ENOTDIR
#: stdout unlink /data/hello.txt/ NotADirectoryError ENOTDIR
#: stdout mkdir /data/hello.txt/ FileExistsError EEXIST
#: stdout rename /data/hello.txt/ NotADirectoryError ENOTDIR
#: stdout symlink /data/hello.txt/ NotADirectoryError ENOTDIR
#: stdout hello ['absolute', 'hello.txt', 'out', 'up']
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


for path in ('/data/../', '/data/out/', '/data/absolute/', '/data/up/', '/data/../canary.txt/', '/data/hello.txt/'):
    attempt(f'open {path}', open, path)
    attempt(f'stat {path}', os.stat, path)
    attempt(f'unlink {path}', os.unlink, path)
    attempt(f'mkdir {path}', os.mkdir, path)
    attempt(f'rename {path}', os.rename, '/data/hello.txt', path)
    attempt(f'symlink {path}', os.symlink, 'x', path)
print(open('/data/hello.txt').read(), sorted(os.listdir('/data')))
