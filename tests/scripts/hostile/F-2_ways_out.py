#: row F-2
#: attack It looks for paths of every form that lead out of a granted directory.
#: outcome DENY
#: dir rw /data
#: audits 13
#: stdout read /data/../canary.txt PermissionError EPERM
#: stdout read /data/a/../../canary.txt PermissionError EPERM
#: stdout read /data//..//canary.txt PermissionError EPERM
#: stdout read /data/./../canary.txt PermissionError EPERM
#: stdout read /data/a/../../../../../../etc/passwd PermissionError EPERM
#: stdout read /data/.. PermissionError EPERM
#: stdout read ../canary.txt FileNotFoundError ENOENT
#: stdout read /canary.txt FileNotFoundError ENOENT
#: stdout read //canary.txt FileNotFoundError ENOENT
#: stdout read /data/../data/../canary.txt PermissionError EPERM
#: stdout read /etc/passwd FileNotFoundError ENOENT
#: stdout read /proc/self/environ FileNotFoundError ENOENT
#: stdout read  FileNotFoundError ENOENT
#: stdout read . FileNotFoundError ENOENT
#: stdout write PermissionError EPERM
#: stdout list PermissionError EPERM
#: stdout stat PermissionError EPERM
#: stdout remove PermissionError EPERM
#: stdout mkdir PermissionError EPERM
#: stdout rename PermissionError EPERM
#: stdout chdir done
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


os.mkdir('/data/a')
for path in (
    '/data/../canary.txt',
    '/data/a/../../canary.txt',
    '/data//..//canary.txt',
    '/data/./../canary.txt',
    '/data/a/../../../../../../etc/passwd',
    '/data/..',
    '../canary.txt',
    '/canary.txt',
    '//canary.txt',
    '/data/../data/../canary.txt',
    '/etc/passwd',
    '/proc/self/environ',
    '',
    '.',
):
    attempt(f'read {path}', open, path)
attempt('write', open, '/data/../canary.txt', 'w')
attempt('list', os.listdir, '/data/..')
attempt('stat', os.stat, '/data/../canary.txt')
attempt('remove', os.unlink, '/data/../canary.txt')
attempt('mkdir', os.mkdir, '/data/../new')
attempt('rename', os.rename, '/data/hello.txt', '/data/../hello.txt')
attempt('chdir', os.chdir, '/data/..')
print(open('/data/hello.txt').read())
