#: row M-6
#: row F-7
#: attack It writes a file in a directory with a large quota, and moves and links it into one with a small quota.
#: outcome RAISE(OSError)
#: dir rw /large 64KiB
#: dir rw /small 1KiB
#: stdout OSError EXDEV OSError EXDEV OSError EXDEV
#: stdout False 0
import errno
import os


def error_of(act, *arguments):
    try:
        act(*arguments)
    except OSError as error:
        return f'OSError {errno.errorcode[error.errno]}'


open('/small/file', 'w').close()
with open('/large/file', 'wb') as file:
    file.write(bytes(32 << 10))
os.mkdir('/large/folder')
print(
    error_of(os.rename, '/large/file', '/small/other'),
    error_of(os.link, '/large/file', '/small/other'),
    # Writes to the one file would then change the other.
    error_of(os.link, '/small/file', '/large/other'),
)
os.rename('/large/file', '/large/folder/file')
print(os.path.exists('/small/other'), os.path.getsize('/small/file'))
