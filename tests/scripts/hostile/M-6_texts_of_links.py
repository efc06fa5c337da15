#: row M-6
#: attack It writes more than the quota into the targets of symbolic links.
#: outcome RAISE(ENOSPC)
#: dir rw /data 64KiB
#: stdout 16 ENOSPC
import errno
import os

count = 0
try:
    while count < 1000:
        os.symlink('x/' * 2000, f'/data/link{count}')
        count += 1
except OSError as error:
    print(count, errno.errorcode[error.errno])
