#: row F-25
#: attack It opens files by names that have a special meaning on other systems.
#: outcome DENY
#: dir ro /data
#: stdout 'HELLO.TXT' FileNotFoundError ENOENT
#: stdout 'hello.txt::$DATA' FileNotFoundError ENOENT
#: stdout 'hello.txt ' FileNotFoundError ENOENT
#: stdout 'hello.txt.' FileNotFoundError ENOENT
#: stdout 'C:' FileNotFoundError ENOENT
#: stdout 'C:\\Windows' FileNotFoundError ENOENT
#: stdout 'COM1' FileNotFoundError ENOENT
#: stdout 'COM\xb9' FileNotFoundError ENOENT
#: stdout 'NUL' FileNotFoundError ENOENT
#: stdout '\\\\?\\C:\\' FileNotFoundError ENOENT
#: stdout '..\\canary.txt' FileNotFoundError ENOENT
#: stdout 'hello\u2024txt' FileNotFoundError ENOENT
#: stdout 'e\u0301' FileNotFoundError ENOENT
#: stdout '\xe9' FileNotFoundError ENOENT
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


for name in ('HELLO.TXT', 'hello.txt::$DATA', 'hello.txt ', 'hello.txt.', 'C:', 'C:\\Windows', 'COM1', 'COM\u00b9', 'NUL',
             '\\\\?\\C:\\', '..\\canary.txt', 'hello\u2024txt', 'e\u0301', '\u00e9'):
    attempt(ascii(name), open, f'/data/{name}')
