#: row F-18
#: attack It reads, writes and seeks with offsets and sizes at the limits of the number types.
#: outcome RAISE(OverflowError)
#: dir rw /data
#: stdout seek 2147483648 done
#: stdout pread 2147483648 done
#: stdout seek 4294967296 done
#: stdout pread 4294967296 done
#: stdout seek 9223372036854775807 done
#: stdout pread 9223372036854775807 OSError EINVAL
#: stdout pwrite 9223372036854775807 OSError EINVAL
#: stdout seek 9223372036854775808 OverflowError
#: stdout pread 9223372036854775808 OverflowError
#: stdout pwrite 9223372036854775808 OverflowError
#: stdout seek -1 OSError EINVAL
#: stdout pread -1 OSError EINVAL
#: stdout pwrite -1 OSError EINVAL
#: stdout read OverflowError
#: stdout read 2**31 - 1 OverflowError
#: stdout read file OverflowError
#: stdout b'hello'
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


fd = os.open('/data/hello.txt', os.O_RDWR)
for offset in (2**31, 2**32, 2**63 - 1, 2**63, -1):
    attempt(f'seek {offset}', os.lseek, fd, offset, os.SEEK_SET)
    attempt(f'pread {offset}', os.pread, fd, 10, offset)
    attempt(f'pwrite {offset}', os.pwrite, fd, b'x', offset) if offset >= 2**62 or offset < 0 else None
attempt('read', os.read, fd, 2**62)
attempt('read 2**31 - 1', os.read, fd, 2**31 - 1)
attempt('read file', open('/data/hello.txt').read, 2**62)
os.lseek(fd, 0, os.SEEK_SET)
print(os.read(fd, 100))
