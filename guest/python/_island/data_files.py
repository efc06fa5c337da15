"""The files of an image's packages, for code that opens them by their paths.

They are in the snapshot and not in a file system, but packages look for them beside `__file__`.  The functions of `io`
and `os` that read files and folders find them there, unless a granted folder has the path.
"""

import builtins
import errno
import functools
import io
import os
import stat as modes
from zlib import crc32

from . import contents, descriptors
from .library import SITE

# The time of all files: that of the files in wheels that recipes build.
_TIME = 315532800


class _File(io.BytesIO):
    """An open file, with the attributes of one in a file system."""

    mode = "rb"
    name = None


class _Entry:
    """An entry of a folder, as `os.scandir` yields it."""

    def __init__(self, folder, name):
        self.name = name
        self.path = os.path.join(folder, name)

    def __fspath__(self):
        return self.path

    def __repr__(self):
        return f"<DirEntry {self.name!r}>"

    def stat(self, *, follow_symlinks=True):
        return os.stat(self.path)

    def is_dir(self, *, follow_symlinks=True):
        return modes.S_ISDIR(self.stat().st_mode)

    def is_file(self, *, follow_symlinks=True):
        return not self.is_dir()

    def is_symlink(self):
        return False

    def is_junction(self):
        return False

    def inode(self):
        return self.stat().st_ino


class _Entries:
    """The iterator that `os.scandir` returns."""

    def __init__(self, folder, names):
        self._entries = iter([_Entry(folder, name) for name in names])

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._entries)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._entries = iter(())


def _place(path):
    """Return the path in the folder of packages, or None if it is elsewhere."""
    if not isinstance(path, (str, os.PathLike)):
        return None
    path = os.fspath(path)
    if not isinstance(path, str) or not path.startswith(SITE):
        return None
    path = os.path.normpath(path)
    return path if path == SITE or path.startswith(f"{SITE}/") else None


def _describe(path):
    """Return what `os.stat` returns for a file or folder of packages, or None."""
    place = _place(path)
    if place is None:
        return None
    size = contents.size(place)
    if size is not None:
        mode = modes.S_IFREG | 0o444
    elif contents.list_entries(place):
        mode, size = modes.S_IFDIR | 0o555, 0
    else:
        return None
    return os.stat_result((mode, crc32(place.encode()), 0, 1, 0, 0, size, _TIME, _TIME, _TIME))


def _list(path):
    """Return the names in a folder of packages, or None."""
    place = _place(path)
    return None if place is None else contents.list_entries(place) or None


def _entries(path):
    """Return what `os.scandir` returns for a folder of packages, or None."""
    found = _list(path)
    return None if found is None else _Entries(os.fspath(path), found)


def _else(function, find):
    """Wrap `function` of a path to return what `find` does, unless that is None, where the path does not exist."""

    @functools.wraps(function)
    def look(path=None, **options):
        try:
            return function(path, **options)
        except FileNotFoundError:
            found = find(path)
            if found is None:
                raise
            return found

    return look


_open, _access = io.open, os.access


@functools.wraps(_open)
def open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
    try:
        return _open(file, mode, buffering, encoding, errors, newline, closefd, opener)
    except FileNotFoundError:
        found = None if opener else _describe(file)
        if found is None:
            raise
    if not set(mode).isdisjoint("wax+"):
        reason = errno.EROFS
    elif modes.S_ISDIR(found.st_mode):
        reason = errno.EISDIR
    else:
        raw = _File(contents.read(_place(file)))
        raw.name = file
        return raw if "b" in mode else io.TextIOWrapper(raw, encoding, errors, newline)
    raise OSError(reason, os.strerror(reason), file)


@functools.wraps(_access)
def access(path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True):
    if _access(path, mode, dir_fd=dir_fd, effective_ids=effective_ids, follow_symlinks=follow_symlinks):
        return True
    return not mode & os.W_OK and _describe(path) is not None


def install():
    """Replace the functions."""
    builtins.open = io.open = open
    descriptors.replace(
        (
            (_access, access),
            (os.stat, _else(os.stat, _describe)),
            (os.lstat, _else(os.lstat, _describe)),
            (os.listdir, _else(os.listdir, _list)),
            (os.scandir, _else(os.scandir, _entries)),
        )
    )
