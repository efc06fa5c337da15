"""`importlib.resources` for the packages in the snapshot: those of the library and of an image."""

import io
from importlib.resources.abc import Traversable, TraversableResources

from . import contents


class Reader(TraversableResources):
    """The files of one package."""

    def __init__(self, folder):
        self._folder = folder

    def files(self):
        """Return the folder of the package."""
        return Place(self._folder)


class Place(Traversable):
    """A file or folder in the snapshot."""

    def __init__(self, path):
        self._path = path

    def __repr__(self):
        return f"{type(self).__name__}({self._path!r})"

    def __str__(self):
        return self._path

    def __eq__(self, other):
        return isinstance(other, Place) and self._path == other._path

    def __hash__(self):
        return hash(self._path)

    @property
    def name(self):
        """The last component of the path."""
        return self._path.rpartition("/")[2]

    def iterdir(self):
        """Yield the entries of the folder."""
        if not self.is_dir():
            raise NotADirectoryError(20, "Not a directory", self._path)
        for name in contents.list_entries(self._path):
            yield Place(f"{self._path}/{name}")

    def is_dir(self):
        """Return whether this is a folder."""
        return bool(contents.list_entries(self._path))

    def is_file(self):
        """Return whether this is a file."""
        try:
            contents.read(self._path)
        except FileNotFoundError:
            return False
        return True

    def joinpath(self, *descendants):
        """Return the file or folder with this path below the folder; it need not exist."""
        parts = [part for name in descendants for part in str(name).split("/") if part not in ("", ".")]
        if ".." in parts:
            raise ValueError(f"a resource path cannot contain '..': {descendants!r}")
        return Place("/".join([self._path, *parts]))

    __truediv__ = joinpath

    def read_bytes(self):
        """Return the contents of the file."""
        with self.open("rb") as file:
            return file.read()

    def read_text(self, encoding=None, errors=None):
        """Return the contents of the file as text."""
        with self.open(encoding=encoding, errors=errors) as file:
            return file.read()

    def open(self, mode="r", encoding=None, errors=None, newline=None):
        """Open the file for reading, as text or, with `mode` "rb", as bytes."""
        if mode not in ("r", "rt", "rb"):
            raise ValueError(f"invalid mode for a resource: {mode!r} (use 'r' or 'rb')")
        if self.is_dir():
            raise IsADirectoryError(21, "Is a directory", self._path)
        file = io.BytesIO(contents.read(self._path))
        if mode == "rb":
            return file
        return io.TextIOWrapper(file, encoding=encoding or "utf-8", errors=errors, newline=newline)
