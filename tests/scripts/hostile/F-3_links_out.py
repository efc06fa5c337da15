#: row F-3
#: attack It makes and follows links that lead out of a granted directory.
#: outcome DENY
#: dir rw /data
#: audits 14
#: stdout read out PermissionError EPERM
#: stdout write out PermissionError EPERM
#: stdout read absolute PermissionError EPERM
#: stdout write absolute PermissionError EPERM
#: stdout read up/canary.txt PermissionError EPERM
#: stdout write up/canary.txt PermissionError EPERM
#: stdout read up/../up/canary.txt PermissionError EPERM
#: stdout write up/../up/canary.txt PermissionError EPERM
#: stdout list up PermissionError EPERM
#: stdout stat out PermissionError EPERM
#: stdout make absolute PermissionError EPERM
#: stdout follow absolute FileNotFoundError ENOENT
#: stdout make relative done
#: stdout follow relative PermissionError EPERM
#: stdout make a loop done
#: stdout follow the loop OSError ELOOP
#: stdout utime PermissionError EPERM
#: stdout truncate PermissionError EPERM
#: stdout ../canary.txt False
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


for name in ('out', 'absolute', 'up/canary.txt', 'up/../up/canary.txt'):
    attempt(f'read {name}', open, f'/data/{name}')
    attempt(f'write {name}', open, f'/data/{name}', 'w')
attempt('list up', os.listdir, '/data/up')
attempt('stat out', os.stat, '/data/out')
attempt('make absolute', os.symlink, '/etc/passwd', '/data/own')
attempt('follow absolute', open, '/data/own')
attempt('make relative', os.symlink, '../canary.txt', '/data/other')
attempt('follow relative', open, '/data/other')
attempt('make a loop', os.symlink, 'loop', '/data/loop')
attempt('follow the loop', open, '/data/loop')
attempt('utime', os.utime, '/data/out', (1, 1))
attempt('truncate', os.truncate, '/data/out', 0)
# The text of a link can be read; its target cannot.
print(os.readlink('/data/out'), os.path.lexists('/data/own'))
