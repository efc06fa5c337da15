#: row F-27
#: attack It fills its private folder in every way, looks for others through it, and leaves a deep tree in it.
#: outcome RAISE(ENOSPC)
#: audit opening ".."
#: audit opening "../etc/passwd"
#: audit opening "../../tmp"
#: stdout ENOSPC
#: stdout ENOSPC
#: stdout ENOSPC
#: stdout room again
#: stdout denied
#: stdout deep
import errno
import os


def report(function):
    try:
        function()
    except OSError as error:
        print('ENOSPC' if error.errno in (errno.ENOSPC, errno.EIO) else error)


def fill():
    with open('/tmp/big', 'wb', buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))


def sparse():
    os.truncate('/tmp/big', 1 << 40)


def names():
    for n in range(100_000):
        os.mkdir(f'/tmp/{n}')


report(fill)
report(sparse)
os.truncate('/tmp/big', 60 << 20)
report(names)
os.unlink('/tmp/big')
# An unlinked file uses space until it is closed.
for n in range(20):
    with open('/tmp/file', 'wb') as file:
        os.unlink('/tmp/file')
        file.write(bytes(16 << 20))
print('room again')
for path in ('/tmp/..', '/tmp/../etc/passwd', '/tmp/../../tmp'):
    try:
        os.listdir(path)
    except OSError:
        continue
    assert os.path.samefile(path, '/tmp')
print('denied')
for n in range(40):
    os.makedirs('/tmp/part/' + '/'.join('d' * 60))
    if n:
        os.rename('/tmp/deep', '/tmp/part/' + '/'.join('d' * 60) + '/in')
    os.rename('/tmp/part', '/tmp/deep')
print('deep')
