#: row F-26
#: attack It uses calls that do not open a path: forged directories, and calls between descriptors.
#: outcome RAISE(OSError)
#: dir rw /data
#: audits 1
#: stdout dir_fd 0 OSError EINVAL
#: stdout dir_fd 1 OSError EINVAL
#: stdout dir_fd 2 OSError EINVAL
#: stdout dir_fd 4 OSError EBADF
#: stdout dir_fd 100 OSError EBADF
#: stdout dir_fd 2147483647 OSError EBADF
#: stdout dir_fd -1 OSError EBADF
#: stdout out by dir_fd PermissionError EPERM
#: stdout absolute by dir_fd FileNotFoundError ENOENT
#: stdout in by dir_fd done
#: stdout sendfile False
#: stdout copy_file_range False
#: stdout splice False
#: stdout memfd_create False
#: stdout mkfifo False
#: stdout mknod False
#: stdout pipe False
#: stdout dup True
#: stdout dup2 False
#: stdout chroot False
#: stdout mount False
#: stdout mmap of a file OSError None
import errno
import mmap
import os


def attempt(name, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
        print(name, 'done')
    except OSError as error:
        print(name, type(error).__name__, errno.errorcode.get(error.errno))
    except Exception as error:
        print(name, type(error).__name__)


for dir_fd in (0, 1, 2, 4, 100, 2**31 - 1, -1):
    attempt(f'dir_fd {dir_fd}', os.open, 'hello.txt', os.O_RDONLY, dir_fd=dir_fd)
folder = os.open('/data', os.O_RDONLY)
attempt('out by dir_fd', os.open, '../canary.txt', os.O_RDONLY, dir_fd=folder)
attempt('absolute by dir_fd', os.open, '/etc/passwd', os.O_RDONLY, dir_fd=folder)
attempt('in by dir_fd', os.open, 'hello.txt', os.O_RDONLY, dir_fd=folder)
for name in ('sendfile', 'copy_file_range', 'splice', 'memfd_create', 'mkfifo', 'mknod', 'pipe', 'dup', 'dup2', 'chroot', 'mount'):
    print(name, hasattr(os, name))
attempt('mmap of a file', mmap.mmap, folder, 10)
