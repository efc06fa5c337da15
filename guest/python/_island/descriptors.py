"""Functions of `os` that WASI's libc lacks, or restricts beyond what scripts expect."""

import errno
import functools
import os
import stat

_chdir, _dup, _open = os.chdir, os.dup, os.open

_ACCESS = os.O_RDONLY | os.O_WRONLY | os.O_RDWR


# The devices of the host that write to a standard stream, by its descriptor.
_STREAMS = {1: "/dev/stdout", 2: "/dev/stderr"}


@functools.wraps(_open)
def open(path, flags, mode=0o777, *, dir_fd=None):
    if not flags & _ACCESS:
        # Elsewhere it is zero.
        flags |= os.O_RDONLY
    return _open(path, flags, mode, dir_fd=dir_fd)


@functools.wraps(_dup)
def dup(fd, /):
    if fd in _STREAMS:
        return _open(_STREAMS[fd], os.O_WRONLY)
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        return _open(".", os.O_RDONLY, dir_fd=fd)
    try:
        # The host takes this for a duplication.
        copy = _open(".", os.O_RDWR, dir_fd=fd)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.EINVAL):
            raise
        # Not a file. Raises the error for that.
        return _dup(fd)
    # The host shares the position, but libc also has one for each descriptor.
    os.lseek(copy, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
    return copy


@functools.wraps(_chdir)
def chdir(path):
    if not isinstance(path, (str, bytes, os.PathLike)):
        return _chdir(path)
    name = os.fspath(path)
    try:
        # libc would keep `..` in the path of the current folder.
        _chdir(os.path.realpath(name) if name else name)
    except OSError as error:
        error.filename = name
        raise


# The owner of all files, as `os.stat` reports it.  Nothing is known about users of the host.
_OWNER = 0


def getuid():
    """Return the current process's user id."""
    return _OWNER


def geteuid():
    """Return the current process's effective user id."""
    return _OWNER


def getgid():
    """Return the current process's group id."""
    return _OWNER


def getegid():
    """Return the current process's effective group id."""
    return _OWNER


def chown(path, uid, gid, *, dir_fd=None, follow_symlinks=True):
    """Change the owner and group id of path to the numeric uid and gid."""
    os.stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
    if not {uid, gid} <= {-1, _OWNER}:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), path)


def lchown(path, uid, gid):
    """Change the owner and group id of path to the numeric uid and gid.  This function does not follow symbolic links."""
    chown(path, uid, gid, follow_symlinks=False)


def replace(pairs):
    """Replace functions of `os`, given as pairs of the old one and the new one."""
    for old, new in pairs:
        setattr(os, new.__name__, new)
        for supported in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
            if old in supported:
                supported.add(new)


def install():
    """Replace the functions in `os`."""
    replace(((_chdir, chdir), (_dup, dup), (_open, open)))
    # `tarfile` and pytest expect the first four to agree with `os.stat`, and the last two to exist for user 0.
    for function in getuid, geteuid, getgid, getegid, chown, lchown:
        setattr(os, function.__name__, function)
