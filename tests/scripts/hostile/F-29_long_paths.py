#: row F-29
#: attack It passes paths of many megabytes, with the maximum number of components.
#: outcome RAISE(ENAMETOOLONG)
#: dir rw /data
#: stdout {'ENAMETOOLONG'}
#: stdout found
import errno
import os

calls = (
    os.stat, os.listdir, os.mkdir, os.rmdir, os.unlink, os.readlink, open,
    lambda path: os.rename(path, '/data/x'),
    lambda path: os.rename('/data/hello.txt', path),
    lambda path: os.symlink(path, '/data/x'),
    lambda path: os.link('/data/hello.txt', path),
    lambda path: os.utime(path),
)
seen = set()
for path in ('/data/' + 'n' * (40 << 20), '/data/' + 'a/' * (10 << 20), '/data/' + './' * 3000):
    for call in calls:
        try:
            call(path)
            seen.add(call)
        except OSError as error:
            seen.add(errno.errorcode[error.errno])
print(seen)
path = '/data/' + './' * 2000 + 'hello.txt'
for n in range(100):
    assert open(path).read() == 'hello'
print('found')
