#: row F-19
#: attack It sets times before 1970 and at the limits of the number types.
#: outcome RAISE(OverflowError)
#: dir rw /data
#: stdout 0 done
#: stdout stat done
#: stdout -1 OSError EINVAL
#: stdout stat done
#: stdout -2147483648 OSError EINVAL
#: stdout stat done
#: stdout 2147483648 done
#: stdout stat done
#: stdout 1099511627776 done
#: stdout stat done
#: stdout 9223372036854775807 done
#: stdout stat done
#: stdout -9223372036854775808 OSError EINVAL
#: stdout stat done
#: stdout 9223372036854775808 OverflowError
#: stdout stat done
#: stdout nanoseconds OSError EINVAL
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


for seconds in (0, -1, -2**31, 2**31, 2**40, 2**63 - 1, -2**63, 2**63):
    attempt(seconds, os.utime, '/data/hello.txt', (seconds, seconds))
    attempt('stat', os.stat, '/data/hello.txt')
attempt('nanoseconds', os.utime, '/data/hello.txt', ns=(2**63 - 1, -2**63))
