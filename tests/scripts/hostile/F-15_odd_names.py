#: row F-15
#: attack It opens and creates files whose names are empty, enormous, not text, or misleading.
#: outcome OK
#: dir rw /data
#: stdout zero byte ValueError
#: stdout empty IsADirectoryError EISDIR
#: stdout dot IsADirectoryError EISDIR
#: stdout 255 done
#: stdout 256 OSError ENAMETOOLONG
#: stdout 100000 OSError ENAMETOOLONG
#: stdout components OSError ENAMETOOLONG
#: stdout line end done
#: stdout right to left done
#: stdout bytes OSError EILSEQ
#: stdout surrogate OSError EILSEQ
#: stdout backslash done
#: stdout spaces done
#: stdout 10
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


names = {
    'zero byte': 'hello.txt\0.png',
    'empty': '',
    'dot': '.',
    '255': 'a' * 255,
    '256': 'b' * 256,
    '100000': 'c' * 100_000,
    'components': 'd/' * 10_000 + 'd',
    'line end': 'line\nend',
    'right to left': '\u202etxt.exe',
    'bytes': b'\xff\xfe',
    'surrogate': '\udcff',
    'backslash': 'a\\..\\b',
    'spaces': '   ',
}
for name, path in names.items():
    prefix = b'/data/' if isinstance(path, bytes) else '/data/'
    attempt(name, open, prefix + path, 'w')
path = '/data'
for depth in range(500):
    path += '/deep'
    os.mkdir(path)
print(len(os.listdir('/data')))
