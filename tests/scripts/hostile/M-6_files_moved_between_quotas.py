#: row M-6
#: row F-7
#: attack It writes a file where much may be written, and moves and links it to where little may be.
#: outcome RAISE(OSError)
#: dir rw /large 64KiB
#: dir rw /small 1KiB
#: stdout OSError EXDEV OSError EXDEV OSError EXDEV
#: stdout False 0
import errno
import os


def told(act, *arguments):
    try:
        act(*arguments)
    except OSError as error:
        return f'OSError {errno.errorcode[error.errno]}'


open('/small/file', 'w').close()
with open('/large/file', 'wb') as file:
    file.write(bytes(32 << 10))
os.mkdir('/large/folder')
print(
    told(os.rename, '/large/file', '/small/other'),
    told(os.link, '/large/file', '/small/other'),
    # What was then written to the one would be in the other.
    told(os.link, '/small/file', '/large/other'),
)
os.rename('/large/file', '/large/folder/file')
print(os.path.exists('/small/other'), os.path.getsize('/small/file'))
