#: row M-7
#: attack It makes files enormous by writing far beyond their end.
#: outcome RAISE(OSError)
#: dir rw /data 64KiB
#: dir rw /free
#: stdout /data seek 2**40 OSError
#: stdout /data seek 2**62 OSError
#: stdout /data truncate 2**40 OSError
#: stdout /data truncate 2**63 - 1 OSError
#: stdout /free seek 2**62 OSError
#: stdout /free truncate 2**63 - 1 OSError
#: stdout 5
import os


def outcome(path, what, size):
    try:
        with open(f'{path}/sparse', 'wb', buffering=0) as file:
            if what == 'seek':
                file.seek(eval(size))
                file.write(b'x')
            else:
                file.truncate(eval(size))
    except OSError:
        print(path, what, size, 'OSError')
    else:
        print(path, what, size, 'fine')


for path, what, size in (
    ('/data', 'seek', '2**40'),
    ('/data', 'seek', '2**62'),
    ('/data', 'truncate', '2**40'),
    ('/data', 'truncate', '2**63 - 1'),
    ('/free', 'seek', '2**62'),
    ('/free', 'truncate', '2**63 - 1'),
):
    outcome(path, what, size)
print(os.path.getsize('/data/hello.txt'))
